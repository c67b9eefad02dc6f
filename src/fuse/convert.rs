//! The tree's types in the words of the kernel interface.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{Errno, FileAttr, FileType, FopenFlags, Generation, INodeNo, PollEvents};

use crate::fs::{Access, Attributes, EVENTS, Error, Kind};

/// Inode numbers are never used again, so one generation is enough.
pub(super) const GENERATION: Generation = Generation(0);

/// What st_blksize says; programs read in larger pieces anyway.
const BLOCK_SIZE: u32 = 4096;

/// The same of a directory. The C library reads as much of one at a time, and 32 KiB at least; with
/// each question the reader sleeps until another processor has answered it.
const DIRECTORY_BLOCK_SIZE: u32 = 256 * 1024;

/// Attributes as the kernel takes them.
pub(super) fn file_attr(attributes: &Attributes) -> FileAttr {
    let mtime = time(attributes.mtime);
    FileAttr {
        ino: INodeNo(attributes.inode),
        size: attributes.size,
        blocks: attributes.blocks,
        // Nobody keeps track of reading.
        atime: mtime,
        mtime,
        ctime: time(attributes.ctime),
        crtime: UNIX_EPOCH,
        kind: file_type(attributes.kind),
        perm: attributes.mode,
        nlink: attributes.links,
        uid: attributes.uid,
        gid: attributes.gid,
        rdev: 0,
        blksize: block_size(attributes.kind),
        flags: 0,
    }
}

fn block_size(kind: Kind) -> u32 {
    match kind {
        Kind::Directory => DIRECTORY_BLOCK_SIZE,
        Kind::File => BLOCK_SIZE,
    }
}

/// The answer "there is no such name", which the kernel remembers: inode number 0.
pub(super) fn no_entry() -> FileAttr {
    FileAttr {
        ino: INodeNo(0),
        size: 0,
        blocks: 0,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: FileType::RegularFile,
        perm: 0,
        nlink: 0,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: BLOCK_SIZE,
        flags: 0,
    }
}

/// A kind of file as the kernel takes it.
pub(super) fn file_type(kind: Kind) -> FileType {
    match kind {
        Kind::Directory => FileType::Directory,
        Kind::File => FileType::RegularFile,
    }
}

/// How the kernel is to treat an open file.
pub(super) fn open_flags(access: Access) -> FopenFlags {
    match access {
        Access::Cached => FopenFlags::FOPEN_KEEP_CACHE,
        Access::Direct => FopenFlags::FOPEN_DIRECT_IO,
        Access::Stream => FopenFlags::FOPEN_DIRECT_IO | FopenFlags::FOPEN_STREAM,
    }
}

/// What a file is ready for, as poll(2) has it.
pub(super) fn poll_events(ino: INodeNo, is_ready: bool) -> PollEvents {
    let reading = PollEvents::POLLIN | PollEvents::POLLRDNORM;
    let writing = PollEvents::POLLOUT | PollEvents::POLLWRNORM;
    match (ino.0, is_ready) {
        (_, false) => PollEvents::empty(),
        (EVENTS, true) => reading,
        (_, true) => reading | writing,
    }
}

/// An errno as the kernel takes it.
pub(super) fn errno(error: &Error) -> Errno {
    Errno::from_i32(error.errno() as i32)
}

/// A date as the kernel takes it. A date from a header can be anything; one that no clock can show
/// becomes 1970.
fn time(seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let time = if seconds < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    };
    time.unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_before_1970_stay_before_1970() {
        assert_eq!(time(-1), UNIX_EPOCH - Duration::from_secs(1));
    }

    #[test]
    fn a_directory_is_read_in_larger_pieces_than_a_page() {
        let [directory, file] = [Kind::Directory, Kind::File].map(block_size);
        assert!(directory > 32 * 1024 && directory.is_power_of_two());
        assert_eq!(file, BLOCK_SIZE);
    }

    #[test]
    fn an_errno_keeps_its_number() {
        assert_eq!(errno(&Error::NameTooLong).code(), libc::ENAMETOOLONG);
        assert_eq!(errno(&Error::NotPermitted).code(), libc::EPERM);
    }

    proptest! {
        #[test]
        fn no_date_makes_it_panic(seconds: i64) {
            let _ = time(seconds);
        }
    }
}
