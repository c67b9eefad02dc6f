//! The journal as those share it who mark, and the one who writes it anew.
//!
//! Records are in the order of the marks, and none is added while the journal is out of date. Where
//! the marks that stand could not be written, the old records stand for more than is marked. A mark
//! taken off then would not be taken off in them: the next mount would take it over, and the next
//! commit delete what somebody has undeleted.

use std::io;
use std::sync::{Mutex, MutexGuard, TryLockError};

use super::journal::Journal;
use super::locked;
use super::mark::{Mark, Record};

/// So often is it written anew in vain, as somebody has marked meanwhile, before who marks has to
/// wait.
const ATTEMPTS: usize = 3;

/// The journal, and how it stands.
pub(super) struct Register {
    journal: Box<dyn Journal>,
    /// Locked before the state; the one lock that is held over writing, so that nobody who answers the
    /// kernel may wait for it.
    standing: Mutex<Standing>,
}

#[derive(Default)]
struct Standing {
    /// Records that were added.
    added: u64,
    /// Why it could not be written, where it is out of date.
    outdated: Option<io::ErrorKind>,
}

/// The right to add records: nobody else adds any meanwhile.
pub(super) struct Pen<'a> {
    journal: &'a dyn Journal,
    standing: MutexGuard<'a, Standing>,
    has_taken_back: bool,
}

impl Register {
    /// A journal that is up to date.
    pub fn new(journal: Box<dyn Journal>) -> Self {
        Self {
            journal,
            standing: Mutex::default(),
        }
    }

    /// Lets somebody add records, in the order of what they tell of; who does may wait for the disk, and
    /// for others who do.
    pub fn pen(&self) -> Pen<'_> {
        self.taken_up(locked(&self.standing))
    }

    /// The same where nobody else adds records, or is replacing them.
    pub fn try_pen(&self) -> Option<Pen<'_>> {
        let standing = match self.standing.try_lock() {
            Ok(standing) => standing,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(self.taken_up(standing))
    }

    fn taken_up<'a>(&'a self, standing: MutexGuard<'a, Standing>) -> Pen<'a> {
        Pen {
            journal: &*self.journal,
            standing,
            has_taken_back: false,
        }
    }

    /// Has all that was added outlive a loss of power; takes long, and nobody else waits for it.
    ///
    /// # Errors
    /// The system could not promise it, and would not tell again which records it has lost: the
    /// journal is out of date.
    pub fn flush(&self) -> io::Result<()> {
        self.journal.flush().inspect_err(|error| {
            locked(&self.standing).outdated = Some(error.kind());
        })
    }

    /// Has it say no more than that these marks stand; takes long, and who marks does not wait for
    /// it.
    ///
    /// # Errors
    /// It could not be written. The old records stand, and nothing can be added to them.
    pub fn rewrite(&self, marks: impl Fn() -> Vec<Mark>) -> io::Result<()> {
        let replaced = self.replace(marks);
        let written = replaced.and_then(|()| self.journal.flush());
        locked(&self.standing).outdated = written.as_ref().err().map(io::Error::kind);
        written
    }

    fn replace(&self, marks: impl Fn() -> Vec<Mark>) -> io::Result<()> {
        for _ in 0..ATTEMPTS {
            let (added, marks) = {
                let standing = locked(&self.standing);
                (standing.added, marks())
            };
            self.journal.draft(&marks)?;
            let standing = locked(&self.standing);
            if standing.added == added {
                return self.journal.adopt();
            }
        }
        let _standing = locked(&self.standing);
        self.journal.draft(&marks())?;
        self.journal.adopt()
    }
}

impl Pen<'_> {
    /// Adds a record.
    ///
    /// # Errors
    /// It could not be written, or the journal is out of date.
    pub fn add(&mut self, record: &Record) -> io::Result<()> {
        if let Some(why) = self.standing.outdated {
            return Err(why.into());
        }
        self.journal.append(record)?;
        self.standing.added += 1;
        Ok(())
    }

    /// Whether it must be written anew before anything can be added.
    pub fn is_outdated(&self) -> bool {
        self.standing.outdated.is_some()
    }

    /// Takes back a record of what has not happened. Where its inverse cannot be written, the
    /// journal is out of date.
    pub fn take_back(&mut self, record: Record) {
        self.has_taken_back = true;
        if let Err(error) = self.add(&record.inverse()) {
            self.standing.outdated = Some(error.kind());
        }
    }

    /// Whether a record was taken back.
    pub fn has_taken_back(&self) -> bool {
        self.has_taken_back
    }
}

#[cfg(test)]
mod tests {
    use super::super::engine::rig::Ledger;
    use super::*;

    fn marked(unique_id: &str) -> Record {
        Record::Marked(Mark::sample(unique_id))
    }

    #[test]
    fn nothing_is_added_to_a_journal_that_is_out_of_date() {
        let ledger = Ledger::default();
        let register = Register::new(Box::new(ledger.clone()));
        register.pen().add(&marked("a")).unwrap();
        ledger.is_full(true);
        assert!(register.rewrite(Vec::new).is_err() && register.pen().is_outdated());
        ledger.is_full(false);
        let full = register.pen().add(&marked("b")).unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        assert_eq!(ledger.marks(), [Mark::sample("a")]);
        register.rewrite(Vec::new).unwrap();
        register.pen().add(&marked("b")).unwrap();
        assert_eq!(ledger.marks(), [Mark::sample("b")]);
    }

    #[test]
    fn a_journal_from_which_a_record_cannot_be_taken_back_is_out_of_date() {
        let ledger = Ledger::default();
        let register = Register::new(Box::new(ledger.clone()));
        for (full, outdated) in [(false, false), (true, true)] {
            let mut pen = register.pen();
            pen.add(&marked("a")).unwrap();
            ledger.is_full(full);
            pen.take_back(marked("a"));
            assert_eq!(pen.is_outdated(), outdated);
            drop(pen);
            assert_eq!(!ledger.marks().is_empty(), outdated);
        }
    }
}
