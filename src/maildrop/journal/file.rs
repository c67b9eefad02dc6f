//! The journal as a file in the state directory.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::super::locked;
use super::super::mark::{Mark, Record};
use super::drafts::{Drafting, Drafts};
use super::lock::JournalLock;
use super::sheet::Sheet;
use super::{Journal, JournalError, text};

/// How the names of an account's files end.
pub(super) const JOURNAL: &str = ".journal";

/// A journal in the state directory.
///
/// It is open from the start: what is done to it later needs no right to the directory.
#[derive(Debug)]
pub struct JournalFile {
    path: PathBuf,
    directory: File,
    heading: String,
    sheet: Mutex<Sheet>,
    drafts: Box<dyn Drafting>,
    draft: Mutex<Option<Sheet>>,
    _lock: JournalLock,
}

impl JournalFile {
    /// Opens the journal that the lock is for, making it where it does not exist; gives the marks that
    /// it holds.
    ///
    /// # Errors
    /// It is damaged, or not to be opened.
    pub fn open(lock: JournalLock) -> Result<(Self, Vec<Mark>), JournalError> {
        let (directory, account) = (&lock.directory, &lock.account);
        let path = directory.file(account, JOURNAL);
        let heading = text::heading(account);
        let (sheet, marks) = read(directory.open(account, JOURNAL)?, &path, &heading)?;
        let opened = File::open(directory.path());
        let journal = Self {
            path,
            directory: opened.map_err(|error| JournalError::io(directory.path(), error))?,
            heading,
            sheet: Mutex::new(sheet),
            drafts: Box::new(Drafts::of(directory, account)),
            draft: Mutex::default(),
            _lock: lock,
        };
        Ok((journal, marks))
    }

    /// The same, written anew by another's hand.
    pub fn drafted_by(self, drafts: Box<dyn Drafting>) -> Self {
        Self { drafts, ..self }
    }

    fn begin_draft(&self, text: &str) -> io::Result<Sheet> {
        let mut file = self.drafts.begin()?;
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        Ok(Sheet::of(file, text.len() as u64))
    }

    /// Whoever reads of the error can see to where it came from.
    fn named(&self, error: io::Error) -> io::Error {
        let words = format!("{}: {error}", self.path.display());
        io::Error::new(error.kind(), words)
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
        self.directory.sync_all()
    }

    fn draft(&self, marks: &[Mark]) -> io::Result<()> {
        let begun = self.begin_draft(&text::of(&self.heading, marks));
        *locked(&self.draft) = Some(begun.map_err(|error| self.named(error))?);
        Ok(())
    }

    fn adopt(&self) -> io::Result<()> {
        let draft = locked(&self.draft).take();
        let draft = draft.ok_or(io::ErrorKind::NotFound)?;
        self.drafts.adopt().map_err(|error| self.named(error))?;
        *locked(&self.sheet) = draft;
        Ok(())
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
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::super::directory::StateDirectory;
    use super::*;

    const ACCOUNT: &str = "ann@pop.example.org:995";

    fn open(directory: &Path) -> Result<(JournalFile, Vec<Mark>), JournalError> {
        let state = StateDirectory::make(directory.to_owned())?;
        JournalFile::open(JournalLock::take(&state, ACCOUNT)?)
    }

    fn path_in(directory: &Path) -> PathBuf {
        let state = StateDirectory::make(directory.to_owned()).unwrap();
        state.file(ACCOUNT, JOURNAL)
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
    fn a_journal_that_cannot_be_written_anew_is_named_and_stands() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, _) = open(directory.path()).unwrap();
        journal.append(&Record::Marked(Mark::sample("a"))).unwrap();
        let (path, journal) = (
            path_in(directory.path()),
            journal.drafted_by(Box::new(Full)),
        );
        let error = journal.draft(&[]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().contains(path.to_str().unwrap()));
        assert!(journal.adopt().is_err());
        drop(journal);
        assert_eq!(open(directory.path()).unwrap().1, [Mark::sample("a")]);
    }

    /// A disk on which nothing can be written.
    #[derive(Debug)]
    struct Full;

    impl Drafting for Full {
        fn begin(&self) -> io::Result<File> {
            File::options().append(true).open("/dev/full")
        }

        fn adopt(&self) -> io::Result<()> {
            unreachable!("nothing was drafted")
        }
    }

    #[test]
    fn a_torn_last_line_is_dropped_and_any_other_damage_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, _) = open(directory.path()).unwrap();
        journal.append(&Record::Marked(Mark::sample("a"))).unwrap();
        let path = path_in(directory.path());
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
        assert_eq!((mode(&state), mode(&path_in(&state))), (0o700, 0o600));
        journal.draft(&[]).unwrap();
        journal.adopt().unwrap();
        assert_eq!(mode(&path_in(&state)), 0o600);
    }
}
