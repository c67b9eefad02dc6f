//! A message that is too long for memory: on disk, in a file that has no name and goes with the
//! last one who has it open.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::Duration;
use std::{env, path::PathBuf};

use super::error::Error;
use super::locked;
use super::message::Octets;

/// Where such files are by custom: on a disk, which `/tmp` often is not.
const DIRECTORY: &str = "/var/tmp";

/// How long to wait for the disk to take what has come already.
const PATIENCE: Duration = Duration::from_secs(10);

/// The octets of one message, which are appended by one thread and read by any number.
#[derive(Debug, Default)]
pub(super) struct Spill {
    file: OnceLock<File>,
    progress: Mutex<Progress>,
    moved: Condvar,
}

#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    written: u64,
    failure: Option<io::ErrorKind>,
}

/// Octets that are to be appended, once no lock is held.
pub(super) struct Write {
    pub spill: Arc<Spill>,
    pub octets: Vec<u8>,
}

impl Write {
    /// Appends them. A failure is told to whoever reads them.
    pub fn carry_out(self) {
        self.spill.append(&self.octets);
    }
}

impl Spill {
    fn append(&self, octets: &[u8]) {
        let Progress { written, failure } = *locked(&self.progress);
        if failure.is_some() {
            return;
        }
        let result = self
            .file()
            .and_then(|file| file.write_all_at(octets, written));
        let mut progress = locked(&self.progress);
        match result {
            Ok(()) => progress.written = written + octets.len() as u64,
            Err(error) => {
                log::error!("cannot keep a long message in {:?}: {error}", directory());
                progress.failure = Some(error.kind());
            }
        }
        self.moved.notify_all();
    }

    fn file(&self) -> io::Result<&File> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = tempfile::tempfile_in(directory())?;
        Ok(self.file.get_or_init(|| file))
    }

    /// Reads from the message; what has come, but is not written yet, is waited for.
    ///
    /// # Errors
    /// The disk has failed.
    pub fn read(&self, offset: u64, length: usize) -> Result<Octets, Error> {
        let end = offset.saturating_add(length as u64);
        let missing = |it: &mut Progress| it.written < end && it.failure.is_none();
        let progress = locked(&self.progress);
        let waited = self.moved.wait_timeout_while(progress, PATIENCE, missing);
        let progress = waited.map_or(Progress::default(), |(progress, _)| *progress);
        if progress.written < end {
            let failure = progress.failure.unwrap_or(io::ErrorKind::TimedOut);
            return Err(Error::Spill(failure));
        }
        let mut octets = vec![0; length];
        self.file()
            .and_then(|file| file.read_exact_at(&mut octets, offset))
            .map_err(|error| Error::Spill(error.kind()))?;
        Ok(Octets::Copied(octets))
    }
}

/// Where messages are kept that are too long for memory.
pub fn directory() -> PathBuf {
    env::var_os("TMPDIR").map_or_else(|| DIRECTORY.into(), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn write(spill: &Arc<Spill>, octets: &[u8]) {
        let (spill, octets) = (spill.clone(), octets.to_vec());
        Write { spill, octets }.carry_out();
    }

    #[test]
    fn what_was_appended_is_read_in_any_order() {
        let spill = Arc::default();
        write(&spill, b"Subject: ");
        write(&spill, b"long\r\n");
        assert_eq!(*spill.read(9, 4).unwrap(), b"long"[..]);
        assert_eq!(*spill.read(0, 7).unwrap(), b"Subject"[..]);
    }

    #[test]
    fn who_is_ahead_of_the_disk_waits_for_it() {
        let spill = Arc::<Spill>::default();
        let reader = thread::spawn({
            let spill = spill.clone();
            move || spill.read(0, 4).unwrap()
        });
        write(&spill, b"lo");
        write(&spill, b"ng");
        assert_eq!(*reader.join().unwrap(), b"long"[..]);
    }

    #[test]
    fn a_disk_that_fails_is_an_error_for_who_reads() {
        let spill = Arc::<Spill>::default();
        locked(&spill.progress).failure = Some(io::ErrorKind::StorageFull);
        write(&spill, b"long");
        let full = Error::Spill(io::ErrorKind::StorageFull);
        assert_eq!(spill.read(0, 4).map(|octets| octets.to_vec()), Err(full));
    }
}
