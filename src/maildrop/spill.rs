//! A message that is too long for memory: on disk, in a file that goes with the last one who has it
//! open.
//!
//! What comes of it is put down here at once, and written by the thread that waits for the
//! [disk](super::disk), at the latest when somebody wants to read it.

use std::fs::File;
use std::io;
use std::mem;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex};

use super::error::Error;
use super::locked;
use super::octets::Octets;

/// Makes a file for one message, which has no name.
pub type Storage = dyn Fn() -> io::Result<File> + Send + Sync;

/// The octets of one message.
#[derive(Debug, Default)]
pub(super) struct Spill {
    /// What has come and is not written yet, in order.
    fresh: Mutex<Vec<Vec<u8>>>,
    /// Locked while the disk is waited for.
    kept: Mutex<Kept>,
}

/// What is on disk.
#[derive(Debug, Default)]
struct Kept {
    file: Option<File>,
    written: u64,
    failure: Option<io::ErrorKind>,
}

/// That octets have come which are to be written.
pub(super) struct Write {
    spill: Arc<Spill>,
    octets: usize,
}

impl Write {
    /// Puts these octets down, behind all that were before.
    pub fn of(spill: Arc<Spill>, octets: Vec<u8>) -> Self {
        let length = octets.len();
        locked(&spill.fresh).push(octets);
        Self {
            spill,
            octets: length,
        }
    }

    /// How many octets it is about.
    pub fn octets(&self) -> usize {
        self.octets
    }

    /// Writes them, on a thread that may wait. A failure is told to whoever reads them.
    pub fn carry_out(&self, storage: &Storage) {
        self.spill.write(storage);
    }
}

impl Spill {
    fn write(&self, storage: &Storage) {
        let mut kept = locked(&self.kept);
        let fresh = mem::take(&mut *locked(&self.fresh));
        fresh.iter().for_each(|octets| kept.append(octets, storage));
    }

    /// Reads from the message, on a thread that may wait.
    ///
    /// # Errors
    /// The disk has failed.
    pub fn read(&self, offset: u64, length: usize, storage: &Storage) -> Result<Octets, Error> {
        self.write(storage);
        let read = locked(&self.kept).read(offset, length);
        read.map(Octets::Copied).map_err(Error::Spill)
    }
}

impl Kept {
    fn append(&mut self, octets: &[u8], storage: &Storage) {
        if self.failure.is_some() {
            return;
        }
        let written = self.written;
        let file = self.file_of(storage);
        match file.and_then(|file| file.write_all_at(octets, written)) {
            Ok(()) => self.written += octets.len() as u64,
            Err(error) => {
                log::error!("cannot keep a message that is too long for memory: {error}");
                self.failure = Some(error.kind());
            }
        }
    }

    fn read(&mut self, offset: u64, length: usize) -> Result<Vec<u8>, io::ErrorKind> {
        if offset.saturating_add(length as u64) > self.written {
            return Err(self.failure.unwrap_or(io::ErrorKind::UnexpectedEof));
        }
        let mut octets = vec![0; length];
        // Without a file there is nothing, and nothing else was asked for.
        let mut file = self.file.iter();
        let read = file.try_for_each(|file| file.read_exact_at(&mut octets, offset));
        read.map(|()| octets).map_err(|error| error.kind())
    }

    fn file_of(&mut self, storage: &Storage) -> io::Result<&File> {
        let file = match self.file.take() {
            Some(file) => file,
            None => storage()?,
        };
        Ok(self.file.insert(file))
    }
}

#[cfg(test)]
mod tests {
    use tempfile::tempfile;

    use super::*;

    fn put_down(spill: &Arc<Spill>, octets: &[u8]) -> Write {
        Write::of(spill.clone(), octets.to_vec())
    }

    #[test]
    fn what_was_appended_is_read_in_any_order() {
        let spill = Arc::default();
        put_down(&spill, b"Subject: ").carry_out(&tempfile);
        put_down(&spill, b"long\r\n").carry_out(&tempfile);
        let read = |offset, length| spill.read(offset, length, &tempfile).unwrap();
        assert_eq!(*read(9, 4), b"long"[..]);
        assert_eq!(*read(0, 7), b"Subject"[..]);
    }

    #[test]
    fn who_is_ahead_of_the_disk_has_it_written() {
        let spill = Arc::default();
        let writes = [put_down(&spill, b"lo"), put_down(&spill, b"ng")];
        let read = |offset| spill.read(offset, 4, &tempfile);
        assert_eq!(*read(0).unwrap(), b"long"[..]);
        writes.iter().for_each(|write| write.carry_out(&tempfile));
        assert_eq!(*read(0).unwrap(), b"long"[..]);
        assert!(read(1).is_err());
    }

    #[test]
    fn a_disk_that_fails_is_an_error_for_who_reads_and_keeps_nothing_in_memory() {
        let full: &Storage = &|| Err(io::ErrorKind::StorageFull.into());
        let spill = Arc::default();
        for _ in 0..2 {
            put_down(&spill, b"long").carry_out(full);
            assert!(locked(&spill.fresh).is_empty());
            let read = spill.read(0, 4, full).map(|octets| octets.to_vec());
            assert_eq!(read, Err(Error::Spill(io::ErrorKind::StorageFull)));
        }
    }
}
