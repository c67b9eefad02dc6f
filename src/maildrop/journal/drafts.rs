//! A journal that is written anew beside the old one.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::directory::{StateDirectory, private};
use super::file::JOURNAL;

/// Makes drafts of a journal, for one who may not do so in the state directory.
pub trait Drafting: Debug + Send + Sync {
    /// A new file beside the journal.
    ///
    /// # Errors
    /// It cannot be made.
    fn begin(&self) -> io::Result<File>;

    /// Puts that file in the place of the journal.
    ///
    /// # Errors
    /// There is none, or the journal cannot be replaced.
    fn adopt(&self) -> io::Result<()>;
}

/// Drafts of an account's journal.
#[derive(Clone, Debug)]
pub struct Drafts {
    journal: PathBuf,
    draft: PathBuf,
}

impl Drafts {
    /// Those in this directory.
    pub fn of(directory: &StateDirectory, account: &str) -> Self {
        let journal = directory.file(account, JOURNAL);
        Self {
            draft: journal.with_extension("journal.new"),
            journal,
        }
    }
}

impl Drafting for Drafts {
    /// Nothing is written through a link in its place, nor waited for at the end of a FIFO.
    fn begin(&self) -> io::Result<File> {
        remove_if_there(&self.draft)?;
        private().append(true).create_new(true).open(&self.draft)
    }

    fn adopt(&self) -> io::Result<()> {
        fs::rename(&self.draft, &self.journal)
    }
}

/// What is left of a draft that was never adopted, or what somebody else has put there while the
/// directory was open to others.
fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_lies_in_the_place_of_a_draft_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDirectory::make(directory.path().to_owned()).unwrap();
        let drafts = Drafts::of(&state, "ann@pop.example.org:995");
        let other = directory.path().join("other");
        fs::write(&other, "mine").unwrap();
        fs::hard_link(&other, &drafts.draft).unwrap();
        drafts.begin().unwrap().write_all(b"new").unwrap();
        drafts.adopt().unwrap();
        assert_eq!(fs::read(&other).unwrap(), b"mine");
        assert_eq!(fs::read(&drafts.journal).unwrap(), b"new");
        assert!(drafts.adopt().is_err());
    }
}
