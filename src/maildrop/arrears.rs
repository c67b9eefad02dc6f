//! A journal that is never added to while it is out of date.
//!
//! Where the marks that stand could not be written, the old records stand for more than is marked.
//! A mark taken off then would not be taken off in them: the next mount would take it over, and
//! the next commit delete what somebody has undeleted.

use std::io;

use super::journal::Journal;
use super::mark::{Mark, Record};

/// A journal, and the marks that it is still to be replaced by.
pub(super) struct Arrears {
    journal: Box<dyn Journal>,
    owed: Option<Vec<Mark>>,
}

impl Arrears {
    /// A journal that is up to date.
    pub fn none(journal: Box<dyn Journal>) -> Self {
        Self {
            journal,
            owed: None,
        }
    }
}

impl Journal for Arrears {
    fn append(&mut self, record: &Record) -> io::Result<()> {
        if let Some(marks) = &self.owed {
            self.journal.replace(marks)?;
            self.owed = None;
        }
        self.journal.append(record)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.journal.flush()
    }

    fn replace(&mut self, marks: &[Mark]) -> io::Result<()> {
        let replaced = self.journal.replace(marks);
        self.owed = replaced.is_err().then(|| marks.to_vec());
        replaced
    }
}

#[cfg(test)]
mod tests {
    use super::super::engine::rig::Ledger;
    use super::*;

    #[test]
    fn nothing_is_added_to_a_journal_that_is_out_of_date() {
        let ledger = Ledger::default();
        let mut journal = Arrears::none(Box::new(ledger.clone()));
        journal.append(&Record::Marked(Mark::sample("a"))).unwrap();
        ledger.is_full(true);
        assert!(journal.replace(&[]).is_err());
        assert!(journal.append(&Record::Marked(Mark::sample("b"))).is_err());
        assert_eq!(ledger.marks(), [Mark::sample("a")]);
        ledger.is_full(false);
        journal.append(&Record::Marked(Mark::sample("b"))).unwrap();
        assert_eq!(ledger.marks(), [Mark::sample("b")]);
    }
}
