//! Mounting: what makes a connection to the kernel of a directory.

use std::fs::{OpenOptions, read_link};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::sys::stat::Mode;
use nix::unistd::{getgid, getuid};

use super::options::MountOptions;
use super::unmount::HELPERS;
use crate::keeper::Channel;

/// The kernel's FUSE device.
pub(super) const DEVICE: &str = "/dev/fuse";

/// The type of the filesystem, as the table of mounts has it.
pub(super) const KIND: &str = "fuse.pop3fs";

/// The environment variable that tells the helper where to send the device.
const WHERE_TO: &str = "_FUSE_COMMFD";

/// Mounts; the connection to the kernel, on which nothing has been said yet.
///
/// # Errors
/// `NotFound` if there is no helper; `PermissionDenied` if the machine does not let others than
/// root share their mounts; else what the kernel or the helper said.
pub(super) fn mount_at(at: &Path, options: &MountOptions) -> io::Result<OwnedFd> {
    match mount_as_root(at, options) {
        // Only root may; others are let by the helper.
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => mount_by_helper(at, options),
        mounted => mounted,
    }
}

/// The kernel documents the parameters in `filesystems/fuse.rst`.
///
/// It would follow a link that was put in the place of the mount point, which the helper does with
/// the rights of its user alone.
fn mount_as_root(at: &Path, options: &MountOptions) -> io::Result<OwnedFd> {
    let directory = open_true(at)?;
    let device = OpenOptions::new().read(true).write(true).open(DEVICE)?;
    let parameters = format!(
        "fd={},rootmode={:o},user_id={},group_id={},{}",
        device.as_raw_fd(),
        libc::S_IFDIR,
        getuid(),
        getgid(),
        options.parameters()
    );
    let mut flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    flags.set(MsFlags::MS_RDONLY, options.read_only);
    let source = options.source();
    mount(
        Some(source.as_str()),
        &way_to(&directory),
        Some(KIND),
        flags,
        Some(parameters.as_str()),
    )?;
    Ok(device.into())
}

/// Opens the directory that has this true path, to which no link leads.
fn open_true(at: &Path) -> io::Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let directory = open(at, flags, Mode::empty())?;
    if read_link(way_to(&directory))? == at {
        Ok(directory)
    } else {
        Err(io::Error::other("a link leads elsewhere now"))
    }
}

/// A path that leads to what is open, whatever is done to its names.
fn way_to(directory: &OwnedFd) -> PathBuf {
    format!("/proc/self/fd/{}", directory.as_raw_fd()).into()
}

fn mount_by_helper(at: &Path, options: &MountOptions) -> io::Result<OwnedFd> {
    for helper in HELPERS {
        let mut command = Command::new(helper);
        command.arg("-o").arg(options.words()).arg("--").arg(at);
        match received_from(command) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (),
            received => return received,
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// Has the helper send the device over its standard input, or say why not.
fn received_from(mut helper: Command) -> io::Result<OwnedFd> {
    let (ours, theirs) = UnixStream::pair()?;
    helper
        .env(WHERE_TO, "0")
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = helper.spawn()?;
    // It holds the other end of the socket, which would never end.
    drop(helper);
    let received = Channel::from(OwnedFd::from(ours)).receive();
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut said)?;
    }
    child.wait()?;
    let message = received?.and_then(|message| message.descriptor);
    message.ok_or_else(|| refusal(said.trim_end()))
}

fn refusal(said: &str) -> io::Error {
    let shared = said.contains("only allowed if 'user_allow_other' is set");
    let kind = if shared {
        io::ErrorKind::PermissionDenied
    } else {
        io::ErrorKind::Other
    };
    io::Error::new(kind, said.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::create_dir_all;
    use std::os::unix::fs::symlink;

    fn shell(script: &str) -> io::Result<OwnedFd> {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script);
        received_from(command)
    }

    #[test]
    fn no_link_leads_to_what_is_mounted_on() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().canonicalize().unwrap();
        create_dir_all(path.join("a/b")).unwrap();
        symlink(path.join("a"), path.join("link")).unwrap();
        let true_directory = open_true(&path.join("a/b")).unwrap();
        assert_eq!(
            read_link(way_to(&true_directory)).unwrap(),
            path.join("a/b")
        );
        for led in ["link", "link/b"] {
            assert!(open_true(&path.join(led)).is_err(), "{led}");
        }
    }

    #[test]
    fn a_helper_that_sends_nothing_has_said_why() {
        let error = shell("echo no way >&2; exit 1").unwrap_err();
        assert_eq!(error.to_string(), "no way");
        let error =
            shell("echo \"option allow_other only allowed if 'user_allow_other' is set\" >&2");
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_helper_that_is_not_there_is_told_from_one_that_fails() {
        let error = received_from(Command::new("/does/not/exist")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
