//! Makes and removes names in the mount, as a program would, for the [herald](super::herald): in the
//! keeper, which alone may.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, SFlag, fstat, major, minor, mknodat};
use nix::unistd::{UnlinkatFlags, gettid, unlinkat};

use crate::fs::RootChange;
use crate::keeper::{Answer, Channel};

/// Before a name that is to be made.
const CAME: u8 = b'+';

/// Before a name that is to be removed.
const WENT: u8 = b'-';

/// The way to the thread in the keeper that makes and removes names.
#[derive(Debug)]
pub(super) struct Deputy {
    thread: u32,
    channel: Channel,
}

impl Deputy {
    /// It has said its number first.
    pub(super) fn new(introduction: &Answer, channel: Channel) -> io::Result<Self> {
        let thread = number(introduction).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self {
            thread: thread.cast_unsigned(),
            channel,
        })
    }

    /// Its number, by which the kernel tells whose requests are its own.
    pub(super) fn thread(&self) -> u32 {
        self.thread
    }

    /// Has the name made or removed, if our mount is still there.
    ///
    /// # Errors
    /// The kernel's; `EPIPE` if the keeper is gone.
    pub(super) fn perform(&self, change: &RootChange) -> nix::Result<()> {
        let performed = self.ask(change).ok().as_ref().and_then(number);
        match performed.map(Errno::from_raw) {
            None => Err(Errno::EPIPE),
            Some(Errno::UnknownErrno) => Ok(()),
            Some(errno) => Err(errno),
        }
    }

    fn ask(&self, change: &RootChange) -> io::Result<Answer> {
        self.channel.send(&words(change), None)?;
        Answer::receive(&self.channel)
    }
}

/// Performs whatever it is told over the channel, in the filesystem of a device (`major:minor`) that
/// is mounted there.
pub(super) fn serve(at: &Path, device: &OsStr, channel: &Channel) {
    let mut said = Answer::from(gettid().as_raw().to_ne_bytes()).send(channel);
    while let (Ok(()), Ok(Some(message))) = (&said, channel.receive()) {
        let performed = match change(&message.octets) {
            Some(change) => perform(&change, at, device),
            None => Err(Errno::EINVAL),
        };
        let errno = performed.map_or_else(|errno| errno as i32, |()| 0);
        said = Answer::from(errno.to_ne_bytes()).send(channel);
    }
}

fn number(answer: &Answer) -> Option<i32> {
    answer.octets().try_into().ok().map(i32::from_ne_bytes)
}

fn words(change: &RootChange) -> Vec<u8> {
    let kind = match change {
        RootChange::Came(_) => CAME,
        RootChange::Went(_) => WENT,
    };
    [&[kind], change.name().as_bytes()].concat()
}

/// A path in place of a name would lead out of the mount.
fn change(words: &[u8]) -> Option<RootChange> {
    let (kind, name) = words.split_first()?;
    if name.contains(&b'/') {
        return None;
    }
    let name = OsString::from_vec(name.to_vec());
    match *kind {
        CAME => Some(RootChange::Came(name)),
        WENT => Some(RootChange::Went(name)),
        _ => None,
    }
}

/// The directory is held open no longer than that: the mailbox could not be unmounted meanwhile.
fn perform(change: &RootChange, at: &Path, device: &OsStr) -> nix::Result<()> {
    let directory = open_root(at, device)?;
    match change {
        RootChange::Came(name) => {
            let mode = Mode::S_IRUSR | Mode::S_IWUSR;
            mknodat(&directory, name.as_os_str(), SFlag::S_IFREG, mode, 0)
        }
        RootChange::Went(name) => {
            unlinkat(&directory, name.as_os_str(), UnlinkatFlags::NoRemoveDir)
        }
    }
}

/// What lies under the mount point once it is unmounted, or over it, is none of our business.
fn open_root(at: &Path, device: &OsStr) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let elsewhere = |_| Errno::ENXIO;
    let directory = open(at, flags, Mode::empty()).map_err(elsewhere)?;
    let found = fstat(&directory).map_err(elsewhere)?.st_dev;
    let is_ours = device == &*format!("{}:{}", major(found), minor(found));
    is_ours.then_some(directory).ok_or(Errno::ENXIO)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::keeper::Keeper;
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    /// A deputy for a directory, as if it were the root of the filesystem of that device.
    pub fn deputy(at: &Path, device: String) -> Deputy {
        let mut keeper = Keeper::default();
        let at = at.to_owned();
        let errand = keeper.entrust(move |_, channel| serve(&at, device.as_ref(), &channel));
        keeper.begin_here();
        let (introduction, channel) = errand.run(&[]).unwrap();
        Deputy::new(&introduction, channel).unwrap()
    }

    /// One that is gone as soon as it has said its number.
    pub fn gone() -> Deputy {
        let mut keeper = Keeper::default();
        let errand = keeper.entrust(|_, channel| {
            Answer::from(7i32.to_ne_bytes()).send(&channel).unwrap();
        });
        keeper.begin_here();
        let (introduction, channel) = errand.run(&[]).unwrap();
        Deputy::new(&introduction, channel).unwrap()
    }

    fn came(name: &str) -> RootChange {
        RootChange::Came(name.into())
    }

    fn went(name: &str) -> RootChange {
        RootChange::Went(name.into())
    }

    #[test]
    fn names_are_made_and_removed_where_the_device_is_ours() {
        let directory = tempfile::tempdir().unwrap();
        let device = directory.path().metadata().unwrap().dev();
        let device = format!("{}:{}", major(device), minor(device));
        let deputy = deputy(directory.path(), device);
        assert_eq!(deputy.perform(&came("a")), Ok(()));
        assert!(directory.path().join("a").exists());
        assert_eq!(deputy.perform(&came("a")), Err(Errno::EEXIST));
        assert_eq!(deputy.perform(&went("a")), Ok(()));
        assert!(!directory.path().join("a").exists());
        assert_eq!(deputy.perform(&went("../a")), Err(Errno::EINVAL));
    }

    #[test]
    fn what_is_under_the_mount_point_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a");
        fs::write(&file, "mine").unwrap();
        let deputy = deputy(directory.path(), "0:0".into());
        assert_eq!(deputy.perform(&went("a")), Err(Errno::ENXIO));
        assert_eq!(deputy.perform(&came("b")), Err(Errno::ENXIO));
        assert_eq!(fs::read(&file).unwrap(), b"mine");
        assert!(!directory.path().join("b").exists());
    }

    #[test]
    fn a_change_is_understood_as_it_was_told() {
        for told in [came("a b"), went("-"), came("+")] {
            assert_eq!(change(&words(&told)), Some(told));
        }
        for words in [&b""[..], b"x", b"+a/b", b"-/"] {
            assert_eq!(change(words), None);
        }
    }
}
