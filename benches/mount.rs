//! The mailbox mounted by the program itself, as a person would.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::Pid;
use serde::Deserialize;
use tempfile::TempDir;

use crate::account::Account;
use crate::process::succeed;

/// A mounted mailbox; unmounted when dropped.
pub struct Mount {
    home: TempDir,
}

impl Mount {
    /// Mounts an account; returns when the program has gone to the background.
    pub fn of(account: &Account) -> io::Result<Mount> {
        let home = tempfile::Builder::new().prefix("pop3fs-bench-").tempdir()?;
        let mount = Mount { home };
        fs::create_dir(mount.path())?;
        let mut command = program();
        command.arg(account.url()).arg(mount.path());
        match account.authority() {
            Some(authority) => command.arg("--ca-file").arg(authority),
            None => command.args(["--tls", "off"]),
        };
        command
            .arg("--state-dir")
            .arg(mount.home.path().join("state"));
        succeed(command.env("POP3FS_PASSWORD", Account::PASSWORD))?;
        Ok(mount)
    }

    /// Where the messages are.
    pub fn path(&self) -> PathBuf {
        self.home.path().join("mail")
    }

    /// The messages' files, in listing order.
    pub fn files(&self) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(self.path())?
            .map(|entry| Ok(entry?.path()))
            .collect()
    }

    /// What the program says of itself.
    pub fn status(&self) -> io::Result<Status> {
        Ok(serde_json::from_slice(&fs::read(
            self.path().join(".pop3fs/status"),
        )?)?)
    }

    /// The memory that the program occupies, in octets.
    pub fn memory(&self) -> io::Result<u64> {
        self.told_by_the_kernel("VmRSS:")
    }

    /// The most memory that it has ever occupied, in octets.
    pub fn most_memory(&self) -> io::Result<u64> {
        self.told_by_the_kernel("VmHWM:")
    }

    /// The threads of the program whose names begin so.
    pub fn threads(&self, name: &str) -> io::Result<Vec<Pid>> {
        let mut threads = Vec::new();
        for task in fs::read_dir(format!("/proc/{}/task", self.status()?.pid))? {
            let task = task?;
            let thread = task.file_name().to_string_lossy().parse();
            if fs::read_to_string(task.path().join("comm"))?.starts_with(name) {
                threads.extend(thread.map(Pid::from_raw));
            }
        }
        Ok(threads)
    }

    /// A line of proc_pid_status(5), which counts in KiB.
    fn told_by_the_kernel(&self, name: &str) -> io::Result<u64> {
        let lines = fs::read_to_string(format!("/proc/{}/status", self.status()?.pid))?;
        let line = lines.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok())
            .map(|kibibytes| kibibytes * 1024)
            .ok_or_else(|| io::Error::other(format!("the kernel tells no {name}")))
    }

    /// Has the kernel forget all it knows of the files; only root can make it.
    pub fn forget(&self) -> io::Result<()> {
        let flags =
            MsFlags::MS_REMOUNT | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        mount(
            None::<&str>,
            &self.path(),
            None::<&str>,
            flags,
            None::<&str>,
        )?;
        Ok(())
    }

    /// Takes all marks off.
    pub fn undelete_all(&self) -> io::Result<()> {
        succeed(program().arg("undelete").arg(self.path()).arg("--all"))
    }

    /// Unmounts, and fails if the program does.
    pub fn umount(self) -> io::Result<()> {
        succeed(program().arg("umount").arg(self.path()))
    }
}

/// As much of it as is of interest.
#[derive(Deserialize)]
pub struct Status {
    pid: u32,
    pub transfer: Transfer,
}

/// What went over the wire.
#[derive(Deserialize)]
pub struct Transfer {
    /// Octets.
    pub received: u64,
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Fails where it is unmounted already, which is as good.
        let _ = umount2(&self.path(), MntFlags::MNT_DETACH);
        let _ = Command::new("fusermount3")
            .args(["-q", "-u", "-z"])
            .arg(self.path())
            .stderr(Stdio::null())
            .status();
    }
}

/// The program, built as it is released; what it says of success is not for the table.
fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_pop3fs"));
    program.stdout(Stdio::null());
    program
}
