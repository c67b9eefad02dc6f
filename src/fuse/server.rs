//! The process that serves a mount.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::mountinfo::MountInfo;

/// The process that serves a mount, without a question to it: it may not answer any more.
///
/// `hint` is the process that is said to be it, for kernels that do not tell; it is not believed
/// blindly, for anybody can mount something that names the process of somebody else.
pub fn server_of(mount: &MountInfo, hint: Option<u32>) -> Option<u32> {
    let connection = connection(mount)?;
    let told = processes().find(|&pid| connections(pid).contains(&Some(connection)));
    told.or_else(|| hint.filter(|&pid| may_be_server(pid, mount)))
}

/// The connection's number is the minor number of the filesystem's device.
fn connection(mount: &MountInfo) -> Option<u32> {
    let (_, minor) = mount.device.to_str()?.split_once(':')?;
    minor.parse().ok()
}

/// It is the mounter's, and serves some mount.
fn may_be_server(pid: u32, mount: &MountInfo) -> bool {
    let owner = fs::metadata(format!("/proc/{pid}")).map(|process| process.uid());
    owner.is_ok_and(|owner| Some(owner) == mount.owner) && connections(pid).contains(&None)
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
    fn a_process_that_serves_no_mount_is_not_believed_to() {
        let own = std::process::id();
        assert_eq!(connections(own), []);
        assert_eq!(server_of(&mount("0:4294967295"), Some(own)), None);
    }
}
