//! Why a mount could not be made, and what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::mountinfo::MountInfo;

/// Why a mount could not be made.
#[derive(Debug)]
pub enum MountError {
    /// The mount point cannot be used.
    MountPoint {
        /// As it was given.
        at: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The mount point was put in the place of another one meanwhile.
    Swapped {
        /// Where it leads to now.
        at: PathBuf,
    },
    /// The mount point cannot be used any more; all is said in the words.
    Changed(io::Error),
    /// The mount point is somebody else's, and we are not root.
    NotOurs {
        /// As it was given.
        at: PathBuf,
    },
    /// The mount point is not empty.
    NotEmpty {
        /// As it was given.
        at: PathBuf,
    },
    /// A mailbox is mounted there.
    Occupied {
        /// As it was given.
        at: PathBuf,
        /// What is there.
        mount: Box<MountInfo>,
    },
    /// The mount point holds a mount whose process has died, and it is not ours to clear away.
    DeadMount {
        /// As it was given.
        at: PathBuf,
        /// What is there.
        mount: Box<MountInfo>,
    },
    /// The kernel's FUSE device cannot be opened.
    Device(io::Error),
    /// Not root, and there is no helper to mount for others.
    NoHelper,
    /// Not root, and the machine does not let others share their mounts.
    NotShared,
    /// The mount was refused.
    Refused {
        /// Where.
        at: PathBuf,
        /// What the kernel or the helper said.
        error: io::Error,
    },
    /// The table of mounts cannot be read, so that the end of the mount could not be noticed.
    MountTable(io::Error),
    /// A thread could not be started.
    Thread(io::Error),
}

impl fmt::Display for MountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MountPoint { at, error } => match error.kind() {
                io::ErrorKind::NotFound => write!(
                    f,
                    "there is no {at:?} to mount on; make it with mkdir first"
                ),
                io::ErrorKind::NotADirectory => {
                    write!(f, "cannot mount on {at:?}: it is not a directory")
                }
                _ => write!(f, "cannot mount on {at:?}: {error}"),
            },
            Self::Swapped { at } => write!(
                f,
                "the mount point leads to {at:?} now, and led elsewhere before; nothing is mounted"
            ),
            Self::Changed(error) => error.fmt(f),
            Self::NotOurs { at } => write!(
                f,
                "cannot mount on {at:?}: it belongs to others, on whose directories only root can \
                 mount; make one of your own with mkdir"
            ),
            Self::NotEmpty { at } => write!(
                f,
                "cannot mount on {at:?}: it is not empty, and what is in it would be hidden; use \
                 another directory, or -o nonempty"
            ),
            Self::Occupied { at, mount } => write!(
                f,
                "cannot mount on {at:?}: the mailbox {:?} is mounted there already; use another \
                 directory, or pop3fs umount first",
                mount.source
            ),
            Self::DeadMount { at, mount } => write!(
                f,
                "cannot mount on {at:?}: {:?}, a {:?} whose process has died, is still mounted \
                 there; unmount it first ({})",
                mount.source,
                mount.kind,
                way_to_unmount(mount)
            ),
            Self::Device(error) => match error.kind() {
                io::ErrorKind::PermissionDenied => write!(
                    f,
                    "may not open /dev/fuse: {error}; ask the administrator for access to it"
                ),
                _ => write!(
                    f,
                    "cannot open /dev/fuse: {error}; load the kernel module (modprobe fuse), or \
                     give the container the device (--device /dev/fuse)"
                ),
            },
            Self::NoHelper => {
                f.write_str("only root can mount without fusermount3; install the package fuse3")
            }
            Self::NotShared => f.write_str(
                "allow_other is refused by this machine; the administrator can allow it with the \
                 line user_allow_other in /etc/fuse.conf",
            ),
            Self::Refused { at, error } => write!(f, "cannot mount on {at:?}: {error}"),
            Self::MountTable(error) => write!(
                f,
                "cannot find the mount in /proc/self/mountinfo: {error}; is /proc mounted?"
            ),
            Self::Thread(error) => write!(f, "cannot start a thread: {error}"),
        }
    }
}

fn way_to_unmount(mount: &MountInfo) -> &'static str {
    if mount.is_mailbox() {
        "pop3fs umount"
    } else {
        "umount, or fusermount3 -u"
    }
}

impl std::error::Error for MountError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::MountPoint { error, .. }
            | Self::Refused { error, .. }
            | Self::Changed(error)
            | Self::Device(error)
            | Self::MountTable(error)
            | Self::Thread(error) => Some(error),
            Self::NotOurs { .. }
            | Self::NotEmpty { .. }
            | Self::Occupied { .. }
            | Self::DeadMount { .. }
            | Self::NoHelper
            | Self::NotShared
            | Self::Swapped { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_mount_point_is_named_with_what_to_do() {
        let error = MountError::MountPoint {
            at: "/no/such".into(),
            error: io::ErrorKind::NotFound.into(),
        };
        let text = error.to_string();
        assert!(text.contains("/no/such") && text.contains("mkdir"));
    }

    #[test]
    fn a_mount_point_with_odd_bytes_stays_on_one_line() {
        let mount = MountInfo {
            id: 1,
            device: "0:45".into(),
            mount_point: "/mnt".into(),
            kind: "fuse.sshfs".into(),
            source: "host\n:".into(),
            owner: None,
        };
        let error = MountError::DeadMount {
            at: "/a\nb\u{1b}[31m".into(),
            mount: mount.into(),
        };
        assert!(!error.to_string().contains(['\n', '\u{1b}']));
    }
}
