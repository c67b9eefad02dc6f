//! Marking messages, and writing it down before it is done.

use super::disk_waiters::Awaited;
use super::error::Error;
use super::event::{EventKind, Subject};
use super::handle::Maildrop;
use super::mark::Record;
use super::message::{MessageId, Place};
use super::reader::Answer;
use super::register::Pen;
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

    use std::sync::Arc;
    use std::time::Duration;

    use super::super::Change;
    use super::super::engine::rig::{Rig, names, settings};
    use super::super::engine::script::{Reaction, Script};

    use super::super::error::{Outage, OutageKind};

    use super::super::settings::Settings;

    use super::*;

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")])
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
}
