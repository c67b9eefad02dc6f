//! The process that serves a mount.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::mountinfo::MountInfo;

/// The process that serves a mount, without a question to it: it may not answer any more.
///
/// `hint` is the process that is said to be it, for kernels that do not tell; it is not believed
/// blindly, for anybody can mount something that names the process of somebody else. The process
/// is closed to others of its user, who find it by what it was told to mount.
pub fn server_of(mount: &MountInfo, hint: Option<u32>) -> Option<u32> {
    let connection = connection(mount)?;
    let told = processes().find(|&pid| connections(pid).contains(&Some(connection)));
    told.or_else(|| hint.filter(|&pid| may_be_server(pid, mount)))
        .or_else(|| only_mounter(mount))
}

/// The only process of the mounter's that was started to mount there.
fn only_mounter(mount: &MountInfo) -> Option<u32> {
    let mut mounters = processes().filter(|&pid| is_mounter(pid, mount));
    let first = mounters.next();
    first.filter(|_| mounters.next().is_none())
}

/// Its argument may be relative to where it was started.
fn is_mounter(pid: u32, mount: &MountInfo) -> bool {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut arguments = arguments
        .split(|octet| *octet == 0)
        .filter(|argument| !argument.is_empty())
        .map(|argument| Path::new(OsStr::from_bytes(argument)));
    is_closed_process_of(pid, mount.owner)
        && arguments.any(|argument| mount.mount_point.ends_with(argument))
}

/// Whether a process is a user's, and keeps its descriptors to itself.
fn is_closed_process_of(pid: u32, user: Option<u32>) -> bool {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd"));
    let is_closed = descriptors.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    is_closed && user.is_some() && real_user(pid) == user
}

/// The directory in /proc of a process that is closed belongs to root, so this reads what it says.
fn real_user(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let mut lines = status.lines();
    let users = lines.find_map(|line| line.strip_prefix("Uid:"))?;
    users.split_ascii_whitespace().next()?.parse().ok()
}

/// The connection's number is the minor number of the filesystem's device.
fn connection(mount: &MountInfo) -> Option<u32> {
    let (_, minor) = mount.device.to_str()?.split_once(':')?;
    minor.parse().ok()
}

/// It is the mounter's, and serves some mount.
fn may_be_server(pid: u32, mount: &MountInfo) -> bool {
    let serves_some = mount.owner.is_some() && connections(pid).contains(&None);
    serves_some && real_user(pid) == mount.owner || is_closed_process_of(pid, mount.owner)
}

/// The connections that a process serves; without a number where the kernel does not tell it.
fn connections(pid: u32) -> Vec<Option<u32>> {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let descriptors = fs::read_dir(process.join("fd"))
        .into_iter()
        .flatten()
        .flatten();
    let serving = descriptors.filter(|descriptor| {
        fs::read_link(descriptor.path()).is_ok_and(|path| path == Path::new("/dev/fuse"))
    });
    let information =
        |descriptor: fs::DirEntry| process.join("fdinfo").join(descriptor.file_name());
    serving
        .map(|descriptor| number(&fs::read_to_string(information(descriptor)).unwrap_or_default()))
        .collect()
}

fn number(information: &str) -> Option<u32> {
    let mut lines = information.lines();
    let number = lines.find_map(|line| line.strip_prefix("fuse_connection:"))?;
    number.trim().parse().ok()
}

/// The processes that there are.
pub(super) fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(device: &str) -> MountInfo {
        MountInfo {
            id: 1,
            device: device.into(),
            mount_point: "/mnt".into(),
            kind: "fuse.pop3fs".into(),
            source: "pop3s://ann@pop.example.org".into(),
            owner: Some(nix::unistd::getuid().as_raw()),
        }
    }

    #[test]
    fn the_kernel_tells_the_number_of_a_connection() {
        assert_eq!(
            number("pos:\t0\nflags:\t02\nfuse_connection:\t39\n"),
            Some(39)
        );
        assert_eq!(number("pos:\t0\nflags:\t02\n"), None);
        assert_eq!(connection(&mount("0:39")), Some(39));
    }

    #[test]
    fn a_process_tells_whose_it_is() {
        let own = nix::unistd::getuid().as_raw();
        assert_eq!(real_user(std::process::id()), Some(own));
        assert_eq!(real_user(u32::MAX), None);
        assert!(!is_closed_process_of(std::process::id(), Some(own)));
    }

    #[test]
    fn a_process_that_serves_no_mount_is_not_believed_to() {
        let own = std::process::id();
        assert_eq!(connections(own), []);
        assert_eq!(server_of(&mount("0:4294967295"), Some(own)), None);
    }
}
