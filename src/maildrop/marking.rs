//! Marking messages, and writing it down before it is done.

use super::errand::Errand;
use super::error::Error;
use super::event::EventKind;
use super::handle::Maildrop;
use super::mark::Record;
use super::message::{MessageId, Place};
use super::reader::Answer;
use super::register::Register;
use super::state::{Marked, Moved, State};
use super::{Change, locked};

impl Maildrop {
    /// Marks a message for deletion: it moves from the root to the deleted.
    ///
    /// # Errors
    /// It is not in the root, cannot be marked, or the mark cannot be written down.
    pub fn mark(&self, id: MessageId) -> Result<(), Error> {
        let (subject, _) = self.move_message(id, Place::Root, Place::Deleted)?;
        self.announce(EventKind::Marked(subject));
        Ok(())
    }

    /// Takes the marks of this name off, or all marks, as far as it can: the messages move back to
    /// the root, but for those that are not listed. Answered when no loss of power can bring a mark
    /// back, with the error of the first that stays: a commit holds it, or the journal cannot be
    /// written; or that no message of this name is marked. Where the disk is late, that is not known
    /// by the deadline.
    pub fn undelete(&self, name: Option<&str>, answer: Answer<()>) {
        let marked = self.used().marked(name);
        if name.is_some() && marked.is_empty() {
            return answer(Err(Error::NotFound));
        }
        let outcomes: Vec<_> = marked.into_iter().map(|it| self.unmark(it)).collect();
        self.flush(outcomes.into_iter().collect(), answer);
    }

    /// Takes the mark off one message that the kernel moves back itself, and need not be told of;
    /// answered as [`Maildrop::undelete`].
    pub fn restore(&self, id: MessageId, answer: Answer<()>) {
        let moved = self.move_back(id);
        self.flush(moved.map(drop), answer);
    }

    fn unmark(&self, marked: Marked) -> Result<(), Error> {
        match marked {
            Marked::Listed(id) => {
                let changes = self.move_back(id)?;
                changes.into_iter().for_each(&self.0.surroundings.tell);
            }
            Marked::Unlisted(mark) => {
                let subject = self.recorded(
                    |state| state.record_unlisted(&mark),
                    |state, _| state.forget_unlisted(&mark),
                )?;
                self.announce(EventKind::Unmarked(subject));
            }
        }
        Ok(())
    }

    fn move_back(&self, id: MessageId) -> Result<Vec<Change>, Error> {
        let (subject, changes) = self.move_message(id, Place::Deleted, Place::Root)?;
        self.announce(EventKind::Unmarked(subject));
        Ok(changes)
    }

    /// Answers when the journal outlives a loss of power, or is about to be written anew as it may
    /// not.
    fn flush(&self, result: Result<(), Error>, answer: Answer<()>) {
        let maildrop = self.clone();
        let flush = move || {
            let register = maildrop.0.register.as_ref();
            if let Some(Err(error)) = register.map(Register::flush) {
                log::warn!("cannot flush the journal: {error}; it is written anew");
                maildrop.send(Errand::WriteJournal);
            }
            result
        };
        self.answer_from_disk(self.deadline(), flush, answer);
    }

    fn move_message(&self, id: MessageId, from: Place, to: Place) -> Result<Moved, Error> {
        self.recorded(
            |state| state.record(id, from),
            |state, record| state.move_recorded(id, from, to, record),
        )
    }

    /// Makes a change, once the record of it is written.
    fn recorded<T>(
        &self,
        record: impl FnOnce(&State) -> Result<Record, Error>,
        change: impl FnOnce(&mut State, &Record) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let register = self.0.register.as_ref().ok_or(Error::ReadOnly)?;
        let changed = self.change_recorded(register, record, change);
        if changed.is_err() && register.is_outdated() {
            self.send(Errand::WriteJournal);
        }
        changed
    }

    fn change_recorded<T>(
        &self,
        register: &Register,
        record: impl FnOnce(&State) -> Result<Record, Error>,
        change: impl FnOnce(&mut State, &Record) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut pen = register.pen();
        let record = record(&self.used())?;
        let written = pen.add(&record);
        written.map_err(|error| Error::Journal(error.kind()))?;
        // A commit may have begun meanwhile, or a listing found that the message is gone.
        let changed = change(&mut locked(&self.0.state), &record);
        if changed.is_err() {
            pen.take_back(record);
        }
        changed
    }

    /// Writes a journal of the marks that stand now, as
    /// [`Order::WriteJournal`](super::Order::WriteJournal) wants it.
    ///
    /// # Errors
    /// In words, why it could not be written. The old journal stands.
    pub fn write_journal(&self) -> Result<(), String> {
        let Some(register) = &self.0.register else {
            return Ok(());
        };
        register
            .rewrite(|| locked(&self.0.state).all_marks())
            .map_err(|error| format!("cannot write the journal: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::ops::ControlFlow;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::super::engine::rig::{Ledger, Rig, settings};
    use super::super::engine::script::{Reaction, Script};
    use super::super::engine::{Input, Order};
    use super::super::error::{Outage, OutageKind};
    use super::super::journal::Journal;
    use super::super::mark::Mark;
    use super::super::settings::Settings;
    use super::super::terms::Terms;
    use super::*;

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")])
    }

    fn names(maildrop: &Maildrop, place: Place) -> Vec<String> {
        let mut names = Vec::new();
        maildrop.list(place, None, &mut |entry| {
            names.push(entry.name.to_string());
            ControlFlow::Continue(())
        });
        names
    }

    #[test]
    fn a_mark_moves_a_message_and_back() {
        let mut rig = Rig::connected(mailbox());
        let id = rig.id("a");
        rig.maildrop.mark(id).unwrap();
        assert_eq!(names(&rig.maildrop, Place::Root), ["b"]);
        assert_eq!(names(&rig.maildrop, Place::Deleted), ["a"]);
        assert_eq!(rig.journal.marks().len(), 1);
        assert_eq!(rig.maildrop.mark(id), Err(Error::NotFound));
        rig.undelete("a").unwrap();
        assert_eq!(names(&rig.maildrop, Place::Root), ["a", "b"]);
        assert_eq!(rig.journal.marks(), []);
        assert_eq!(rig.undelete("a"), Err(Error::NotFound));
    }

    #[test]
    fn the_kernel_is_told_of_a_mark_taken_off() {
        let mut rig = Rig::connected(mailbox());
        rig.mark("a");
        rig.told.lock().unwrap().clear();
        rig.undelete("a").unwrap();
        let name: Arc<str> = "a".into();
        let left = Change::Vanished {
            place: Place::Deleted,
            name: name.clone(),
        };
        let place = Place::Root;
        let came = Change::Appeared { place, name };
        assert_eq!(*rig.told.lock().unwrap(), [left, came]);
    }

    #[test]
    fn the_kernel_is_not_told_what_it_has_done_itself() {
        let mut rig = Rig::connected(mailbox());
        rig.mark("a");
        rig.told.lock().unwrap().clear();
        let id = rig.maildrop.find(Place::Deleted, "a").unwrap().id;
        let restored = rig.ask(|maildrop, answer| maildrop.restore(id, answer));
        assert_eq!(restored.given(), Some(Ok(())));
        assert_eq!(names(&rig.maildrop, Place::Root), ["a", "b"]);
        assert_eq!(rig.journal.marks(), []);
        assert_eq!(*rig.told.lock().unwrap(), []);
    }

    #[test]
    fn a_journal_that_cannot_be_flushed_is_written_anew() {
        let mut rig = Rig::connected(mailbox());
        rig.mark("a");
        rig.ordered.clear();
        rig.journal.loses_a_flush();
        rig.undelete("a").unwrap();
        rig.run();
        assert_eq!(rig.ordered, [Order::WriteJournal]);
        rig.mark("b");
        assert_eq!(rig.journal.marks().len(), 1);
    }

    #[test]
    fn a_read_only_maildrop_cannot_be_marked() {
        let read_only = Settings {
            read_only: true,
            ..settings()
        };
        let mut rig = Rig::with(read_only, mailbox(), Vec::new());
        rig.connect().unwrap();
        assert_eq!(rig.maildrop.mark(rig.id("a")), Err(Error::ReadOnly));
        assert_eq!(names(&rig.maildrop, Place::Root), ["a", "b"]);
    }

    #[test]
    fn a_message_without_a_unique_id_cannot_be_marked() {
        let no = Reaction::Say("-ERR what?\r\n");
        let rig = Rig::connected(mailbox().reacting("UIDL", &[no]));
        let id = rig.id("%no-unique-id");
        assert_eq!(rig.maildrop.mark(id), Err(Error::NoUniqueId));
        assert_eq!(rig.journal.marks(), []);
    }

    #[test]
    fn a_mark_cannot_be_taken_off_before_it_is_known_whether_a_commit_has_deleted_the_message() {
        let mut rig = Rig::connected(mailbox().reacting("QUIT", &[Reaction::Silence]));
        rig.mark("a");
        rig.commit();
        rig.outage = Some(Outage::new(
            OutageKind::Unreachable,
            "nothing answers there",
        ));
        rig.cut();
        rig.pass(Duration::from_secs(60));
        assert!(!rig.maildrop.status().committing);
        assert_eq!(rig.undelete("a"), Err(Error::Busy));
        rig.outage = None;
        rig.pass(Duration::from_secs(60));
        assert_eq!(rig.connect(), Ok(()));
        assert!(rig.undelete("a").is_ok());
    }

    #[test]
    fn a_mark_cannot_be_taken_off_while_a_commit_holds_it() {
        let mut rig = Rig::connected(mailbox().reacting("QUIT", &[Reaction::Silence]));
        rig.mark("a");
        rig.commit();
        assert_eq!(rig.undelete("a"), Err(Error::Busy));
        assert_eq!(names(&rig.maildrop, Place::Deleted), ["a"]);
    }

    #[test]
    fn what_cannot_be_written_down_does_not_happen() {
        let mut rig = Rig::connected(mailbox());
        rig.mark("b");
        rig.journal.is_full(true);
        let full = Err(Error::Journal(io::ErrorKind::StorageFull));
        assert_eq!(rig.maildrop.mark(rig.id("a")), full);
        assert_eq!(rig.undelete("b"), full);
        assert_eq!(names(&rig.maildrop, Place::Root), ["a"]);
        assert_eq!(names(&rig.maildrop, Place::Deleted), ["b"]);
    }

    type Meanwhile = Arc<Mutex<Vec<Box<dyn FnOnce() + Send>>>>;

    /// A journal during whose writing other things happen, one at a time.
    #[derive(Clone, Default)]
    struct Slow {
        ledger: Ledger,
        while_added_to: Meanwhile,
        while_drafted: Meanwhile,
    }

    fn take_time(meanwhile: &Meanwhile) {
        let meanwhile = locked(meanwhile).pop();
        meanwhile.into_iter().for_each(|happens| happens());
    }

    impl Journal for Slow {
        fn append(&self, record: &Record) -> io::Result<()> {
            self.ledger.append(record)?;
            take_time(&self.while_added_to);
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            self.ledger.flush()
        }

        fn draft(&self, marks: &[Mark]) -> io::Result<()> {
            self.ledger.draft(marks)?;
            take_time(&self.while_drafted);
            Ok(())
        }

        fn adopt(&self) -> io::Result<()> {
            self.ledger.adopt()
        }
    }

    /// A journal that loses with the power what was not flushed; both as they would be read.
    struct Powered(Ledger, Ledger);

    impl Journal for Powered {
        fn append(&self, record: &Record) -> io::Result<()> {
            self.0.append(record)
        }

        fn flush(&self) -> io::Result<()> {
            self.1.draft(&self.0.marks())?;
            self.1.adopt()
        }

        fn draft(&self, marks: &[Mark]) -> io::Result<()> {
            self.0.draft(marks)
        }

        fn adopt(&self) -> io::Result<()> {
            self.0.adopt()
        }
    }

    #[test]
    fn no_mark_comes_back_after_a_loss_of_power() {
        let disk = Ledger::default();
        let mut rig = Rig::writing_to(Powered(Ledger::default(), disk.clone()), mailbox());
        ["a", "b"].iter().for_each(|name| rig.mark(name));
        rig.maildrop.write_journal().unwrap();
        assert_eq!(disk.marks().len(), 2);
        let undeleted = rig.ask(|maildrop, answer| maildrop.undelete(None, answer));
        assert_eq!(undeleted.given(), Some(Ok(())));
        assert_eq!(disk.marks(), []);
    }

    #[test]
    fn nobody_waits_for_the_flush_but_who_takes_a_mark_off() {
        let disk = Ledger::default();
        let mut rig = Rig::writing_to(Powered(Ledger::default(), disk.clone()), mailbox());
        rig.mark("a");
        rig.maildrop.write_journal().unwrap();
        let id = rig.maildrop.find(Place::Deleted, "a").unwrap().id;
        rig.disk.hang();
        let restored = rig.ask(|maildrop, answer| maildrop.restore(id, answer));
        rig.mark("b");
        assert_eq!((restored.given(), disk.marks().len()), (None, 1));
        rig.disk.go_on();
        assert_eq!(restored.given(), Some(Ok(())));
        let b = locked(&rig.maildrop.0.state).catalog.mark(MessageId(1));
        let b = b.unwrap();
        assert_eq!(disk.marks(), [b]);
    }

    #[test]
    fn what_is_marked_while_the_journal_is_written_anew_is_in_it() {
        let names = ["a", "b", "c", "d", "e"];
        for meanwhile in 0..4 {
            let slow = Slow::default();
            let script = Script::of(&names.map(|name| (name, "text\r\n")));
            let rig = Rig::writing_to(slow.clone(), script);
            rig.mark("e");
            for name in &names[..meanwhile] {
                let (maildrop, id) = (rig.maildrop.clone(), rig.id(name));
                locked(&slow.while_drafted).push(Box::new(move || maildrop.mark(id).unwrap()));
            }
            rig.maildrop.write_journal().unwrap();
            assert_eq!(slow.ledger.marks().len(), 1 + meanwhile);
        }
    }

    #[test]
    fn a_journal_that_is_out_of_date_is_written_anew_once_somebody_marks() {
        let mut rig = Rig::connected(mailbox());
        rig.mark("a");
        rig.journal.is_full(true);
        assert!(rig.maildrop.write_journal().is_err());
        rig.journal.is_full(false);
        let full = Err(Error::Journal(io::ErrorKind::StorageFull));
        assert_eq!(rig.maildrop.mark(rig.id("b")), full);
        rig.run();
        rig.mark("b");
        assert_eq!(rig.journal.marks().len(), 2);
    }

    #[test]
    fn a_mark_that_came_too_late_does_not_stay_in_a_journal_that_takes_no_more() {
        let slow = Slow::default();
        let mut rig = Rig::writing_to(slow.clone(), mailbox());
        let (maildrop, disk, id) = (rig.maildrop.clone(), slow.ledger.clone(), rig.id("a"));
        locked(&slow.while_added_to).push(Box::new(move || {
            locked(&maildrop.0.state).catalog.place(id, Place::Gone);
            disk.is_full(true);
        }));
        assert_eq!(rig.maildrop.mark(id), Err(Error::NotFound));
        slow.ledger.is_full(false);
        rig.run();
        assert_eq!(slow.ledger.marks(), []);
    }

    #[test]
    fn a_commit_that_begins_while_a_mark_is_taken_off_keeps_it() {
        let slow = Slow::default();
        let mut rig = Rig::writing_to(slow.clone(), mailbox());
        rig.mark("a");
        let (maildrop, busy) = (rig.maildrop.clone(), rig.maildrop.clone());
        locked(&slow.while_added_to).push(Box::new(move || {
            busy.commit(Terms::default(), Box::new(drop));
            let now = (busy.0.surroundings.now)();
            rig.engine.step(now, Input::Wake);
        }));
        let refused = Arc::new(Mutex::new(None));
        let answer = refused.clone();
        let answer = Box::new(move |done| *locked(&answer) = Some(done));
        maildrop.undelete(Some("a"), answer);
        assert_eq!(*locked(&refused), Some(Err(Error::Busy)));
        assert_eq!(names(&maildrop, Place::Deleted), ["a"]);
        assert_eq!(slow.ledger.marks().len(), 1);
    }
}
