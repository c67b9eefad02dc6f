//! The directory to mount on: it must be there, be empty, and show no other mailbox.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, access, getuid};

use super::device::DEVICE;
use super::error::MountError;
use super::mountinfo::{self, MountInfo};
use super::options::MountOptions;
use super::unmount::{Manner, unmount};

/// The permission bit of directories in which only owners remove, as `/tmp`.
const STICKY: u32 = 0o1000;

/// Makes sure that something can be mounted there, as far as can be told beforehand; the mount
/// point's one true path, since the process will change its directory.
///
/// A mount of the same mailbox by the same user, left there by a process that has died, is cleared
/// away.
///
/// # Errors
/// The mount point or the kernel's device cannot be used.
pub fn prepare(at: &Path, options: &MountOptions) -> Result<PathBuf, MountError> {
    check_device()?;
    while let Some(mount) = mountinfo::mounted_at(at).map_err(MountError::MountTable)? {
        if !is_stale(at, &mount, options)? {
            break;
        }
        unmount(at, Manner::Lazy).map_err(|error| MountError::Refused {
            at: at.to_owned(),
            error,
        })?;
        log::warn!("cleared away a mount on {at:?} whose process had died");
    }
    let path = directory(at)?;
    if !is_ours(&path) {
        return Err(MountError::NotOurs { at: at.to_owned() });
    }
    if !options.nonempty {
        check_empty(at, &path)?;
    }
    Ok(path)
}

/// Prepares a mount point once more, by the true path that it had when it was looked at first.
///
/// # Errors
/// It cannot be used any more, or a link leads elsewhere now.
pub(super) fn prepare_again(at: &Path, options: &MountOptions) -> Result<(), MountError> {
    match at.canonicalize() {
        Ok(path) if path != at => Err(MountError::Swapped { at: path }),
        // What else is wrong with it is told now.
        _ => prepare(at, options).map(drop),
    }
}

/// Whether what is mounted there is of no use to anybody, and ours to clear away.
fn is_stale(at: &Path, mount: &MountInfo, options: &MountOptions) -> Result<bool, MountError> {
    let is_ours = mount.is_mailbox()
        && mount.source == *options.source()
        && mount.owner == Some(getuid().as_raw());
    match (is_dead(at), is_ours) {
        (true, true) => Ok(true),
        (true, false) => Err(MountError::DeadMount {
            at: at.to_owned(),
            mount: Box::new(mount.clone()),
        }),
        (false, _) if mount.is_mailbox() => Err(MountError::Occupied {
            at: at.to_owned(),
            mount: Box::new(mount.clone()),
        }),
        (false, _) => Ok(false),
    }
}

fn directory(at: &Path) -> Result<PathBuf, MountError> {
    let unusable = |error| MountError::MountPoint {
        at: at.to_owned(),
        error,
    };
    let path = at.canonicalize().map_err(unusable)?;
    if path.metadata().map_err(unusable)?.is_dir() {
        Ok(path)
    } else {
        Err(unusable(io::ErrorKind::NotADirectory.into()))
    }
}

/// The helper mounts on nothing else, and would say so only once somebody has logged in. Root mounts by
/// itself, on any directory, as mount(8) does.
fn is_ours(path: &Path) -> bool {
    let is_anothers = |it: Metadata| it.mode() & STICKY != 0 && it.uid() != getuid().as_raw();
    let is_writable = access(path, AccessFlags::W_OK).is_ok();
    getuid().is_root() || is_writable && !path.metadata().is_ok_and(is_anothers)
}

/// What is in the directory would be hidden.
fn check_empty(at: &Path, path: &Path) -> Result<(), MountError> {
    let at = at.to_owned();
    match fs::read_dir(path).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(MountError::NotEmpty { at }),
        Err(error) => Err(MountError::MountPoint { at, error }),
    }
}

/// Opening the device does nothing yet, but tells a missing device from a missing helper.
fn check_device() -> Result<(), MountError> {
    let mut device = fs::OpenOptions::new();
    match device.read(true).write(true).open(DEVICE) {
        Ok(_) => Ok(()),
        Err(error) => Err(MountError::Device(error)),
    }
}

/// Whether the process that served what is mounted there is gone. Attributes may still be known to
/// the kernel; the filesystem's size is always asked for.
fn is_dead(at: &Path) -> bool {
    matches!(statvfs(at), Err(Errno::ENOTCONN | Errno::ECONNABORTED))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(at: &Path) -> String {
        prepare(at, &MountOptions::default())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_file_is_no_mount_point() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(refusal(file.path()).contains("not a directory"));
    }

    #[test]
    fn a_mount_point_must_exist() {
        let directory = tempfile::tempdir().unwrap();
        assert!(refusal(&directory.path().join("missing")).contains("mkdir"));
    }

    #[test]
    fn what_a_mount_would_hide_must_be_meant_to_be_hidden() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("file"), "").unwrap();
        assert!(refusal(directory.path()).contains("nonempty"));
        assert!(directory.path().join("file").exists());
    }

    #[test]
    fn a_mount_point_is_known_by_its_true_path() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().canonicalize().unwrap();
        let roundabout = path.join(".").join("..").join(path.file_name().unwrap());
        assert_eq!(directory(&roundabout).unwrap(), path);
    }

    #[test]
    fn a_filesystem_that_lives_and_is_no_mailbox_can_be_mounted_on() {
        let root = mountinfo::mounted_at(Path::new("/")).unwrap().unwrap();
        let stale = is_stale(Path::new("/"), &root, &MountOptions::default());
        assert!(matches!(stale, Ok(false)));
    }

    #[test]
    fn a_mailbox_that_lives_is_not_mounted_over() {
        let root = mountinfo::mounted_at(Path::new("/")).unwrap().unwrap();
        let mailbox = MountInfo {
            kind: "fuse.pop3fs".into(),
            ..root
        };
        let stale = is_stale(Path::new("/"), &mailbox, &MountOptions::default());
        assert!(matches!(stale, Err(MountError::Occupied { .. })));
    }
}
