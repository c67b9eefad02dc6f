//! The process that serves a mount, found without a question to it: it may not answer any more.
//!
//! It is closed to others of its user, but for the names of its threads. So one of them is named for
//! the mount, whose device has a number that no other filesystem has as long as it lives.

use std::fs;

use super::mountinfo::MountInfo;

/// The name of the thread that waits for the end of a mount: 15 octets at most, which is what the
/// kernel keeps.
pub(super) fn thread_name(mount: &MountInfo) -> String {
    format!("mount {}", mount.device.display())
}

/// The process of the mounter's that serves a mount; none if that has ended.
pub fn server_of(mount: &MountInfo) -> Option<u32> {
    let owner = mount.owner?;
    let name = thread_name(mount);
    processes().find(|&pid| real_user(pid) == Some(owner) && has_thread(pid, &name))
}

/// The directory in /proc of a process that is closed belongs to root, so this reads what it says.
fn real_user(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let mut lines = status.lines();
    let users = lines.find_map(|line| line.strip_prefix("Uid:"))?;
    users.split_ascii_whitespace().next()?.parse().ok()
}

fn has_thread(pid: u32, name: &str) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let mut threads = threads.into_iter().flatten().flatten();
    threads.any(|thread| {
        fs::read_to_string(thread.path().join("comm")).is_ok_and(|text| text.trim_end() == name)
    })
}

/// The processes that there are.
pub(super) fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::thread;

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
    fn the_name_of_a_thread_has_room_for_every_device() {
        let highest_minor = (1 << 20) - 1;
        assert!(thread_name(&mount(&format!("0:{highest_minor}"))).len() <= 15);
    }

    #[test]
    fn a_process_is_known_by_its_thread() {
        let mount = mount("0:none");
        let (end, ended) = channel::<()>();
        let (begin, begun) = channel();
        let named = thread::Builder::new().name(thread_name(&mount));
        let thread = named.spawn(move || {
            begin.send(()).unwrap();
            ended.recv().unwrap_err();
        });
        begun.recv().unwrap();
        assert_eq!(server_of(&mount), Some(std::process::id()));
        let of_somebody_else = MountInfo {
            owner: Some(u32::MAX),
            ..mount.clone()
        };
        assert_eq!(server_of(&of_somebody_else), None);
        drop(end);
        thread.unwrap().join().unwrap();
    }

    #[test]
    fn a_mount_that_nobody_serves_has_no_process() {
        assert_eq!(server_of(&mount("0:nobody")), None);
        assert_eq!(real_user(u32::MAX), None);
    }
}
