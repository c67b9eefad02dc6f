//! Those who wait for the disk, each until a moment of its own: one that answers late, or never, keeps
//! nobody waiting longer than a server may.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use super::clock::Moment;
use super::error::Error;
use super::handle::Maildrop;
use super::locked;
use super::reader::{Answer, Due, due};

/// Who waits, in order of their deadlines.
#[derive(Default)]
pub(super) struct DiskWaiters(VecDeque<(Moment, Weak<dyn Waiter>)>);

/// An answer that is given by the disk or, where that is late, without it.
pub(super) struct Awaited<T>(Arc<Slot<T>>);

struct Slot<T>(Mutex<Option<Answer<T>>>);

trait Waiter: Send + Sync {
    /// The answer that there is none, if none has been given.
    fn refuse(&self) -> Option<Due>;
}

impl<T: Send + 'static> Waiter for Slot<T> {
    fn refuse(&self) -> Option<Due> {
        let answer = locked(&self.0).take()?;
        Some(due(answer, Err(Error::TimedOut)))
    }
}

impl<T> Awaited<T> {
    /// The answer, for the first who wants to give it.
    pub fn take(&self) -> Option<Answer<T>> {
        locked(&self.0.0).take()
    }

    /// Whether it has been given.
    pub fn is_over(&self) -> bool {
        locked(&self.0.0).is_none()
    }

    /// Gives the answer, unless that was done.
    pub fn give(&self, result: Result<T, Error>) {
        if let Some(answer) = self.take() {
            answer(result);
        }
    }
}

impl DiskWaiters {
    /// Adds one who waits until then; whether none was known of whose deadline is as early.
    fn push(&mut self, until: Moment, waiter: Weak<dyn Waiter>) -> bool {
        let known = self.deadline();
        while self.0.front().is_some_and(|(_, it)| it.strong_count() == 0) {
            self.0.pop_front();
        }
        let place = self.0.partition_point(|(other, _)| *other <= until);
        self.0.insert(place, (until, waiter));
        known.is_none_or(|known| until < known)
    }

    /// When the first of them must have an answer.
    pub fn deadline(&self) -> Option<Moment> {
        self.0.front().map(|(until, _)| *until)
    }

    /// Lets all wait so much longer.
    pub fn postpone(&mut self, span: Duration) {
        for (until, _) in &mut self.0 {
            *until = *until + span;
        }
    }

    /// The answers to those whose deadline has passed.
    pub fn refuse_late(&mut self, now: Moment) -> Vec<Due> {
        let late = self.0.partition_point(|(until, _)| *until <= now);
        let late = self.0.drain(..late).filter_map(|(_, it)| it.upgrade());
        late.filter_map(|waiter| waiter.refuse()).collect()
    }
}

impl Maildrop {
    /// An answer that may wait for the disk, but only until then.
    pub(super) fn await_disk<T: Send + 'static>(
        &self,
        until: Moment,
        answer: Answer<T>,
    ) -> Awaited<T> {
        let slot = Arc::new(Slot(Mutex::new(Some(answer))));
        let weak = Arc::downgrade(&slot);
        if locked(&self.shared().state).disk_waiters.push(until, weak) {
            (self.shared().surroundings.wake)();
        }
        Awaited(slot)
    }

    /// Answers with what comes of a task that may wait for the disk, or at that moment without it. The
    /// task is done all the same.
    pub(super) fn answer_from_disk<T: Send + 'static>(
        &self,
        until: Moment,
        task: impl FnOnce() -> Result<T, Error> + Send + 'static,
        answer: Answer<T>,
    ) {
        let awaited = self.await_disk(until, answer);
        (self.shared().surroundings.disk)(Box::new(move || awaited.give(task())));
    }
}

#[cfg(test)]
mod tests {
    use super::super::engine::rig::Rig;
    use super::super::engine::script::Script;
    use super::*;

    fn marked() -> Rig {
        let rig = Rig::connected(Script::of(&[("a", "one\r\n")]));
        rig.mark("a");
        rig
    }

    #[test]
    fn who_takes_a_mark_off_waits_for_the_disk_until_the_deadline() {
        let mut rig = marked();
        rig.disk.hang();
        let undeleted = rig.ask(|maildrop, answer| maildrop.undelete(Some("a"), answer));
        rig.pass(Duration::from_secs(59));
        assert_eq!(undeleted.given(), None);
        rig.pass(Duration::from_secs(2));
        assert_eq!(undeleted.given(), Some(Err(Error::TimedOut)));
        rig.disk.go_on();
        assert_eq!((undeleted.given(), rig.journal.marks()), (None, vec![]));
    }

    #[test]
    fn a_machine_that_sleeps_takes_no_time_from_who_waits_for_the_disk() {
        let mut rig = marked();
        rig.disk.hang();
        let undeleted = rig.ask(|maildrop, answer| maildrop.undelete(Some("a"), answer));
        rig.sleep(Duration::from_secs(1000));
        rig.pass(Duration::from_secs(30));
        rig.disk.go_on();
        assert_eq!(undeleted.given(), Some(Ok(())));
    }

    #[test]
    fn those_who_were_answered_are_forgotten() {
        let mut rig = marked();
        for _ in 0..100 {
            rig.undelete("a").unwrap();
            rig.mark("a");
        }
        assert_eq!(locked(&rig.maildrop.shared().state).disk_waiters.0.len(), 1);
    }
}
