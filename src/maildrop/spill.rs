//! A message that is too long for memory: on disk, in a file that has no name and goes with the
//! last one who has it open.
//!
//! What comes of it is put down here at once, and written by the thread that waits for the
//! [disk](super::disk), at the latest when somebody wants to read it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::{env, mem};

use super::error::Error;
use super::locked;
use super::octets::Octets;

/// Where such files are by custom: on a disk, which `/tmp` often is not.
const DIRECTORY: &str = "/var/tmp";

/// The octets of one message.
#[derive(Debug)]
pub(super) struct Spill {
    /// What has come and is not written yet, in order.
    fresh: Mutex<Vec<Vec<u8>>>,
    /// Locked while the disk is waited for.
    kept: Mutex<Kept>,
}

/// What is on disk.
#[derive(Debug)]
struct Kept {
    directory: PathBuf,
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
    pub fn carry_out(&self) {
        self.spill.write();
    }
}

impl Spill {
    fn within(directory: &Path) -> Self {
        Self {
            fresh: Mutex::default(),
            kept: Mutex::new(Kept {
                directory: directory.to_owned(),
                file: None,
                written: 0,
                failure: None,
            }),
        }
    }

    fn write(&self) {
        let mut kept = locked(&self.kept);
        let fresh = mem::take(&mut *locked(&self.fresh));
        fresh.iter().for_each(|octets| kept.append(octets));
    }

    /// Reads from the message, on a thread that may wait.
    ///
    /// # Errors
    /// The disk has failed.
    pub fn read(&self, offset: u64, length: usize) -> Result<Octets, Error> {
        self.write();
        let read = locked(&self.kept).read(offset, length);
        read.map(Octets::Copied).map_err(Error::Spill)
    }
}

impl Default for Spill {
    fn default() -> Self {
        Self::within(&directory())
    }
}

impl Kept {
    fn append(&mut self, octets: &[u8]) {
        if self.failure.is_some() {
            return;
        }
        let written = self.written;
        match self.file().and_then(|it| it.write_all_at(octets, written)) {
            Ok(()) => self.written += octets.len() as u64,
            Err(error) => {
                let directory = self.directory.display();
                log::error!("cannot keep a long message in {directory}: {error}");
                self.failure = Some(error.kind());
            }
        }
    }

    fn read(&mut self, offset: u64, length: usize) -> Result<Vec<u8>, io::ErrorKind> {
        if offset.saturating_add(length as u64) > self.written {
            return Err(self.failure.unwrap_or(io::ErrorKind::UnexpectedEof));
        }
        let mut octets = vec![0; length];
        let read = self
            .file()
            .and_then(|it| it.read_exact_at(&mut octets, offset));
        read.map(|()| octets).map_err(|error| error.kind())
    }

    fn file(&mut self) -> io::Result<&File> {
        let file = match self.file.take() {
            Some(file) => file,
            None => tempfile::tempfile_in(&self.directory)?,
        };
        Ok(self.file.insert(file))
    }
}

/// Where messages are kept that are too long for memory.
pub fn directory() -> PathBuf {
    env::var_os("TMPDIR").map_or_else(|| DIRECTORY.into(), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put_down(spill: &Arc<Spill>, octets: &[u8]) -> Write {
        Write::of(spill.clone(), octets.to_vec())
    }

    #[test]
    fn what_was_appended_is_read_in_any_order() {
        let spill = Arc::default();
        put_down(&spill, b"Subject: ").carry_out();
        put_down(&spill, b"long\r\n").carry_out();
        assert_eq!(*spill.read(9, 4).unwrap(), b"long"[..]);
        assert_eq!(*spill.read(0, 7).unwrap(), b"Subject"[..]);
    }

    #[test]
    fn who_is_ahead_of_the_disk_has_it_written() {
        let spill = Arc::default();
        let writes = [put_down(&spill, b"lo"), put_down(&spill, b"ng")];
        assert_eq!(*spill.read(0, 4).unwrap(), b"long"[..]);
        writes.iter().for_each(Write::carry_out);
        assert_eq!(*spill.read(0, 4).unwrap(), b"long"[..]);
        assert!(spill.read(1, 4).is_err());
    }

    #[test]
    fn a_disk_that_fails_is_an_error_for_who_reads_and_keeps_nothing_in_memory() {
        let nowhere = Path::new("/proc/pop3fs-has-nothing-here");
        let spill = Arc::new(Spill::within(nowhere));
        for _ in 0..2 {
            put_down(&spill, b"long").carry_out();
            assert!(locked(&spill.fresh).is_empty());
            let missing = Error::Spill(io::ErrorKind::NotFound);
            assert_eq!(spill.read(0, 4).map(|octets| octets.to_vec()), Err(missing));
        }
    }
}
