//! The journal as a file in the state directory.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::super::locked;
use super::super::mark::{Mark, Record};
use super::directory::{StateDirectory, private};
use super::sheet::Sheet;
use super::{Journal, JournalError, text};

/// How the names of an account's files end.
const JOURNAL: &str = ".journal";
const LOCK: &str = ".lock";

/// A journal in the state directory. Nobody else can open it while this exists.
#[derive(Debug)]
pub struct JournalFile {
    path: PathBuf,
    heading: String,
    sheet: Mutex<Sheet>,
    draft: Mutex<Option<Sheet>>,
    _lock: File,
}

impl JournalFile {
    /// Opens the account's journal in this directory, making it where it does not exist; gives the
    /// marks that it holds.
    ///
    /// # Errors
    /// It is in use, damaged, or not to be opened.
    pub fn open(
        directory: &StateDirectory,
        account: &str,
    ) -> Result<(Self, Vec<Mark>), JournalError> {
        let lock = lock(directory, account)?;
        let path = directory.file(account, JOURNAL);
        let heading = text::heading(account);
        let (sheet, marks) = read(directory.open(account, JOURNAL)?, &path, &heading)?;
        let journal = Self {
            path,
            heading,
            sheet: Mutex::new(sheet),
            draft: Mutex::default(),
            _lock: lock,
        };
        Ok((journal, marks))
    }

    fn beside(&self) -> PathBuf {
        self.path.with_extension("journal.new")
    }
}

impl Journal for JournalFile {
    fn append(&self, record: &Record) -> io::Result<()> {
        locked(&self.sheet).append(&format!("{record}\n"))
    }

    /// The directory too: else the loss could bring a replaced journal back, and its marks with it.
    fn flush(&self) -> io::Result<()> {
        let file = locked(&self.sheet).file();
        file.sync_data()?;
        let directory = self.path.parent().unwrap_or(Path::new("."));
        File::open(directory)?.sync_all()
    }

    fn draft(&self, marks: &[Mark]) -> io::Result<()> {
        let text = text::of(&self.heading, marks);
        let path = self.beside();
        // Nothing is written through a link to it, nor waited for at the end of a FIFO.
        remove_if_there(&path)?;
        let mut file = private().append(true).create_new(true).open(&path)?;
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        *locked(&self.draft) = Some(Sheet::of(file, text.len() as u64));
        Ok(())
    }

    fn adopt(&self) -> io::Result<()> {
        let draft = locked(&self.draft).take();
        let draft = draft.ok_or(io::ErrorKind::NotFound)?;
        fs::rename(self.beside(), &self.path)?;
        *locked(&self.sheet) = draft;
        Ok(())
    }
}

/// Of a draft that was never adopted, or of what somebody else has put there while the directory was open
/// to others.
fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn lock(directory: &StateDirectory, account: &str) -> Result<File, JournalError> {
    let file = directory.open(account, LOCK)?;
    let path = || directory.file(account, LOCK);
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::Locked(path())),
        Err(TryLockError::Error(error)) => Err(JournalError::io(&path(), error)),
    }
}

/// Reads a journal, which gets its heading where it is new; gives the marks that stand in it.
fn read(mut file: File, path: &Path, heading: &str) -> Result<(Sheet, Vec<Mark>), JournalError> {
    let io = |error| JournalError::io(path, error);
    let mut octets = Vec::new();
    file.read_to_end(&mut octets).map_err(io)?;
    let (marks, length) =
        text::parse(octets, heading).map_err(|line| JournalError::damaged(path, line))?;
    file.set_len(length).map_err(io)?;
    let mut sheet = Sheet::of(file, length);
    if length == 0 {
        sheet.append(heading).map_err(io)?;
    }
    Ok((sheet, marks))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn open(directory: &Path) -> Result<(JournalFile, Vec<Mark>), JournalError> {
        let state = StateDirectory::make(directory.to_owned())?;
        JournalFile::open(&state, "ann@pop.example.org:995")
    }

    #[test]
    fn marks_outlive_the_daemon() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, marks) = open(directory.path()).unwrap();
        assert!(marks.is_empty());
        for record in [
            Record::Marked(Mark::sample("a")),
            Record::Marked(Mark::sample("b c/d")),
            Record::Unmarked(Mark::sample("a")),
        ] {
            journal.append(&record).unwrap();
        }
        drop(journal);
        assert_eq!(open(directory.path()).unwrap().1, [Mark::sample("b c/d")]);
    }

    #[test]
    fn what_lies_in_the_place_of_a_draft_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, _) = open(directory.path()).unwrap();
        let other = directory.path().join("other");
        fs::write(&other, "mine").unwrap();
        fs::hard_link(&other, journal.beside()).unwrap();
        journal.draft(&[Mark::sample("a")]).unwrap();
        journal.adopt().unwrap();
        drop(journal);
        assert_eq!(fs::read(&other).unwrap(), b"mine");
        assert_eq!(open(directory.path()).unwrap().1, [Mark::sample("a")]);
    }

    #[test]
    fn replacing_leaves_only_the_marks_given() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, _) = open(directory.path()).unwrap();
        journal.append(&Record::Marked(Mark::sample("a"))).unwrap();
        journal.draft(&[Mark::sample("b")]).unwrap();
        journal.adopt().unwrap();
        journal.append(&Record::Marked(Mark::sample("c"))).unwrap();
        drop(journal);
        assert_eq!(
            open(directory.path()).unwrap().1,
            [Mark::sample("b"), Mark::sample("c")]
        );
    }

    #[test]
    fn two_daemons_cannot_have_one_journal() {
        let directory = tempfile::tempdir().unwrap();
        let _first = open(directory.path()).unwrap();
        assert!(matches!(
            open(directory.path()),
            Err(JournalError::Locked(_))
        ));
    }

    #[test]
    fn a_torn_last_line_is_dropped_and_any_other_damage_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, _) = open(directory.path()).unwrap();
        journal.append(&Record::Marked(Mark::sample("a"))).unwrap();
        let path = journal.path.clone();
        drop(journal);
        let whole = fs::read_to_string(&path).unwrap();
        for end in 0..=whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            let (_, marks) = open(directory.path()).unwrap();
            assert_eq!(marks.len(), usize::from(end == whole.len()), "cut at {end}");
        }
        fs::write(&path, whole.replace("+ 7", "+ x")).unwrap();
        assert!(matches!(
            open(directory.path()),
            Err(JournalError::Damaged { line: 2, .. })
        ));
        let mut foreign = whole.into_bytes();
        foreign.extend_from_slice(b"\xff\n");
        fs::write(&path, foreign).unwrap();
        assert!(matches!(
            open(directory.path()),
            Err(JournalError::Damaged { line: 3, .. })
        ));
    }

    #[test]
    fn the_journal_is_nobody_else_s_to_read() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        let (journal, _) = open(&state).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&state), mode(&journal.path)), (0o700, 0o600));
    }
}
