//! The life of a mount.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use fuser::Session;

use super::adapter::Adapter;
use super::dates::Dates;
use super::error::MountError;
use super::herald::Herald;
use super::interrupts::Interrupts;
use super::mountinfo::{self, MountInfo};
use super::notifier::Notifier;
use super::options::MountOptions;
use super::rights::Rights;
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
    rights: Rights,
}

/// Has the tree mounted and serves it from threads of its own. `ended` is told how it ends.
///
/// # Errors
/// Nothing is mounted then.
pub fn mount(
    tree: Arc<Tree>,
    notifier: Notifier,
    rights: Rights,
    options: &MountOptions,
    ended: OnEnd,
) -> Result<Mounted, MountError> {
    let watcher = Watcher::open().map_err(MountError::MountTable)?;
    let adapter = Adapter {
        tree,
        notifier,
        interrupts: Interrupts::default(),
        herald: Herald::default(),
        dates: Dates::default(),
        ended: ended.clone(),
    };
    let (device, mount) = attach(&rights)?;
    let mounted = Mounted {
        mount: mount.clone(),
        rights,
    };
    let served = mounted.serve(adapter, device, options);
    let watched = served.and_then(|()| watcher.start(mount, ended));
    watched.map_err(|error| {
        let _ = mounted.detach();
        MountError::Thread(error)
    })?;
    log::info!("mounted on {:?}", mounted.rights.at());
    Ok(mounted)
}

impl Mounted {
    /// Starts the threads that answer the kernel.
    fn serve(&self, adapter: Adapter, device: OwnedFd, options: &MountOptions) -> io::Result<()> {
        let (notifier, herald) = (adapter.notifier.clone(), adapter.herald.clone());
        adapter.interrupts.start()?;
        let session = Session::from_fd(adapter, device, options.acl(), options.config())?;
        // Nothing can be made or removed in a read-only mount.
        if !options.read_only {
            let (rights, device) = (self.rights.clone(), self.mount.device.clone());
            herald.start(move || rights.deputy(&device), notifier.clone())?;
        }
        notifier.attach(session.notifier(), herald)?;
        session.spawn().map(drop)
    }

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
            Some(top) if top.is_same(ours) => self.rights.unmount(&ours.mount_point),
            _ => Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another filesystem was mounted over it",
            )),
        }
    }
}

/// Mounts, and finds the mount among all there are.
fn attach(rights: &Rights) -> Result<(OwnedFd, MountInfo), MountError> {
    let path = rights.at();
    let mounted = rights.mount().map_err(MountError::Changed)?;
    let device = mounted.map_err(|error| refusal(error, path))?;
    let mount = find(path).map_err(|error| {
        let _ = rights.unmount(path);
        MountError::MountTable(error)
    })?;
    Ok((device, mount))
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
