//! A journal in memory.

use std::io;
use std::sync::{Arc, Mutex};

use super::super::super::journal::Journal;
use super::super::super::locked;
use super::super::super::mark::{Mark, Record};

/// The journal's marks.
#[derive(Clone, Default)]
pub(in crate::maildrop) struct Ledger(Arc<Mutex<Page>>);

#[derive(Default)]
struct Page {
    marks: Vec<Mark>,
    draft: Vec<Mark>,
    /// Whether the disk takes no more.
    is_full: bool,
    /// Whether the next flush fails.
    loses_a_flush: bool,
}

impl Ledger {
    /// Those that stand.
    pub fn marks(&self) -> Vec<Mark> {
        locked(&self.0).marks.clone()
    }

    pub fn is_full(&self, full: bool) {
        locked(&self.0).is_full = full;
    }

    pub fn loses_a_flush(&self) {
        locked(&self.0).loses_a_flush = true;
    }

    fn write(&self, change: impl FnOnce(&mut Page)) -> io::Result<()> {
        let page = &mut *locked(&self.0);
        if page.is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        change(page);
        Ok(())
    }
}

impl Journal for Ledger {
    fn append(&self, record: &Record) -> io::Result<()> {
        self.write(|page| match record {
            Record::Marked(mark) => page.marks.push(mark.clone()),
            Record::Unmarked(mark) => page.marks.retain(|other| other != mark),
        })
    }

    fn flush(&self) -> io::Result<()> {
        if std::mem::take(&mut locked(&self.0).loses_a_flush) {
            return Err(io::Error::other("the disk is worn out"));
        }
        Ok(())
    }

    fn draft(&self, marks: &[Mark]) -> io::Result<()> {
        self.write(|page| page.draft = marks.to_vec())
    }

    fn adopt(&self) -> io::Result<()> {
        self.write(|page| page.marks = std::mem::take(&mut page.draft))
    }
}
