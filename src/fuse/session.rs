//! The life of a mount.

use std::io;
use std::mem::ManuallyDrop;
use std::path::Path;
use std::sync::Arc;

use fuser::{BackgroundSession, Session};

use super::adapter::Adapter;
use super::error::MountError;
use super::herald::Herald;
use super::interrupts::Interrupts;
use super::mount_point::prepare;
use super::mountinfo::{self, MountInfo};
use super::notifier::Notifier;
use super::options::MountOptions;
use super::unmount::{Manner, unmount};
use super::watcher::Watcher;
use crate::fs::Tree;

/// How a mount ended. Each is reported at most once; either may come first, or alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The filesystem was shut down: no request will ever come again.
    Destroyed,
    /// The mount is gone from our namespace; open files, or copies of the mount in other
    /// namespaces, may still be read.
    MountGone,
}

/// Is told how a mount ended.
pub type OnEnd = Arc<dyn Fn(Ended) + Send + Sync>;

/// A mount that is being served.
///
/// Dropping it changes nothing: it is served until it is unmounted or the process ends.
pub struct Mounted {
    mount: MountInfo,
    /// Never dropped, because its drop unmounts by path, whatever is mounted there by then.
    _session: ManuallyDrop<BackgroundSession>,
}

/// Mounts the tree and serves it from threads of its own. `ended` is told how it ends.
///
/// # Errors
/// Nothing is mounted then.
pub fn mount(
    tree: Arc<Tree>,
    notifier: Notifier,
    at: &Path,
    options: &MountOptions,
    ended: OnEnd,
) -> Result<Mounted, MountError> {
    let path = prepare(at, options)?;
    let watcher = Watcher::open().map_err(MountError::MountTable)?;
    let (interrupts, herald) = (Interrupts::default(), Herald::default());
    let adapter = Adapter {
        tree,
        notifier: notifier.clone(),
        interrupts: interrupts.clone(),
        herald: herald.clone(),
        ended: ended.clone(),
    };
    let session =
        Session::new(adapter, &path, &options.config()).map_err(|error| refusal(error, &path))?;
    // Until its threads run, a session that is dropped unmounts itself as it should.
    let mount = find(&path).map_err(MountError::MountTable)?;
    // Nothing can be made or removed in a read-only mount.
    if !options.read_only {
        let started = herald.start(mount.clone(), notifier.clone());
        started.map_err(MountError::Thread)?;
    }
    notifier
        .attach(session.notifier(), herald)
        .map_err(MountError::Thread)?;
    interrupts.start().map_err(MountError::Thread)?;
    let mounted = Mounted {
        mount: mount.clone(),
        _session: ManuallyDrop::new(session.spawn().map_err(MountError::Thread)?),
    };
    watcher.start(mount, ended).map_err(|error| {
        let _ = mounted.detach();
        MountError::Thread(error)
    })?;
    log::info!("mounted on {path:?}");
    Ok(mounted)
}

impl Mounted {
    /// Unmounts lazily: the mount is gone at once, files that are open stay readable. Exactly this
    /// mount: where it is gone already, nothing happens.
    ///
    /// # Errors
    /// It is not ours to unmount, or another filesystem was mounted over it.
    pub fn detach(&self) -> io::Result<()> {
        let mounts = mountinfo::read()?;
        let Some(ours) = mounts.iter().find(|mount| mount.is_same(&self.mount)) else {
            return Ok(());
        };
        match mountinfo::topmost(&mounts, &ours.mount_point) {
            Some(top) if top.is_same(ours) => unmount(&ours.mount_point, Manner::Lazy),
            _ => Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another filesystem was mounted over it",
            )),
        }
    }
}

/// The mount point and the device were there, so what was not found is the helper.
fn refusal(error: io::Error, path: &Path) -> MountError {
    match error.kind() {
        io::ErrorKind::NotFound => MountError::NoHelper,
        io::ErrorKind::PermissionDenied if error.to_string().contains("user_allow_other") => {
            MountError::NotShared
        }
        _ => MountError::Refused {
            at: path.to_owned(),
            error,
        },
    }
}

fn find(path: &Path) -> io::Result<MountInfo> {
    let mounts = mountinfo::read()?;
    mountinfo::topmost(&mounts, path).ok_or_else(|| io::ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_beside_mount_point_and_device_is_the_helper() {
        let error = refusal(io::ErrorKind::NotFound.into(), Path::new("/mnt"));
        assert!(error.to_string().contains("install the package fuse3"));
    }

    #[test]
    fn a_machine_that_does_not_share_mounts_is_told_from_other_refusals() {
        let said = "fusermount3: option allow_other only allowed if 'user_allow_other' is set";
        let error = io::Error::new(io::ErrorKind::PermissionDenied, said);
        let error = refusal(error, Path::new("/mnt"));
        assert!(matches!(error, MountError::NotShared));
    }
}
