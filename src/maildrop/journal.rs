//! The journal: the marks of one account, kept in a file, so that they outlive the daemon.
//!
//! A text file: a heading, then a line for each mark set or taken off. A mark is not flushed to
//! the disk: it survives the daemon, and a mark lost with the power only leaves a message undeleted.
//! A mark taken off is flushed: if it came back, the next commit would delete what somebody kept.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use nix::unistd::Uid;

use super::locked;
use super::mark::{Mark, Record};
use super::names;

/// Where marks are kept. A simulation has one of its own.
///
/// It is written anew in two steps, of which the first takes long and holds up nobody who adds.
pub trait Journal: Send + Sync {
    /// Adds a record; all of it or, on an error, nothing.
    ///
    /// # Errors
    /// The record could not be written.
    fn append(&self, record: &Record) -> io::Result<()>;

    /// Has the journal as it stands outlive a loss of power; takes long.
    ///
    /// # Errors
    /// The system could not promise it.
    fn flush(&self) -> io::Result<()>;

    /// Writes these marks beside the journal, where they outlive a loss of power; takes long.
    ///
    /// # Errors
    /// They could not be written.
    fn draft(&self, marks: &[Mark]) -> io::Result<()>;

    /// Puts the draft in the place of all records; on an error the old ones stand.
    ///
    /// # Errors
    /// The journal could not be replaced.
    fn adopt(&self) -> io::Result<()>;
}

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

/// A file of records.
#[derive(Debug)]
struct Sheet {
    file: Arc<File>,
    length: u64,
    /// Whether there may be a part of a record behind that.
    is_torn: bool,
}

/// Why a journal could not be opened.
#[derive(Debug)]
pub enum JournalError {
    /// Another daemon has it.
    Locked(PathBuf),
    /// Others can write to its directory, and so say what is to be deleted.
    Exposed(PathBuf),
    /// Its directory is somebody else's, who can say so too.
    Foreign(PathBuf),
    /// It says something that we never wrote.
    Damaged {
        /// The journal.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// A file could not be made, read or locked.
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl JournalFile {
    /// Opens the account's journal in this directory, making both where they do not exist; gives
    /// the marks that it holds.
    ///
    /// # Errors
    /// It is in use, damaged, or not to be opened.
    pub fn open(directory: &Path, account: &str) -> Result<(Self, Vec<Mark>), JournalError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error| JournalError::Io { path, error }
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(at(directory))?;
        let metadata = directory.metadata().map_err(at(directory))?;
        if !is_trusted(metadata.uid(), Uid::effective()) {
            return Err(JournalError::Foreign(directory.to_owned()));
        }
        if metadata.mode() & OTHERS != 0 {
            return Err(JournalError::Exposed(directory.to_owned()));
        }
        let lock = lock(&directory.join(names::file_name(account.as_bytes(), 1, ".lock")))?;
        let path = directory.join(names::file_name(account.as_bytes(), 1, ".journal"));
        let heading = format!("pop3fs journal 1 {}\n", names::escaped(account.as_bytes()));
        let mut file = private()
            .read(true)
            .append(true)
            .open(&path)
            .map_err(at(&path))?;
        let mut octets = Vec::new();
        file.read_to_end(&mut octets).map_err(at(&path))?;
        let damaged = |line| JournalError::Damaged {
            path: path.clone(),
            line,
        };
        let text = text(octets).map_err(damaged)?;
        let marks = marks(&text, &heading).map_err(damaged)?;
        let length = whole_lines(&text);
        file.set_len(length).map_err(at(&path))?;
        let mut sheet = Sheet::of(file, length);
        if length == 0 {
            sheet.append(&heading).map_err(at(&path))?;
        }
        let journal = Self {
            path,
            heading,
            sheet: Mutex::new(sheet),
            draft: Mutex::default(),
            _lock: lock,
        };
        Ok((journal, marks))
    }
}

impl Sheet {
    fn of(file: File, length: u64) -> Self {
        Self {
            file: Arc::new(file),
            length,
            is_torn: false,
        }
    }

    /// Adds a line; all of it or nothing, and nothing to a part of one.
    fn append(&mut self, line: &str) -> io::Result<()> {
        if self.is_torn {
            self.mend()?;
        }
        if let Err(error) = (&*self.file).write_all(line.as_bytes()) {
            self.is_torn = true;
            // If this fails as well, nothing is added before it has been done.
            let _ = self.mend();
            return Err(error);
        }
        self.length += line.len() as u64;
        Ok(())
    }

    /// Takes off a part of a line.
    fn mend(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        self.is_torn = false;
        Ok(())
    }
}

impl JournalFile {
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
        let file = Arc::clone(&locked(&self.sheet).file);
        file.sync_data()?;
        let directory = self.path.parent().unwrap_or(Path::new("."));
        File::open(directory)?.sync_all()
    }

    fn draft(&self, marks: &[Mark]) -> io::Result<()> {
        let mut text = self.heading.clone();
        for mark in marks {
            text.push_str(&format!("{}\n", Record::Marked(mark.clone())));
        }
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
        std::fs::rename(self.beside(), &self.path)?;
        *locked(&self.sheet) = draft;
        Ok(())
    }
}

/// Whether it is ours what this user owns, or that of root, who can do everything anyway.
fn is_trusted(owner: u32, own: Uid) -> bool {
    [0, own.as_raw()].contains(&owner)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .create(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC);
    options
}

fn lock(path: &Path) -> Result<File, JournalError> {
    let io = |error| JournalError::Io {
        path: path.to_owned(),
        error,
    };
    let file = private().append(true).open(path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::Locked(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(io(error)),
    }
}

/// What the octets say; or the line, counted from 1, that is no text.
fn text(octets: Vec<u8>) -> Result<String, usize> {
    String::from_utf8(octets).map_err(|error| {
        let sound = error
            .as_bytes()
            .iter()
            .take(error.utf8_error().valid_up_to());
        sound.filter(|&&octet| octet == b'\n').count() + 1
    })
}

/// The marks that stand after all records; or the line, counted from 1, that is not ours.
///
/// A last line without its end was being written when the power or the disk gave out.
fn marks(text: &str, heading: &str) -> Result<Vec<Mark>, usize> {
    let whole = &text[..whole_lines(text) as usize];
    if whole.is_empty() {
        return if heading.starts_with(text) {
            Ok(Vec::new())
        } else {
            Err(1)
        };
    }
    let records = whole.strip_prefix(heading).ok_or(1_usize)?;
    let mut marks = BTreeSet::new();
    for (index, line) in records.lines().enumerate() {
        match line.parse().map_err(|()| index + 2)? {
            Record::Marked(mark) => marks.insert(mark),
            Record::Unmarked(mark) => marks.remove(&mark),
        };
    }
    Ok(marks.into_iter().collect())
}

fn whole_lines(text: &str) -> u64 {
    text.rfind('\n').map_or(0, |end| end as u64 + 1)
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked(path) => write!(
                f,
                "another pop3fs has this account mounted (it holds {}); unmount that one first",
                path.display()
            ),
            Self::Exposed(path) => write!(
                f,
                "others can write to the state directory {}, and so mark what they like: take that \
                 from them (chmod go-w), or use --state-dir",
                path.display()
            ),
            Self::Foreign(path) => write!(
                f,
                "the state directory {} belongs to somebody else, who can mark what he likes; use \
                 --state-dir",
                path.display()
            ),
            Self::Damaged { path, line } => write!(
                f,
                "the journal {} is damaged in line {line}, so the marks in it are not taken over; look at it, then move it away",
                path.display()
            ),
            Self::Io { path, error } => write!(f, "cannot use {}: {error}", path.display()),
        }
    }
}

impl std::error::Error for JournalError {}

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
        std::fs::set_permissions(directory.path(), others).unwrap();
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
        std::fs::rename(&journal, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &journal).unwrap();
        let error = open(directory.path()).unwrap_err();
        assert!(matches!(error, JournalError::Io { path, .. } if path == journal));
    }

    #[test]
    fn nothing_is_added_to_a_record_that_was_cut_short() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, _) = open(directory.path()).unwrap();
        journal.append(&Record::Marked(Mark::sample("a"))).unwrap();
        // A device takes no octet, and cannot be cut either.
        let full = OpenOptions::new().append(true).open("/dev/full").unwrap();
        let file = std::mem::replace(&mut locked(&journal.sheet).file, Arc::new(full));
        for _ in 0..2 {
            assert!(journal.append(&Record::Marked(Mark::sample("b"))).is_err());
        }
        (&*file).write_all(b"+ 7 1").unwrap();
        locked(&journal.sheet).file = file;
        journal.append(&Record::Marked(Mark::sample("c"))).unwrap();
        drop(journal);
        assert_eq!(
            open(directory.path()).unwrap().1,
            [Mark::sample("a"), Mark::sample("c")]
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
        let whole = std::fs::read_to_string(&path).unwrap();
        for end in 0..=whole.len() {
            std::fs::write(&path, &whole[..end]).unwrap();
            let (_, marks) = open(directory.path()).unwrap();
            assert_eq!(marks.len(), usize::from(end == whole.len()), "cut at {end}");
        }
        std::fs::write(&path, whole.replace("+ 7", "+ x")).unwrap();
        assert!(matches!(
            open(directory.path()),
            Err(JournalError::Damaged { line: 2, .. })
        ));
        let mut foreign = whole.into_bytes();
        foreign.extend_from_slice(b"\xff\n");
        std::fs::write(&path, foreign).unwrap();
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
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&state), mode(&journal.path)), (0o700, 0o600));
    }
}
