//! Notices that the mount is gone from our mount namespace.
//!
//! The filesystem may live on long after that: a container or a sandbox made meanwhile holds a copy
//! of the mount until it ends, and so does a file that was open at a lazy unmount. The user who
//! unmounted does not wait for them, and neither must the commit.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::AsFd;
use std::thread;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::mountinfo::{self, MOUNT_TABLE, MountInfo};
use super::server::thread_name;
use super::session::{Ended, OnEnd};

/// Watches the table of mounts.
pub(super) struct Watcher {
    table: File,
}

impl Watcher {
    /// Opens the table; no change from now on is missed.
    pub(super) fn open() -> io::Result<Self> {
        let table = File::open(MOUNT_TABLE)?;
        Ok(Self { table })
    }

    /// Starts a thread that reports once when a mount is gone. By it others find the process.
    pub(super) fn start(self, mount: MountInfo, ended: OnEnd) -> io::Result<()> {
        thread::Builder::new()
            .name(thread_name(&mount))
            .spawn(move || match wait_until_gone(self.table, &mount) {
                Ok(()) => ended(Ended::MountGone),
                Err(error) => log::error!("cannot watch {MOUNT_TABLE}: {error}"),
            })?;
        Ok(())
    }
}

/// The kernel marks the open table on every change since it was last polled, so no change between
/// reading and polling is missed.
fn wait_until_gone(mut table: File, mount: &MountInfo) -> io::Result<()> {
    while is_listed(&mut table, mount)? {
        let mut change = [PollFd::new(
            table.as_fd(),
            PollFlags::POLLPRI | PollFlags::POLLERR,
        )];
        match poll(&mut change, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => (),
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

fn is_listed(table: &mut File, mount: &MountInfo) -> io::Result<bool> {
    let mut text = Vec::new();
    table.rewind()?;
    table.read_to_end(&mut text)?;
    let mounts = mountinfo::parse(&text);
    Ok(mounts.iter().any(|other| other.is_same(mount)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    #[test]
    fn a_mount_that_is_not_in_the_table_is_reported_once() {
        let root = mountinfo::topmost(&mountinfo::read().unwrap(), Path::new("/"));
        let gone = MountInfo {
            device: "no:such".into(),
            ..root.unwrap()
        };
        let (events, ended) = channel();
        let tell = move |end| events.send(end).unwrap();
        Watcher::open()
            .unwrap()
            .start(gone, Arc::new(tell))
            .unwrap();
        assert_eq!(ended.iter().collect::<Vec<_>>(), [Ended::MountGone]);
    }
}
