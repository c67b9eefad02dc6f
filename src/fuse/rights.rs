//! What the process that serves a mount has the [keeper](crate::keeper) do for it.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::deputy::{self, Deputy};
use super::device::mount_at;
use super::mount_point::prepare_again;
use super::mountinfo::{MountInfo, mounted_at};
use super::options::MountOptions;
use super::unmount::{Manner, unmount};
use crate::keeper::{Answer, Channel, Errand, Keeper};

/// The rights to mount and unmount at one place, and to make and remove names in what is mounted
/// there, all in the hands of the keeper.
#[derive(Clone, Debug)]
pub struct Rights {
    at: PathBuf,
    mount: Errand,
    unmount: Errand,
    deputy: Errand,
}

impl Rights {
    /// Entrusts the keeper with what is to be done at a mount point, which is its true path.
    pub fn entrust(keeper: &mut Keeper, at: &Path, options: &MountOptions) -> Self {
        let (mount_point, options) = (at.to_owned(), options.clone());
        let mount = keeper.entrust(move |_, channel| {
            // Nobody waits any more only if our process has gone, and is not to be mounted for.
            let _ = look_and_mount(&mount_point, &options, &channel);
        });
        let unmount = keeper.entrust(|at, channel| {
            let unmounted = unmount_mailbox(Path::new(OsStr::from_bytes(at)));
            answer(unmounted.map(|()| Answer::default()), &channel);
        });
        let mount_point = at.to_owned();
        let deputy = keeper.entrust(move |device, channel| {
            let device = OsStr::from_bytes(device);
            match mailbox_at(&mount_point) {
                Ok(mount) if mount.device == *device => {
                    deputy::serve(&mount_point, device, &channel);
                }
                // Whoever gets hold of our process could name what lies under the mailbox.
                Ok(_) => answer(Err(io::ErrorKind::NotFound.into()), &channel),
                Err(error) => answer(Err(error), &channel),
            }
        });
        Self {
            at: at.to_owned(),
            mount,
            unmount,
            deputy,
        }
    }

    /// Where.
    pub(super) fn at(&self) -> &Path {
        &self.at
    }

    /// Makes sure that it can be mounted on still, see [`prepare_again`], and mounts there, see
    /// [`mount_at`], whose result is the inner one.
    pub(super) fn mount(&self) -> io::Result<io::Result<OwnedFd>> {
        let (_, channel) = self.mount.run(&[])?;
        Ok(Answer::receive(&channel).and_then(Answer::into_descriptor))
    }

    /// Unmounts lazily the mailbox that is mounted there, or where it was moved to.
    pub(super) fn unmount(&self, at: &Path) -> io::Result<()> {
        self.unmount.run(at.as_os_str().as_bytes()).map(drop)
    }

    /// Who makes and removes names in the filesystem of this device.
    pub(super) fn deputy(&self, device: &OsStr) -> io::Result<Deputy> {
        let (introduction, channel) = self.deputy.run(device.as_bytes())?;
        Deputy::new(&introduction, channel)
    }
}

/// Nobody waits any more only if our process has gone, and the mount with it.
fn answer(result: io::Result<Answer>, channel: &Channel) {
    let _ = Answer::send_result(result, channel);
}

/// Answers twice, so that one who is refused knows by whom.
fn look_and_mount(at: &Path, options: &MountOptions, channel: &Channel) -> io::Result<()> {
    if let Err(error) = prepare_again(at, options) {
        return Answer::refuse(&io::Error::other(error), channel);
    }
    Answer::default().send(channel)?;
    let mounted = mount_at(at, options).map(|device| Answer::default().with(device));
    Answer::send_result(mounted, channel)
}

/// The keeper unmounts nothing else.
fn unmount_mailbox(at: &Path) -> io::Result<()> {
    mailbox_at(at).and_then(|_| unmount(at, Manner::Lazy))
}

fn mailbox_at(at: &Path) -> io::Result<MountInfo> {
    match mounted_at(at)? {
        Some(mount) if mount.is_mailbox() => Ok(mount),
        _ => Err(io::Error::new(
            io::ErrorKind::NotFound,
            "no mailbox is mounted there",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    use nix::sys::stat::{major, minor};

    #[test]
    fn the_keeper_touches_nothing_where_no_mailbox_is() {
        let directory = tempfile::tempdir().unwrap();
        let mut keeper = Keeper::default();
        let rights = Rights::entrust(&mut keeper, directory.path(), &MountOptions::default());
        keeper.begin_here();
        let device = directory.path().metadata().unwrap().dev();
        let device = format!("{}:{}", major(device), minor(device));
        let refusals = [
            rights.deputy(device.as_ref()).unwrap_err(),
            rights.unmount(directory.path()).unwrap_err(),
        ];
        for error in refusals {
            assert_eq!(error.kind(), io::ErrorKind::NotFound, "{error}");
        }
    }
}
