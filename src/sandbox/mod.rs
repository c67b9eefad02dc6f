//! Giving up what the process does not need, before it has heard a word from the server.
//!
//! ```text
//! no new privileges   no program can give it more than it has
//! capabilities        nothing that an ordinary user may not, where root mounts
//! files (Landlock)    opened only where it must, and none made
//! network (Landlock)  connections only to the ports it must reach; it listens nowhere
//! signals (Landlock)  none to processes outside, nor abstract sockets of theirs
//! system calls        none that runs a program, mounts, traces, loads code into the kernel, changes
//!                     modes and the like, or reaches another program over a Unix socket or shared memory
//! ```
//!
//! Landlock holds for the thread that asks for it, and those that it starts; so nothing of this may
//! come later. What a kernel does not have is left out, and said.

mod alteration;
mod arguments;
mod calls;
mod capabilities;
mod domain;

use std::fmt::Display;
use std::path::PathBuf;

use nix::sys::prctl;

/// What the process needs after all.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Files and directories that it reads.
    pub read: Vec<PathBuf>,
    /// Files that it writes to, besides those that it has open already.
    pub write: Vec<PathBuf>,
    /// The TCP ports that it connects to.
    pub ports: Vec<u16>,
}

/// What is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InForce {
    /// Running a program gives no new privileges.
    pub no_new_privileges: bool,
    /// Root may no more than others.
    pub capabilities: bool,
    /// Only what is needed can be opened.
    pub files: bool,
    /// Only what is needed can be connected to.
    pub network: bool,
    /// Processes outside cannot be signalled.
    pub signals: bool,
    /// Some system calls fail.
    pub system_calls: bool,
}

impl InForce {
    /// Each thing that is in force, for `status`.
    pub fn names(self) -> Vec<&'static str> {
        [
            (self.no_new_privileges, "no-new-privileges"),
            (self.capabilities, "capabilities"),
            (self.files, "files"),
            (self.network, "network"),
            (self.signals, "signals"),
            (self.system_calls, "system-calls"),
        ]
        .into_iter()
        .filter_map(|(is_in_force, name)| is_in_force.then_some(name))
        .collect()
    }
}

/// Gives up everything else, for good, as far as the kernel can. No other thread may exist yet.
pub fn enter(needs: &Needs) -> InForce {
    let no_new_privileges = prctl::set_no_new_privs();
    let capabilities = capabilities::give_up();
    let domain = domain::enter(needs);
    let calls = calls::forbid();
    InForce {
        no_new_privileges: is_done("give up new privileges", &no_new_privileges),
        capabilities: is_done("give up capabilities", &capabilities),
        system_calls: is_done("give up system calls", &calls),
        ..domain.unwrap_or_else(|error| {
            log::warn!("cannot give up files and network: {error}");
            InForce::default()
        })
    }
}

fn is_done<E: Display>(what: &str, result: &Result<(), E>) -> bool {
    if let Err(error) = result {
        log::warn!("cannot {what}: {error}");
    }
    result.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::io::{ErrorKind::PermissionDenied, Write};
    use std::net::{TcpListener, TcpStream, ToSocketAddrs};
    use std::os::unix::fs::chown;
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
    use std::process::Command;
    use std::thread;

    use nix::errno::Errno;
    use nix::sched::{CloneFlags, unshare};
    use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket, socketpair};
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{ForkResult, fork};

    const NAMESPACES: [CloneFlags; 7] = [
        CloneFlags::CLONE_NEWNS,
        CloneFlags::CLONE_NEWCGROUP,
        CloneFlags::CLONE_NEWUTS,
        CloneFlags::CLONE_NEWIPC,
        CloneFlags::CLONE_NEWUSER,
        CloneFlags::CLONE_NEWPID,
        CloneFlags::CLONE_NEWNET,
    ];

    fn is_refused<T>(result: &std::io::Result<T>) -> bool {
        result
            .as_ref()
            .is_err_and(|error| error.kind() == PermissionDenied)
    }

    /// On a thread of its own, the only one that is restricted.
    fn within(needs: Needs, scenario: impl FnOnce(InForce) + Send + 'static) {
        thread::spawn(move || scenario(enter(&needs)))
            .join()
            .unwrap();
    }

    /// The process that serves the mailbox gives up what it does not need, before it hears from the
    /// server: it can open no other files than those of the system, make none and remove none, connect to
    /// no other port than the server's and those of names, and run no program, as far as the kernel can
    /// see to it.
    #[test]
    fn what_is_not_needed_is_refused() {
        let open = tempfile::NamedTempFile::new().unwrap();
        let path = open.path().to_owned();
        let (reached, other) = (listener(), listener());
        let needs = Needs {
            write: vec![open.path().to_owned()],
            ports: vec![reached.local_addr().unwrap().port()],
            ..Needs::default()
        };
        within(needs, move |in_force| {
            let mut writable = File::options();
            let written = writable.write(true).open(&path);
            written.unwrap().write_all(b"written").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"written");
            let beside = fs::write(path.with_extension("beside"), "");
            assert_eq!(is_refused(&beside), in_force.files);
            assert_eq!(is_refused(&fs::remove_file(&path)), in_force.files);
            assert_eq!(is_refused(&File::open("/etc/passwd")), in_force.files);
            assert!(TcpStream::connect(reached.local_addr().unwrap()).is_ok());
            let connected = TcpStream::connect(other.local_addr().unwrap());
            assert_eq!(is_refused(&connected), in_force.network);
            let listening = TcpListener::bind("127.0.0.1:0");
            assert_eq!(is_refused(&listening), in_force.network);
        });
    }

    /// Of its own files neither, whose mode could let others read them.
    #[test]
    fn modes_owners_and_times_of_files_stay_as_they_are() {
        let ours = tempfile::NamedTempFile::new().unwrap();
        let path = ours.path().to_owned();
        within(Needs::default(), move |in_force| {
            assert!(in_force.system_calls);
            let as_it_is = ours.as_file().metadata().unwrap();
            let (mode, time) = (as_it_is.permissions(), as_it_is.modified().unwrap());
            assert!(is_refused(&fs::set_permissions(&path, mode.clone())));
            assert!(is_refused(&ours.as_file().set_permissions(mode)));
            assert!(is_refused(&ours.as_file().set_modified(time)));
            assert!(is_refused(&chown(&path, None, None)));
            let calls = [alteration::CALLS, alteration::OLD_CALLS].concat();
            for call in calls {
                // SAFETY: nothing is read at no address, and what is none is not used.
                let refused = unsafe { libc::syscall(call, -1, 0, 0, 0, 0, 0) };
                assert_eq!((refused, Errno::last()), (-1, Errno::EPERM), "{call}");
            }
            assert!(
                ours.as_file().set_len(0).is_ok(),
                "as the journal is mended"
            );
        });
    }

    #[test]
    fn no_program_is_run() {
        let needs = Needs {
            read: vec!["/".into()],
            ..Needs::default()
        };
        within(needs, |in_force| {
            let run = Command::new("true").status();
            assert_eq!(is_refused(&run), in_force.files || in_force.system_calls);
            let unshared = unshare(CloneFlags::CLONE_FS);
            assert_eq!(unshared.is_err(), in_force.system_calls);
        });
    }

    /// Nor is a process or thread started in one of its own; threads start as ever.
    #[test]
    fn no_other_namespace_is_entered() {
        within(Needs::default(), |in_force| {
            assert!(in_force.system_calls);
            for flag in NAMESPACES {
                // Nobody is born by these flags in any case: a thread shares its signal handlers.
                let flags = flag | CloneFlags::CLONE_THREAD;
                // SAFETY: there is no child, so that nothing runs on a stack of no address.
                let refused = unsafe { libc::syscall(libc::SYS_clone, flags.bits(), 0, 0, 0, 0) };
                assert_eq!((refused, Errno::last()), (-1, Errno::EPERM), "{flag:?}");
            }
            // SAFETY: nothing is read at no address.
            let unknown = unsafe { libc::syscall(libc::SYS_clone3, 0, 0) };
            assert_eq!((unknown, Errno::last()), (-1, Errno::ENOSYS));
            assert_eq!(thread::spawn(|| 1).join().unwrap(), 1);
        });
    }

    /// The desktop's bus and agents are there. Pairs remain, which are how the keeper is spoken to, and
    /// names are found without.
    #[test]
    fn no_socket_of_other_programs_is_reached() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agent");
        let _agent = UnixListener::bind(&path).unwrap();
        let needs = Needs {
            read: vec!["/".into()],
            ..Needs::default()
        };
        within(needs, move |in_force| {
            assert!(in_force.system_calls);
            assert!(is_refused(&UnixDatagram::unbound()));
            assert!(is_refused(&UnixDatagram::pair()));
            assert!(is_refused(&UnixStream::connect(&path)));
            let (family, flags) = (AddressFamily::Unix, SockFlag::SOCK_CLOEXEC);
            assert!(socketpair(family, SockType::SeqPacket, None, flags).is_ok());
            assert!(UnixStream::pair().is_ok());
            assert!(("localhost", 110).to_socket_addrs().is_ok());
        });
    }

    #[test]
    fn nothing_is_shared_with_other_programs() {
        within(Needs::default(), |in_force| {
            assert!(in_force.system_calls);
            let calls = [
                libc::SYS_shmget,
                libc::SYS_shmat,
                libc::SYS_msgget,
                libc::SYS_semget,
                libc::SYS_mq_open,
            ];
            for call in calls {
                // SAFETY: nothing is read at no address, and what is none is not used.
                let refused = unsafe { libc::syscall(call, 0, 0, 0, 0) };
                assert_eq!((refused, Errno::last()), (-1, Errno::EPERM), "{call}");
            }
        });
    }

    #[test]
    fn netlink_tells_of_addresses_and_does_nothing_else() {
        within(Needs::default(), |in_force| {
            assert!(in_force.system_calls);
            let netlink = |protocol| {
                let (family, flags) = (AddressFamily::Netlink, SockFlag::SOCK_CLOEXEC);
                socket(family, SockType::Raw, flags, protocol).map(drop)
            };
            assert_eq!(netlink(SockProtocol::NetlinkRoute), Ok(()));
            let refused = netlink(SockProtocol::NetlinkNetFilter);
            assert_eq!(refused, Err(Errno::EPERM));
        });
    }

    /// What is asked for is what the kernel's 32 bits say, whatever is in front of them.
    #[test]
    fn nothing_is_typed_into_a_terminal() {
        within(Needs::default(), |in_force| {
            assert!(in_force.system_calls);
            for request in [libc::TIOCSTI, libc::TIOCLINUX] {
                for in_front in [0, 1 << 32] {
                    let request = request as libc::c_long | in_front;
                    // SAFETY: there is no such descriptor, and nothing is read at no address.
                    let refused = unsafe { libc::syscall(libc::SYS_ioctl, -1, request, 0) };
                    assert_eq!((refused, Errno::last()), (-1, Errno::EPERM));
                }
            }
        });
    }

    /// There is a second number for each system call on x86_64, and a third in 32 bits.
    #[cfg(target_arch = "x86_64")]
    #[test]
    fn other_numbers_of_system_calls_are_refused() {
        within(Needs::default(), |in_force| {
            assert!(in_force.system_calls);
            // SAFETY: it has no arguments, and changes nothing.
            let refused = unsafe { libc::syscall(libc::SYS_getpid | 0x4000_0000) };
            assert_eq!((refused, Errno::last()), (-1, Errno::EPERM));
            // SAFETY: the child does nothing but ask for its number and end.
            match unsafe { fork() }.unwrap() {
                ForkResult::Child => ask_in_32_bits(),
                ForkResult::Parent { child } => {
                    let fate = waitpid(child, None).unwrap();
                    assert!(matches!(fate, WaitStatus::Signaled(..)), "{fate:?}");
                }
            }
        });
    }

    /// For the number of the process.
    #[cfg(target_arch = "x86_64")]
    fn ask_in_32_bits() -> ! {
        // SAFETY: the kernel changes no other register, and no memory.
        unsafe { std::arch::asm!("int 0x80", inout("eax") 20 => _) };
        // SAFETY: nothing is run at the end.
        unsafe { libc::_exit(0) }
    }

    #[test]
    fn what_is_in_force_is_named() {
        within(Needs::default(), |in_force| {
            assert!(
                in_force
                    .names()
                    .starts_with(&["no-new-privileges", "capabilities"])
            );
        });
        let names = InForce {
            files: true,
            ..InForce::default()
        };
        assert_eq!(names.names(), ["files"]);
    }

    fn listener() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").unwrap()
    }
}
