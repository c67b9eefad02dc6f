//! A mount that cleans up after itself.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use nix::mount::{MntFlags, umount2};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::account::Account;
use super::process::{Outcome, Running, eventually, run, start};

/// The pop3fs command.
pub fn pop3fs() -> Command {
    Command::new(env!("CARGO_BIN_EXE_pop3fs"))
}

/// A place to mount at, with a state directory that outlives the mounts.
#[derive(Debug)]
pub struct Site {
    directory: TempDir,
}

impl Site {
    /// A fresh one.
    pub fn new() -> Self {
        let site = Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
        };
        for directory in [site.mountpoint(), site.state(), site.home()] {
            fs::create_dir(directory).expect("a directory to create");
        }
        site
    }

    /// Gives everything here to a user and the group of the same number. What stops others is then
    /// the mount, and no directory above it.
    pub fn give_to(&self, user: u32) {
        let above = fs::Permissions::from_mode(0o711);
        fs::set_permissions(self.directory.path(), above).expect("our own directory");
        let everything = [
            self.mountpoint(),
            self.state(),
            self.directory.path().to_owned(),
        ];
        for path in files_under(self.directory.path())
            .into_iter()
            .chain(everything)
        {
            chown(path, Some(user), Some(user)).expect("a file to give away");
        }
    }

    /// The mountpoint.
    pub fn mountpoint(&self) -> PathBuf {
        self.directory.path().join("mail")
    }

    /// The state directory.
    pub fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// The one journal in it.
    #[track_caller]
    pub fn journal(&self) -> PathBuf {
        let mut files = files_under(&self.state()).into_iter();
        let journal = files.find(|it| it.extension().is_some_and(|ending| ending == "journal"));
        journal.expect("a journal")
    }

    /// A home directory for the user.
    pub fn home(&self) -> PathBuf {
        self.beside("home")
    }

    /// The log of the mounts here.
    pub fn log(&self) -> PathBuf {
        self.beside("log")
    }

    /// A file or directory beside the mount.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The command that mounts an account here.
    pub fn command(&self, account: &Account) -> Command {
        let mut command = pop3fs();
        command
            .arg(account.source())
            .arg(self.mountpoint())
            .args(account.options())
            .arg("--state-dir")
            .arg(self.state())
            .arg("--log")
            .arg(self.log())
            .env("POP3FS_PASSWORD", account.password());
        command
    }

    /// The same for a user who gives no password, and has nothing in the home directory.
    pub fn command_without_password(&self, account: &Account) -> Command {
        let mut command = self.command(account);
        command
            .env_remove("POP3FS_PASSWORD")
            .env("HOME", self.home());
        command
    }

    /// Mounts an account; the daemon is in the background.
    #[track_caller]
    pub fn mount(&self, account: &Account) -> Mount<'_> {
        self.mount_with(account, &[])
    }

    /// The same with more options.
    #[track_caller]
    pub fn mount_with(&self, account: &Account, options: &[&str]) -> Mount<'_> {
        self.mount_by(self.command(account).args(options))
    }

    /// Mounts by a command made of [`Site::command`].
    #[track_caller]
    pub fn mount_by(&self, command: &mut Command) -> Mount<'_> {
        let mounting = run(command).succeeded();
        let daemon = Daemon::of(&self.mountpoint());
        Mount {
            site: self,
            daemon,
            said: mounting.stderr,
        }
    }

    /// Mounts an account with the program in the foreground.
    #[track_caller]
    pub fn mount_in_foreground(&self, account: &Account) -> (Running, Mount<'_>) {
        let mounted = self.try_mount_in_foreground(account, &[]);
        mounted.unwrap_or_else(|outcome| panic!("no mount: {outcome:?}"))
    }

    /// The same with more options; or how the program failed.
    #[track_caller]
    pub fn try_mount_in_foreground(
        &self,
        account: &Account,
        options: &[&str],
    ) -> Result<(Running, Mount<'_>), Outcome> {
        let mut program = start(self.command(account).arg("-f").args(options));
        // A mount of the same place that is dead may be there still.
        eventually("the mount appears", || {
            fs::exists(self.mountpoint().join(".pop3fs/ctl")).is_ok_and(|is_there| is_there)
                || program.has_ended()
        });
        if program.has_ended() {
            return Err(program.finish());
        }
        let mount = Mount {
            site: self,
            daemon: Daemon::of(&self.mountpoint()),
            said: String::new(),
        };
        Ok((program, mount))
    }
}

/// A mounted mailbox; unmounted, and its daemon ended, when dropped.
#[derive(Debug)]
pub struct Mount<'a> {
    site: &'a Site,
    daemon: Daemon,
    said: String,
}

impl Mount<'_> {
    /// The mountpoint.
    pub fn path(&self) -> PathBuf {
        self.site.mountpoint()
    }

    /// Where it is.
    pub fn site(&self) -> &Site {
        self.site
    }

    /// A message's file.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// What pop3fs said on the terminal while it mounted.
    pub fn said(&self) -> &str {
        &self.said
    }

    /// The daemon behind it.
    pub fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    /// The names in the root, in order.
    pub fn names(&self) -> Vec<String> {
        self.names_in("")
    }

    /// The names in a directory of the mount, in order.
    pub fn names_in(&self, directory: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path().join(directory))
            .expect("a readable mount")
            .map(|entry| entry.expect("a directory entry").file_name())
            .map(|name| name.into_string().expect("names are escaped"))
            .collect();
        names.sort();
        names
    }

    /// Removes messages.
    #[track_caller]
    pub fn remove(&self, names: &[&str]) {
        for name in names {
            fs::remove_file(self.file(name)).expect("a file to remove");
        }
    }

    /// Runs `pop3fs VERB MOUNTPOINT ARGUMENTS...`.
    #[track_caller]
    pub fn verb(&self, verb: &str, arguments: &[&str]) -> Outcome {
        run(pop3fs().arg(verb).arg(self.path()).args(arguments))
    }

    /// `pop3fs umount`.
    #[track_caller]
    pub fn umount(&self) -> Outcome {
        self.verb("umount", &[])
    }

    /// Ends the daemon with no chance to do anything; the dead mount stays until it is dropped.
    pub fn kill(&self) {
        self.daemon.signal(Signal::SIGKILL);
        self.daemon.await_end();
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        if self.daemon.is_running() {
            // It may have ended meanwhile, which is as good.
            let _ = kill(self.daemon.id, Signal::SIGKILL);
        }
        // Fails where it is unmounted already, which is as good.
        let _ = umount2(&self.path(), MntFlags::MNT_DETACH);
        let _ = Command::new("fusermount3")
            .args(["-q", "-u", "-z"])
            .arg(self.path())
            .status();
        if thread::panicking() {
            let log = fs::read_to_string(self.site.log()).unwrap_or_default();
            eprintln!("pop3fs said: {}\nits log:\n{log}", self.said);
        }
    }
}

/// The process behind a mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daemon {
    id: Pid,
    mountpoint: PathBuf,
}

impl Daemon {
    /// The one that was started with this mountpoint.
    ///
    /// # Panics
    ///
    /// Where there is none, or more than one.
    #[track_caller]
    fn of(mountpoint: &Path) -> Self {
        let (_, found): (Vec<Pid>, Vec<Pid>) =
            started_with(mountpoint).partition(|&id| is_keeper(id));
        match found[..] {
            [id] => Self {
                id,
                mountpoint: mountpoint.to_owned(),
            },
            _ => panic!("not one daemon behind {}: {found:?}", mountpoint.display()),
        }
    }

    /// Its process id.
    pub fn id(&self) -> Pid {
        self.id
    }

    /// The process beside it that has kept its rights, while there is one.
    pub fn keeper(&self) -> Option<Pid> {
        started_with(&self.mountpoint).find(|&id| is_keeper(id))
    }

    /// Sends it a signal.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        kill(self.id, signal).expect("a daemon to signal");
    }

    /// Waits until it has ended.
    #[track_caller]
    pub fn await_end(&self) {
        eventually("the daemon ends", || !self.is_running());
    }

    /// How much memory it has, in octets (VmRSS).
    pub fn memory(&self) -> usize {
        let path = format!("/proc/{}/status", self.id());
        let status = fs::read_to_string(path).expect("a process's status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kilobytes: usize = kilobytes.and_then(|it| it.parse().ok()).expect("a number");
        kilobytes << 10
    }

    /// Whether it runs, or still has what it has locked; another one that was given its id since
    /// shows other arguments.
    pub fn is_running(&self) -> bool {
        let words = arguments(self.id);
        let is_other = words.iter().any(|word| !word.is_empty())
            && !words.iter().any(|word| *Path::new(word) == self.mountpoint);
        !is_other && holds_locks(self.id)
    }
}

/// Whether something is mounted at a path.
pub fn is_mounted(path: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("a mount table");
    mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .any(|mountpoint| Path::new(mountpoint) == path)
}

/// Every file below a directory.
pub fn files_under(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("a directory entry").path();
        if path.is_dir() {
            files.extend(files_under(&path));
        } else {
            files.push(path);
        }
    }
    files
}

fn processes() -> impl Iterator<Item = Pid> {
    fs::read_dir("/proc")
        .expect("a process table")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .map(Pid::from_raw)
}

/// The processes that have a mountpoint among their arguments.
fn started_with(mountpoint: &Path) -> impl Iterator<Item = Pid> {
    processes().filter(move |&id| {
        arguments(id)
            .iter()
            .any(|word| Path::new(word) == mountpoint)
    })
}

fn is_keeper(id: Pid) -> bool {
    let name = fs::read_to_string(format!("/proc/{id}/comm"));
    name.is_ok_and(|name| name.trim_end() == "pop3fs-keeper")
}

/// A process that ends closes its files late; what is left of it then is a zombie of no other thread
/// (proc_pid_stat(5), fields 3 and 20).
fn holds_locks(id: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let Some((_, after_name)) = stat.rsplit_once(") ") else {
        return false;
    };
    let mut fields = after_name.split(' ');
    let state = fields.next();
    let threads = fields.nth(16);
    state != Some("Z") || !matches!(threads, Some("0" | "1"))
}

fn arguments(id: Pid) -> Vec<String> {
    fs::read(format!("/proc/{id}/cmdline"))
        .unwrap_or_default()
        .split(|&octet| octet == 0)
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}
