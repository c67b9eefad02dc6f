//! The mailbox mounted by the program itself, as a person would.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use nix::mount::{MntFlags, umount2};
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
        match &account.authority {
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

    /// Unmounts, and fails if the program does.
    pub fn umount(self) -> io::Result<()> {
        succeed(program().arg("umount").arg(self.path()))
    }
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
