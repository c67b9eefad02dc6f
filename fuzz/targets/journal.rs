//! A journal that was damaged, or forged.

use std::fs;
use std::path::{Path, PathBuf};

use pop3fs::maildrop::{
    Journal, JournalError, JournalFile, JournalLock, Mark, Record, StateDirectory,
};

/// Whose journal it is.
const ACCOUNT: &str = "ann@pop.example.org:995";

/// The octets are those of a journal, once as they are and once below the heading. Whatever they are:
///
/// - the journal is refused, and left as it is, or every line of it is one that we write;
/// - what it says is what its lines say, one after the other; only a torn last line is dropped;
/// - it is the same when it is read again, or written anew, and nothing when all is taken back.
pub fn run(data: &[u8]) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    drop(open(directory.path()).expect("a new journal"));
    let path = journal_in(directory.path());
    let heading = fs::read(&path).expect("a journal to read");
    hold(&path, &heading, data);
    hold(&path, &heading, &[&heading, data].concat());
}

fn open(directory: &Path) -> Result<(JournalFile, Vec<Mark>), JournalError> {
    let state = StateDirectory::make(directory.to_owned())?;
    JournalFile::open(JournalLock::take(&state, ACCOUNT)?)
}

fn journal_in(directory: &Path) -> PathBuf {
    let files = fs::read_dir(directory).expect("a directory to read");
    let mut paths = files.map(|file| file.expect("a file").path());
    let is_journal = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "journal");
    paths.find(is_journal).expect("a journal")
}

/// Holds what is made of these octets against what they say.
fn hold(path: &Path, heading: &[u8], octets: &[u8]) {
    let directory = path.parent().expect("a directory");
    fs::write(path, octets).expect("a journal to write");
    let after = || fs::read(path).expect("a journal to read");
    let (journal, marks) = match open(directory) {
        Ok(opened) => opened,
        Err(JournalError::Damaged { line, .. }) => {
            let lines = octets.split(|octet| *octet == b'\n').count();
            assert!((1..=lines).contains(&line));
            return assert_eq!(after(), octets);
        }
        Err(error) => panic!("{error}"),
    };
    let whole = octets.iter().rposition(|octet| *octet == b'\n');
    let whole = whole.map_or(heading, |end| &octets[..=end]);
    assert_eq!(after(), whole);
    let records = whole.strip_prefix(heading).expect("a heading");
    assert_eq!(marks, plainly_read(records));
    journal.draft(&marks).expect("a journal to write anew");
    journal.adopt().expect("a journal to replace");
    drop(journal);
    let (journal, again) = open(directory).expect("a journal of ours");
    assert_eq!(again, marks);
    for mark in marks {
        let taken_back = journal.append(&Record::Unmarked(mark));
        taken_back.expect("a journal to write");
    }
    drop(journal);
    let (_, left) = open(directory).expect("a journal of ours");
    assert!(left.is_empty());
}

/// The marks that stand after these lines, each of which is as we write it.
fn plainly_read(records: &[u8]) -> Vec<Mark> {
    let text = str::from_utf8(records).expect("text");
    let mut marks: Vec<Mark> = Vec::new();
    for line in text.lines() {
        let record: Record = line.parse().expect("a record");
        assert_eq!(record.to_string(), line);
        let (Record::Marked(mark) | Record::Unmarked(mark)) = &record;
        marks.retain(|other| other.listed() != mark.listed());
        if let Record::Marked(mark) = record {
            marks.push(mark);
        }
    }
    marks.sort();
    marks
}
