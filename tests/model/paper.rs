//! A journal in memory, which outlives the daemon that writes it, can refuse to be written, and loses with the power
//! what was not flushed.

use std::hash::Hash;
use std::io;
use std::sync::{Arc, Mutex};

use pop3fs::maildrop::{Journal, Mark, Record};

/// The journal; all clones are the same one.
#[derive(Clone, Default)]
pub struct Paper(Arc<Mutex<Page>>);

#[derive(Default)]
struct Page {
    lines: Vec<String>,
    draft: Vec<String>,
    /// How many of them outlive a loss of power.
    flushed: usize,
    refuses_append: bool,
    refuses_replace: bool,
}

impl Paper {
    /// The marks that stand in it.
    pub fn marks(&self) -> Vec<Mark> {
        let mut marks: Vec<Mark> = Vec::new();
        for line in &self.0.lock().unwrap().lines {
            match line.parse().expect("a line reads as it was written") {
                Record::Marked(mark) if !marks.contains(&mark) => marks.push(mark),
                Record::Marked(_) => {}
                Record::Unmarked(mark) => marks.retain(|other| *other != mark),
            }
        }
        marks.sort();
        marks
    }

    /// What tells its states from another.
    pub fn likeness(&self) -> impl Hash + use<> {
        let page = self.0.lock().unwrap();
        let is_flushed = page.flushed >= page.lines.len();
        (is_flushed, page.refuses_append, page.refuses_replace)
    }

    /// The power fails: of what was not flushed, so many lines are kept at most.
    pub fn lose_power(&self, kept: usize) {
        let mut page = self.0.lock().unwrap();
        let safe = page.flushed.saturating_add(kept);
        page.lines.truncate(safe);
    }

    /// From now on it can, or cannot, be written.
    pub fn set_refusals(&self, append: bool, replace: bool) {
        let mut page = self.0.lock().unwrap();
        (page.refuses_append, page.refuses_replace) = (append, replace);
    }
}

impl Journal for Paper {
    fn append(&self, record: &Record) -> io::Result<()> {
        let mut page = self.0.lock().unwrap();
        if page.refuses_append {
            return Err(io::ErrorKind::StorageFull.into());
        }
        page.lines.push(record.to_string());
        Ok(())
    }

    fn draft(&self, marks: &[Mark]) -> io::Result<()> {
        let mut page = self.0.lock().unwrap();
        if page.refuses_replace {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let line = |mark: &Mark| Record::Marked(mark.clone()).to_string();
        page.draft = marks.iter().map(line).collect();
        Ok(())
    }

    fn adopt(&self) -> io::Result<()> {
        let mut page = self.0.lock().unwrap();
        page.lines = std::mem::take(&mut page.draft);
        page.flushed = page.lines.len();
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let mut page = self.0.lock().unwrap();
        page.flushed = page.lines.len();
        Ok(())
    }
}
