//! Writing down what marks and unmarks: before it is done, and without anybody waiting for a disk
//! that keeps somebody else.

use super::disk_waiters::Awaited;
use super::errand::Errand;
use super::error::Error;
use super::handle::Maildrop;
use super::locked;
use super::mark::Record;
use super::reader::Answer;
use super::register::{Pen, Register};
use super::state::State;

impl Maildrop {
    /// Has a task write records: at once, or by the thread that may wait for the disk where somebody
    /// is writing already, for the disk may keep that one for long.
    pub(super) fn write_down(
        &self,
        answer: Answer<()>,
        task: impl FnOnce(&Self, Pen<'_>, Awaited<()>) + Send + 'static,
    ) {
        let Some(register) = &self.0.register else {
            return answer(Err(Error::ReadOnly));
        };
        let awaited = self.await_disk(self.deadline(), answer);
        if let Some(pen) = register.try_pen() {
            return task(self, pen, awaited);
        }
        let maildrop = self.clone();
        (self.0.surroundings.disk)(Box::new(move || {
            if let Some(register) = &maildrop.0.register {
                task(&maildrop, register.pen(), awaited);
            }
        }));
    }

    /// Makes a change, once the record of it is written.
    pub(super) fn recorded<T>(
        &self,
        pen: &mut Pen<'_>,
        record: impl FnOnce(&State) -> Result<Record, Error>,
        change: impl FnOnce(&mut State, &Record) -> Result<T, Error>,
    ) -> Result<T, Error> {
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

    /// Answers when the journal outlives a loss of power, or is about to be written anew as it may
    /// not.
    pub(super) fn flush(&self, result: Result<(), Error>, awaited: Awaited<()>) {
        let maildrop = self.clone();
        (self.0.surroundings.disk)(Box::new(move || {
            maildrop.flush_journal();
            awaited.give(result);
        }));
    }

    fn flush_journal(&self) {
        let register = self.0.register.as_ref();
        if let Some(Err(error)) = register.map(Register::flush) {
            log::warn!("cannot flush the journal: {error}; it is written anew");
            self.send(Errand::WriteJournal);
        }
    }

    /// Nothing more is written; a journal that is out of date is written anew.
    pub(super) fn put_down(&self, pen: Pen<'_>) {
        let is_outdated = pen.is_outdated();
        drop(pen);
        if is_outdated {
            self.send(Errand::WriteJournal);
        }
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

    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::super::engine::rig::{Ledger, Reply, Rig, names};
    use super::super::engine::script::Script;
    use super::super::engine::{Input, Order};
    use super::super::journal::Journal;
    use super::super::mark::Mark;
    use super::super::message::{MessageId, Place};
    use super::super::terms::Terms;
    use super::*;

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")])
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

    /// A mailbox with such a journal, and a way to have something happen while that is being added to.
    fn shared(journal: impl Journal + 'static) -> Arc<Mutex<Rig>> {
        Arc::new(Mutex::new(Rig::writing_to(journal, mailbox())))
    }

    #[test]
    fn who_was_told_that_the_disk_is_late_does_not_find_the_message_marked() {
        let slow = Slow::default();
        let rig = shared(slow.clone());
        let maildrop = locked(&rig).maildrop.clone();
        let (removed, id) = (Reply::awaited(), locked(&rig).id("a"));
        let meanwhile = rig.clone();
        locked(&slow.while_added_to).push(Box::new(move || {
            locked(&meanwhile).pass(Duration::from_secs(61));
        }));
        maildrop.mark(id, removed.answer());
        assert_eq!(removed.given(), Some(Err(Error::TimedOut)));
        assert_eq!(names(&maildrop, Place::Root), ["a", "b"]);
        assert_eq!(slow.ledger.marks(), []);
    }

    #[test]
    fn a_mark_that_is_withdrawn_does_not_come_back_with_a_loss_of_power() {
        let slow = Slow::default();
        let rig = shared(slow.clone());
        let maildrop = locked(&rig).maildrop.clone();
        let id = locked(&rig).id("a");
        slow.ledger.loses_a_flush();
        let busy = maildrop.clone();
        locked(&slow.while_added_to).push(Box::new(move || {
            locked(&busy.0.state).catalog.place(id, Place::Gone);
        }));
        let removed = Reply::awaited();
        maildrop.mark(id, removed.answer());
        assert_eq!(removed.given(), Some(Err(Error::NotFound)));
        let mut rig = locked(&rig);
        rig.run();
        assert_eq!(rig.ordered.last(), Some(&Order::WriteJournal));
    }

    #[test]
    fn nobody_stands_in_line_behind_one_whom_the_disk_keeps() {
        let slow = Slow::default();
        let rig = shared(slow.clone());
        let maildrop = locked(&rig).maildrop.clone();
        let disk = locked(&rig).disk.clone();
        let [a, b] = ["a", "b"].map(|name| locked(&rig).id(name));
        let (first, second) = (Reply::awaited(), Arc::new(Reply::awaited()));
        disk.hang();
        let (other, answer) = (maildrop.clone(), second.clone());
        locked(&slow.while_added_to).push(Box::new(move || {
            other.mark(b, answer.answer());
            assert_eq!(answer.given(), None);
        }));
        maildrop.mark(a, first.answer());
        assert_eq!((first.given(), second.given()), (Some(Ok(())), None));
        disk.go_on();
        assert_eq!(second.given(), Some(Ok(())));
        assert_eq!(names(&maildrop, Place::Deleted), ["a", "b"]);
    }

    #[test]
    fn the_kernel_is_told_of_a_move_back_that_it_takes_for_failed() {
        let slow = Slow::default();
        let rig = shared(slow.clone());
        locked(&rig).mark("a");
        let maildrop = locked(&rig).maildrop.clone();
        let told = locked(&rig).told.clone();
        locked(&told).clear();
        let id = maildrop.find(Place::Deleted, "a").unwrap().id;
        let meanwhile = rig.clone();
        locked(&slow.while_added_to).push(Box::new(move || {
            locked(&meanwhile).pass(Duration::from_secs(61));
        }));
        let restored = Reply::awaited();
        maildrop.restore(id, restored.answer());
        assert_eq!(restored.given(), Some(Err(Error::TimedOut)));
        assert_eq!(names(&maildrop, Place::Root), ["a", "b"]);
        assert_eq!(locked(&told).len(), 2);
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
                locked(&slow.while_drafted)
                    .push(Box::new(move || maildrop.mark(id, Box::new(drop))));
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
        assert_eq!(rig.try_mark(rig.id("b")), full);
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
        assert_eq!(rig.try_mark(id), Err(Error::NotFound));
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
}
