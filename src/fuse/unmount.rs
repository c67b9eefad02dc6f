//! Unmounting, as root and through the setuid helper.

use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nix::errno::Errno;
use nix::mount::{MntFlags, umount2};

use super::mountinfo::true_path;

/// The helper of the fuse3 package. mount(8) may run us without a PATH, so its usual places are
/// tried too.
pub(super) const HELPERS: [&str; 5] = [
    "fusermount3",
    "/usr/bin/fusermount3",
    "/bin/fusermount3",
    "/usr/sbin/fusermount3",
    "/sbin/fusermount3",
];

/// How to unmount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// If nobody uses it.
    Plain,
    /// With files open too: the name is gone at once, the filesystem ends with the last file's
    /// close.
    Lazy,
    /// The same, and whoever waits for the filesystem gets an error at once; as far as we may.
    Forced,
}

/// Unmounts whatever is mounted at a path.
///
/// Returns before the filesystem's own process has done its last work.
///
/// # Errors
/// `ResourceBusy` if a file is open and the unmount is plain; else what the kernel or the helper
/// said.
pub fn unmount(at: &Path, manner: Manner) -> io::Result<()> {
    let at = true_path(at)?;
    match umount2(&at, MntFlags::UMOUNT_NOFOLLOW | manner.flags()) {
        Ok(()) => Ok(()),
        // Only root may; others are let by the helper if the mount is theirs.
        Err(Errno::EPERM) => unmount_by_helper(&at, manner),
        Err(errno) => Err(errno.into()),
    }
}

impl Manner {
    fn flags(self) -> MntFlags {
        match self {
            Self::Plain => MntFlags::empty(),
            Self::Lazy => MntFlags::MNT_DETACH,
            Self::Forced => MntFlags::MNT_DETACH | MntFlags::MNT_FORCE,
        }
    }
}

fn unmount_by_helper(at: &Path, manner: Manner) -> io::Result<()> {
    let lazy = manner != Manner::Plain;
    for helper in HELPERS {
        let mut command = Command::new(helper);
        command.arg("-u").args(lazy.then_some("-z"));
        command.arg("--").arg(at).stdin(Stdio::null());
        match command.output() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (),
            Err(error) => return Err(error),
            Ok(output) => return outcome(&output),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::NotFound,
        "only root can unmount without fusermount3; install the package fuse3",
    ))
}

/// What the helper has to say about it.
fn outcome(output: &Output) -> io::Result<()> {
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim_end();
    let busy = said.ends_with("Device or resource busy");
    let kind = if busy {
        io::ErrorKind::ResourceBusy
    } else {
        io::ErrorKind::Other
    };
    Err(io::Error::new(kind, said.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    fn exited(status: i32, stderr: &str) -> Output {
        Output {
            status: ExitStatus::from_raw(status << 8),
            stdout: Vec::new(),
            stderr: stderr.into(),
        }
    }

    #[test]
    fn the_helpers_words_are_passed_on() {
        let said = "fusermount3: entry for /mnt not found in /etc/mtab\n";
        let error = outcome(&exited(1, said)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Other);
        assert_eq!(error.to_string(), said.trim_end());
    }

    #[test]
    fn an_open_file_is_told_from_other_failures() {
        let said = "fusermount3: failed to unmount /mnt: Device or resource busy\n";
        let error = outcome(&exited(1, said)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
    }

    #[test]
    fn success_is_success_whatever_the_helper_mutters() {
        assert!(outcome(&exited(0, "warning")).is_ok());
    }

    #[test]
    fn a_directory_that_is_no_mount_is_not_unmounted() {
        let directory = tempfile::tempdir().unwrap();
        for manner in [Manner::Plain, Manner::Lazy, Manner::Forced] {
            assert!(unmount(directory.path(), manner).is_err());
        }
    }
}
