//! The journal as a file in the state directory.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use nix::unistd::Uid;

use super::super::mark::{Mark, Record};
use super::super::{locked, names};
use super::sheet::{Sheet, private};
use super::{Journal, JournalError, text};

/// The permission bits that let others than the owner write.
const OTHERS: u32 = 0o022;

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
    /// Opens the account's journal in this directory, making both where they do not exist; gives
    /// the marks that it holds.
    ///
    /// # Errors
    /// It is in use, damaged, or not to be opened.
    pub fn open(directory: &Path, account: &str) -> Result<(Self, Vec<Mark>), JournalError> {
        make_trusted(directory)?;
        let named = |ending| directory.join(names::file_name(account.as_bytes(), 1, ending));
        let lock = lock(&named(".lock"))?;
        let path = named(".journal");
        let heading = text::heading(account);
        let (sheet, marks) = read(&path, &heading)?;
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
        let mut file = private().append(true).open(self.beside())?;
        file.set_len(0)?;
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

/// Makes the directory, where it does not exist, and sees that nobody else can write to it.
fn make_trusted(directory: &Path) -> Result<(), JournalError> {
    let mut builder = DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(directory);
    let metadata = made.and_then(|()| directory.metadata());
    let metadata = metadata.map_err(|error| JournalError::io(directory, error))?;
    if !is_trusted(metadata.uid(), Uid::effective()) {
        return Err(JournalError::Foreign(directory.to_owned()));
    }
    if metadata.mode() & OTHERS != 0 {
        return Err(JournalError::Exposed(directory.to_owned()));
    }
    Ok(())
}

/// Whether it is ours what this user owns, or that of root, who can do everything anyway.
fn is_trusted(owner: u32, own: Uid) -> bool {
    [0, own.as_raw()].contains(&owner)
}

fn lock(path: &Path) -> Result<File, JournalError> {
    let io = |error| JournalError::io(path, error);
    let file = private().append(true).open(path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::Locked(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(io(error)),
    }
}

/// Opens a journal, which gets its heading where it is new; gives the marks that stand in it.
fn read(path: &Path, heading: &str) -> Result<(Sheet, Vec<Mark>), JournalError> {
    let io = |error| JournalError::io(path, error);
    let mut file = private().read(true).append(true).open(path).map_err(io)?;
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
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, chown};

    use super::*;

    fn open(directory: &Path) -> Result<(JournalFile, Vec<Mark>), JournalError> {
        JournalFile::open(directory, "ann@pop.example.org:995")
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
    fn a_directory_that_others_can_write_to_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let others = Permissions::from_mode(0o777);
        fs::set_permissions(directory.path(), others).unwrap();
        let error = open(directory.path()).unwrap_err();
        assert!(
            matches!(error, JournalError::Exposed(_)) && error.to_string().contains("chmod go-w")
        );
    }

    #[test]
    fn a_directory_of_somebody_else_is_refused() {
        let trusted = [(0, 1000), (1000, 1000), (1001, 1000), (1000, 0)]
            .map(|(owner, own)| is_trusted(owner, Uid::from_raw(own)));
        assert_eq!(trusted, [true, true, false, false]);
        let directory = tempfile::tempdir().unwrap();
        // Only root can give it away.
        if chown(directory.path(), Some(65_534), None).is_ok() {
            let error = open(directory.path()).unwrap_err();
            assert!(matches!(error, JournalError::Foreign(_)));
        }
    }

    #[test]
    fn a_link_in_the_place_of_a_journal_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        drop(open(directory.path()).unwrap());
        let journal = directory.path().join("ann@pop.example.org:995.journal");
        let elsewhere = directory.path().join("elsewhere");
        fs::rename(&journal, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &journal).unwrap();
        let error = open(directory.path()).unwrap_err();
        assert!(matches!(error, JournalError::Io { path, .. } if path == journal));
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
