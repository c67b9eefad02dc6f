//! The system's mounts, for the verbs.

use std::io;
use std::path::{Path, PathBuf};

use nix::unistd::getuid;

use crate::cli::verbs::{Manner, Mounts};
use crate::fuse::{self, Holder};

/// The mounts of this process's mount namespace.
pub(super) struct SystemMounts;

impl Mounts for SystemMounts {
    fn is_mailbox(&self, at: &Path) -> bool {
        fuse::mounted_at(at).is_ok_and(|mount| mount.is_some_and(|mount| mount.is_mailbox()))
    }

    fn is_ours(&self, at: &Path) -> bool {
        let user = getuid();
        let owner = fuse::mounted_at(at)
            .ok()
            .flatten()
            .and_then(|mount| mount.owner);
        user.is_root() || owner == Some(user.as_raw())
    }

    fn server(&self, at: &Path) -> Option<u32> {
        fuse::server_of(&fuse::mounted_at(at).ok()??)
    }

    fn holders(&self, at: &Path) -> Option<Vec<String>> {
        let holders = fuse::holders(at).ok()??;
        Some(holders.iter().map(Holder::to_string).collect())
    }

    fn unmount(&self, at: &Path, manner: Manner) -> io::Result<()> {
        let manner = match manner {
            Manner::Plainly => fuse::Manner::Plain,
            Manner::Lazily => fuse::Manner::Lazy,
            Manner::Forcibly => fuse::Manner::Forced,
        };
        fuse::unmount(at, manner)
    }
}

/// The path of a mount point as it is from anywhere, and this process goes there: its own working
/// directory must not be what keeps a mount in use.
pub(super) fn from_outside(mountpoint: PathBuf) -> PathBuf {
    let outside = std::path::absolute(&mountpoint).unwrap_or(mountpoint);
    // If it is not left, it is in use, and the unmount will say so.
    let _ = std::env::set_current_dir("/");
    outside
}
