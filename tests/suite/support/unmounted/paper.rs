//! A journal in memory.

use std::io;
use std::sync::{Arc, Mutex};

use pop3fs::maildrop::{Journal, Mark, Record};

/// The journal; all clones are the same one.
#[derive(Clone, Default)]
pub struct Paper(Arc<Mutex<Vec<Mark>>>);

impl Paper {
    /// The marks that stand in it.
    pub fn marks(&self) -> Vec<Mark> {
        self.0.lock().expect("no panic").clone()
    }
}

impl Journal for Paper {
    fn append(&mut self, record: &Record) -> io::Result<()> {
        let mut marks = self.0.lock().expect("no panic");
        match record {
            Record::Marked(mark) => marks.push(mark.clone()),
            Record::Unmarked(mark) => marks.retain(|other| other != mark),
        }
        Ok(())
    }

    fn replace(&mut self, marks: &[Mark]) -> io::Result<()> {
        *self.0.lock().expect("no panic") = marks.to_vec();
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
