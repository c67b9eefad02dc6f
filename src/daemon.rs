//! Going to the background once everything has worked.
//!
//! ```text
//! split ── parent: waits for one octet, leaves with 0; or with the child's status if it dies first
//!     `─── child:  keeps terminal, directory and process group, so that prompts, errors and
//!                  Ctrl-C work as if there were no second process; announce ends that
//! ```
//!
//! The process splits before it has a second thread, because only the thread that forks goes on
//! in the child. Descriptors 0, 1 and 2 are open from the start: Rust's runtime opens `/dev/null`
//! on those that are not.

use std::env;
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::marker::PhantomData;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{
    ForkResult, Pid, chdir, dup2_stderr, dup2_stdin, dup2_stdout, fork, getpid, getppid, setsid,
};

/// What a shell adds to the number of the signal that killed a program.
const KILLED: i32 = 128;

/// `EX_OSERR` of sysexits.h, for a child whose fate the system does not tell.
const FATE_UNKNOWN: i32 = 71;

/// The duty to say that the program is ready for use. Whoever waits for that learns from the exit
/// status if it never comes.
///
/// It stays on the thread that made it, as the parent's death is reported for that thread only.
#[must_use = "whoever started the program waits until this is announced"]
#[derive(Debug)]
pub struct Ready {
    role: Role,
    on_one_thread: PhantomData<*const ()>,
}

#[derive(Debug)]
enum Role {
    /// No parent waits; a service manager may, at the other end of this socket.
    Foreground(Option<io::Result<UnixDatagram>>),
    /// A parent waits at the other end of this pipe.
    Background(PipeWriter),
}

/// Forks. Returns in the child only; the parent waits there, and leaves the process when the
/// child is ready or dead. If the parent is killed first, the child is sent SIGTERM.
///
/// No other thread may exist yet.
///
/// # Errors
///
/// The system has no pipe or no process left.
pub fn split() -> io::Result<Ready> {
    let (reader, writer) = io::pipe()?;
    let parent = getpid();
    // SAFETY: there is one thread, so the child has all of what it needs and no lock in it is
    // held by a thread that does not exist there.
    match unsafe { fork() }? {
        ForkResult::Child => {
            end_with(parent)?;
            Ok(Ready::new(Role::Background(writer)))
        }
        ForkResult::Parent { child } => {
            drop(writer);
            // Nothing that this process owns has an end to be run: it was cut off before.
            process::exit(status_of(child, reader))
        }
    }
}

/// Has this process sent SIGTERM when its parent dies, also if it died before that was asked for.
fn end_with(parent: Pid) -> nix::Result<()> {
    prctl::set_pdeathsig(Signal::SIGTERM)?;
    if getppid() != parent {
        raise(Signal::SIGTERM)?;
    }
    Ok(())
}

/// Waits until the child is ready or dead; the exit status that says so.
fn status_of(child: Pid, mut pipe: PipeReader) -> i32 {
    leave_terminal_signals_to_child();
    match pipe.read_exact(&mut [0]) {
        Ok(()) => 0,
        Err(_) => fate_of(child),
    }
}

/// The terminal sends these to both processes; it is the child's business to die of them.
fn leave_terminal_signals_to_child() {
    let signals: SigSet = [Signal::SIGINT, Signal::SIGHUP].into_iter().collect();
    if let Err(errno) = signals.thread_block() {
        log::debug!("cannot block the terminal's signals: {errno}");
    }
}

fn fate_of(child: Pid) -> i32 {
    loop {
        match waitpid(child, None) {
            Ok(WaitStatus::Exited(_, status)) => return status,
            Ok(WaitStatus::Signaled(_, signal, _)) => {
                report(&format!("killed by {signal} before it was ready"));
                return KILLED + signal as i32;
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => {
                report(&format!(
                    "ended before it was ready, the system does not say how: {errno}"
                ));
                return FATE_UNKNOWN;
            }
        }
    }
}

/// A terminal that is gone is no reason to panic.
fn report(what: &str) {
    let _ = writeln!(io::stderr(), "pop3fs: {what}");
}

impl Ready {
    /// For a program that stays in the foreground. It looks for a service manager at once, as it may
    /// not be allowed to later: in `NOTIFY_SOCKET`.
    pub fn foreground() -> Self {
        let address = env::var_os("NOTIFY_SOCKET");
        Self::new(Role::Foreground(address.map(|it| manager(&it))))
    }

    fn new(role: Role) -> Self {
        Self {
            role,
            on_one_thread: PhantomData,
        }
    }

    /// Says that the program is ready.
    ///
    /// In the background it [detaches](detach), has others detached who belong to it, and the parent
    /// leaves with 0. In the foreground it tells the service manager, if there is one.
    ///
    /// # Errors
    ///
    /// The system refused one of these steps, or nobody waits any more.
    pub fn announce(self, detach_others: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        match self.role {
            Role::Foreground(None) => Ok(()),
            Role::Foreground(Some(manager)) => notify(&manager?),
            Role::Background(mut parent) => {
                detach()?;
                detach_others()?;
                parent.write_all(&[1])
            }
        }
    }
}

/// Leaves session, directory, terminal and standard streams behind, so every path that is still to be
/// used must be absolute.
///
/// # Errors
///
/// The system refused one of these steps.
pub fn detach() -> io::Result<()> {
    prctl::set_pdeathsig(None)?;
    setsid()?;
    chdir("/")?;
    let null = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    Ok(())
}

/// Where a service manager wants to be told: at a path, or an abstract name written with `@` before
/// it.
fn manager(address: &OsStr) -> io::Result<UnixDatagram> {
    let address = match address.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(address)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    Ok(socket)
}

/// sd_notify(3)
fn notify(manager: &UnixDatagram) -> io::Result<()> {
    manager.send(b"READY=1").map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::path::Path;
    use std::process::{Command, Output};
    use std::time::Duration;

    fn received(socket: &UnixDatagram) -> Vec<u8> {
        socket
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let mut text = [0; 100];
        let length = socket.recv(&mut text).unwrap();
        text[..length].to_vec()
    }

    #[test]
    fn a_service_manager_is_told_at_a_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        notify(&manager(path.as_os_str()).unwrap()).unwrap();
        assert_eq!(received(&socket), b"READY=1");
    }

    #[test]
    fn a_service_manager_is_told_at_an_abstract_name() {
        let name = format!("pop3fs-test-{}", process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        notify(&manager(OsStr::new(&format!("@{name}"))).unwrap()).unwrap();
        assert_eq!(received(&socket), b"READY=1");
    }

    #[test]
    fn a_service_manager_that_is_not_there_is_an_error() {
        assert!(manager(OsStr::new("/does/not/exist")).is_err());
    }

    const ALONE: &str = "POP3FS_TEST_ALONE";

    /// Runs `scenario` in a process with one thread: this test program, started again with the
    /// test's own name, comes back here.
    fn alone(test: &str, scenario: fn()) -> Output {
        if env::var_os(ALONE).is_some() {
            scenario();
            process::exit(99);
        }
        let name = format!("daemon::tests::{test}");
        Command::new(env::current_exe().unwrap())
            .args(["--exact", &name, "--test-threads=1", "--nocapture"])
            .env(ALONE, "")
            .output()
            .unwrap()
    }

    #[test]
    fn the_parent_leaves_with_0_when_the_child_is_ready() {
        let name = "the_parent_leaves_with_0_when_the_child_is_ready";
        let output = alone(name, || split().unwrap().announce(|| Ok(())).unwrap());
        assert_eq!(output.status.code(), Some(0));
    }

    #[test]
    fn the_parent_leaves_with_the_status_of_a_child_that_ends_first() {
        let name = "the_parent_leaves_with_the_status_of_a_child_that_ends_first";
        let output = alone(name, || {
            let _ready = split().unwrap();
            process::exit(77);
        });
        assert_eq!(output.status.code(), Some(77));
    }

    #[test]
    fn the_parent_names_the_signal_that_killed_its_child() {
        let name = "the_parent_names_the_signal_that_killed_its_child";
        let output = alone(name, || {
            let _ready = split().unwrap();
            process::abort();
        });
        assert_eq!(output.status.code(), Some(128 + 6));
        assert!(String::from_utf8_lossy(&output.stderr).contains("SIGABRT"));
    }

    #[test]
    fn a_parent_that_is_killed_takes_an_unready_child_along() {
        let name = "a_parent_that_is_killed_takes_an_unready_child_along";
        let output = alone(name, || {
            let (mut reader, mut writer) = io::pipe().unwrap();
            // SAFETY: the process has one thread.
            if let ForkResult::Parent { child } = unsafe { fork() }.unwrap() {
                drop(writer);
                reader.read_exact(&mut [0]).unwrap();
                nix::sys::signal::kill(child, Signal::SIGKILL).unwrap();
                let mut last_words = String::new();
                reader.read_to_string(&mut last_words).unwrap();
                print!("last words: {last_words}.");
                process::exit(0);
            }
            let _ready = split().unwrap();
            writer.write_all(b" ").unwrap();
            std::thread::sleep(Duration::from_secs(60));
            writer.write_all(b"I live").unwrap();
        });
        let words = String::from_utf8_lossy(&output.stdout);
        assert!(words.contains("last words: ."), "{words}");
    }

    #[test]
    fn a_child_whose_parent_is_dead_already_ends_too() {
        let name = "a_child_whose_parent_is_dead_already_ends_too";
        let output = alone(name, || {
            let not_the_parent = getpid();
            end_with(not_the_parent).unwrap();
        });
        assert_eq!(output.status.signal(), Some(Signal::SIGTERM as i32));
    }

    #[test]
    fn a_child_that_is_ready_has_left_terminal_and_directory() {
        let name = "a_child_that_is_ready_has_left_terminal_and_directory";
        let output = alone(name, || {
            let (mut reader, mut writer) = io::pipe().unwrap();
            // SAFETY: the process has one thread.
            if let ForkResult::Parent { .. } = unsafe { fork() }.unwrap() {
                drop(writer);
                let mut verdict = String::new();
                reader.read_to_string(&mut verdict).unwrap();
                print!("{verdict}");
                process::exit(0);
            }
            split().unwrap().announce(|| Ok(())).unwrap();
            let leads = nix::unistd::getsid(None).unwrap() == nix::unistd::getpid();
            let null = Path::new("/dev/null");
            let streams = (0..=2)
                .all(|fd| std::fs::read_link(format!("/proc/self/fd/{fd}")).unwrap() == null);
            let root = env::current_dir().unwrap() == Path::new("/");
            write!(writer, "session {leads} streams {streams} root {root}").unwrap();
        });
        let verdict = String::from_utf8_lossy(&output.stdout);
        assert!(
            verdict.contains("session true streams true root true"),
            "{verdict}"
        );
    }
}
