//! Marking messages, and writing it down before it is done.

use super::disk_waiters::Awaited;
use super::errand::Errand;
use super::error::Error;
use super::event::{EventKind, Subject};
use super::handle::Maildrop;
use super::locked;
use super::mark::Record;
use super::message::{MessageId, Place};
use super::reader::Answer;
use super::register::{Pen, Register};
use super::state::{Marked, Moved, State};

impl Maildrop {
    /// Marks a message for deletion: it moves from the root to the deleted. Answered when the mark is
    /// written down; with an error where the message is not in the root, cannot be marked, or the mark
    /// cannot be written. Who was told by the deadline that the disk is late does not find it marked.
    pub fn mark(&self, id: MessageId, answer: Answer<()>) {
        self.write_down(answer, move |maildrop, pen, awaited| {
            maildrop.mark_in_time(pen, id, awaited);
        });
    }

    /// Takes the marks of this name off, or all marks, as far as it can: the messages move back to
    /// the root, but for those that are not listed. Answered when no loss of power can bring a mark
    /// back, with the error of the first that stays: a commit holds it, or the journal cannot be
    /// written; or that no message of this name is marked. Where the disk is late, that is not known
    /// by the deadline.
    pub fn undelete(&self, name: Option<&str>, answer: Answer<()>) {
        let name = name.map(str::to_owned);
        self.write_down(answer, move |maildrop, mut pen, awaited| {
            let marked = maildrop.used().marked(name.as_deref());
            if name.is_some() && marked.is_empty() {
                drop(pen);
                return awaited.give(Err(Error::NotFound));
            }
            let unmark = |marked| maildrop.unmark(&mut pen, marked);
            let outcomes: Vec<_> = marked.into_iter().map(unmark).collect();
            maildrop.put_down(pen);
            let tell = |moved| maildrop.tell_unmarked(moved, true);
            let outcomes = outcomes.into_iter().map(|it| it.map(tell));
            maildrop.flush(outcomes.collect(), awaited);
        });
    }

    /// Takes the mark off one message that the kernel moves back itself, and need not be told of;
    /// answered as [`Maildrop::undelete`].
    pub fn restore(&self, id: MessageId, answer: Answer<()>) {
        self.write_down(answer, move |maildrop, mut pen, awaited| {
            let moved = maildrop.unmark(&mut pen, Marked::Listed(id));
            maildrop.put_down(pen);
            // The kernel takes a move for failed that was not answered in time.
            let tell = |moved| maildrop.tell_unmarked(moved, awaited.is_over());
            maildrop.flush(moved.map(tell), awaited);
        });
    }

    /// Has a task write records: at once, or by the thread that may wait for the disk where somebody
    /// is writing already, for the disk may keep that one for long.
    fn write_down(
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

    /// Marks a message, unless nobody waits for it any more.
    fn mark_in_time(&self, mut pen: Pen<'_>, id: MessageId, awaited: Awaited<()>) {
        let marked = self.recorded(
            &mut pen,
            |state| match awaited.is_over() {
                true => Err(Error::TimedOut),
                false => state.record(id, Place::Root),
            },
            |state, record| state.mark_for(&awaited, id, record),
        );
        let is_withdrawn = pen.has_taken_back();
        self.put_down(pen);
        match marked {
            Ok((subject, answer)) => {
                self.announce(EventKind::Marked(subject));
                answer.into_iter().for_each(|answer| answer(Ok(())));
            }
            // No loss of power may bring it back.
            Err(error) if is_withdrawn => {
                log::warn!("a mark came too late, and is withdrawn: {error}");
                self.flush(Err(error), awaited);
            }
            Err(error) => awaited.give(Err(error)),
        }
    }

    fn unmark(&self, pen: &mut Pen<'_>, marked: Marked) -> Result<Moved, Error> {
        match marked {
            Marked::Listed(id) => self.recorded(
                pen,
                |state| state.record(id, Place::Deleted),
                |state, record| state.move_recorded(id, Place::Deleted, Place::Root, record),
            ),
            Marked::Unlisted(mark) => self.recorded(
                pen,
                |state| state.record_unlisted(&mark),
                |state, _| Ok((state.forget_unlisted(&mark)?, Vec::new())),
            ),
        }
    }

    fn tell_unmarked(&self, (subject, changes): Moved, kernel: bool) {
        self.announce(EventKind::Unmarked(subject));
        let changes = changes.into_iter().filter(|_| kernel);
        changes.for_each(&self.0.surroundings.tell);
    }

    /// Answers when the journal outlives a loss of power, or is about to be written anew as it may
    /// not.
    fn flush(&self, result: Result<(), Error>, awaited: Awaited<()>) {
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
    fn put_down(&self, pen: Pen<'_>) {
        let is_outdated = pen.is_outdated();
        drop(pen);
        if is_outdated {
            self.send(Errand::WriteJournal);
        }
    }

    /// Makes a change, once the record of it is written.
    fn recorded<T>(
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

impl State {
    /// Marks a message, once that is written down, for one who still waits; who is not refused
    /// meanwhile, as the state is locked.
    fn mark_for(
        &mut self,
        awaited: &Awaited<()>,
        id: MessageId,
        record: &Record,
    ) -> Result<(Subject, Option<Answer<()>>), Error> {
        if awaited.is_over() {
            return Err(Error::TimedOut);
        }
        let (subject, _) = self.move_recorded(id, Place::Root, Place::Deleted, record)?;
        Ok((subject, awaited.take()))
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::ops::ControlFlow;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::super::Change;
    use super::super::engine::rig::{Ledger, Reply, Rig, settings};
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
        rig.try_mark(id).unwrap();
        assert_eq!(names(&rig.maildrop, Place::Root), ["b"]);
        assert_eq!(names(&rig.maildrop, Place::Deleted), ["a"]);
        assert_eq!(rig.journal.marks().len(), 1);
        assert_eq!(rig.try_mark(id), Err(Error::NotFound));
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
        assert_eq!(rig.try_mark(rig.id("a")), Err(Error::ReadOnly));
        assert_eq!(names(&rig.maildrop, Place::Root), ["a", "b"]);
    }

    #[test]
    fn a_message_without_a_unique_id_cannot_be_marked() {
        let no = Reaction::Say("-ERR what?\r\n");
        let rig = Rig::connected(mailbox().reacting("UIDL", &[no]));
        let id = rig.id("%no-unique-id");
        assert_eq!(rig.try_mark(id), Err(Error::NoUniqueId));
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
        assert_eq!(rig.try_mark(rig.id("a")), full);
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
}
