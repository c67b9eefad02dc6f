//! A journal in memory.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use pop3fs::maildrop::{Journal, Mark, Record};

/// The journal; all clones are the same one.
#[derive(Clone, Default)]
pub struct Paper(Arc<Mutex<Page>>);

#[derive(Default)]
struct Page {
    marks: Vec<Mark>,
    draft: Vec<Mark>,
}

impl Paper {
    /// The marks that stand in it.
    pub fn marks(&self) -> Vec<Mark> {
        self.page().marks.clone()
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        self.0.lock().expect("no panic")
    }
}

impl Journal for Paper {
    fn append(&self, record: &Record) -> io::Result<()> {
        let marks = &mut self.page().marks;
        match record {
            Record::Marked(mark) => marks.push(mark.clone()),
            Record::Unmarked(mark) => marks.retain(|other| other != mark),
        }
        Ok(())
    }

    fn draft(&self, marks: &[Mark]) -> io::Result<()> {
        self.page().draft = marks.to_vec();
        Ok(())
    }

    fn adopt(&self) -> io::Result<()> {
        let mut page = self.page();
        page.marks = std::mem::take(&mut page.draft);
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}
