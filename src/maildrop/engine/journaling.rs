//! The journal is written anew for as long as the disk takes, and all else goes on meanwhile.

use std::mem;
use std::time::Duration;

use super::super::clock::Moment;
use super::{Engine, Order, Turn};

/// A disk that has not taken the journal for so long hangs, and a commit ends without it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether that is being done. It is done once at a time, so that a disk that hangs is asked once.
#[derive(Default)]
pub(super) struct Journaling {
    since: Option<Moment>,
    /// Whether the marks that stand are others than when it was ordered.
    is_outrun: bool,
    /// Whether it could not be done; the next listing is an occasion.
    has_failed: bool,
}

impl Journaling {
    /// Whether what is written is out of date, as the disk did not take it.
    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// The machine has slept for so long.
    pub fn postpone(&mut self, span: Duration) {
        self.since = self.since.map(|since| since + span);
    }
}

impl Engine {
    /// The marks that stand now are to be written down.
    pub(super) fn order_journal(&mut self, turn: &mut Turn<'_>) {
        if self.journaling.since.is_some() {
            self.journaling.is_outrun = true;
        } else {
            self.journaling.since = Some(turn.now);
            turn.step.orders.push(Order::WriteJournal);
        }
    }

    /// When a commit ends that still waits for the journal.
    pub(super) fn journal_until(&self) -> Option<Moment> {
        let commit = self.commit.as_ref();
        let since = self
            .journaling
            .since
            .filter(|_| commit.is_some_and(|it| it.is_recording()));
        since.map(|since| since + PATIENCE)
    }

    /// A commit is not held up for ever by a disk that hangs.
    pub(super) fn end_unwritten_commit(&mut self, turn: &mut Turn<'_>) {
        if self.journal_until().is_some_and(|until| until <= turn.now) {
            self.journaling.has_failed = true;
            let words = "cannot write the journal: the disk does not answer";
            self.recorded(Err(words.to_owned()), turn);
        }
    }

    /// What was ordered is written, or could not be. Where it is out of date already, nobody is told
    /// before it has been written once more.
    pub(super) fn journal_written(&mut self, result: Result<(), String>, turn: &mut Turn<'_>) {
        self.journaling.since = None;
        if mem::take(&mut self.journaling.is_outrun) {
            turn.journal = true;
        } else {
            self.journaling.has_failed = result.is_err();
            self.recorded(result, turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::super::error::{Outage, OutageKind};
    use super::super::super::handle::Maildrop;
    use super::super::super::locked;
    use super::super::super::report::CommitReport;
    use super::super::commit::tests::{mailbox, marked};
    use super::super::rig::{Reply, Rig, verified};

    /// A commit to which the server has said yes, and whose journal the disk does not take.
    fn recording() -> (Rig, Reply<Arc<CommitReport>>) {
        let mut rig = marked(mailbox());
        rig.disk.hang();
        let answer = rig.commit();
        assert_eq!(rig.script.left(), ["b"]);
        (rig, answer)
    }

    #[test]
    fn who_reads_does_not_wait_for_the_journal() {
        let (mut rig, answer) = recording();
        assert_eq!(rig.body("b").unwrap(), "two\r\n");
        assert!(answer.given().is_none());
    }

    #[test]
    fn a_commit_does_not_wait_for_ever_for_the_journal() {
        let (mut rig, answer) = recording();
        rig.pass(Duration::from_secs(29));
        assert!(answer.given().is_none());
        rig.pass(Duration::from_secs(2));
        let report = answer.report();
        let problem = report.problem.as_deref().unwrap_or_default();
        assert!(
            report.complete && problem.contains("the disk does not answer"),
            "{problem}"
        );
        rig.disk.go_on();
        rig.run();
        assert!(rig.journal.marks().is_empty());
    }

    #[test]
    fn a_machine_that_sleeps_takes_no_time_from_the_disk() {
        let (mut rig, answer) = recording();
        rig.sleep(Duration::from_secs(1000));
        assert!(answer.given().is_none());
        rig.disk.go_on();
        rig.run();
        assert_eq!(answer.report().problem, None);
    }

    #[test]
    fn a_disk_that_is_known_to_hang_is_not_waited_for_again() {
        let (mut rig, _) = recording();
        rig.pass(Duration::from_secs(31));
        rig.mark("b");
        let problem = rig.commit().report().problem.clone();
        assert!(problem.is_some_and(|words| words.contains("the disk does not answer")));
        rig.disk.go_on();
        rig.run();
        assert!(rig.journal.marks().is_empty());
    }

    #[test]
    fn who_asks_for_a_commit_meanwhile_has_another_one() {
        let (mut rig, first) = recording();
        let second = rig.commit_on(verified());
        rig.disk.go_on();
        rig.run();
        assert_eq!(first.report().messages.len(), 2);
        assert_eq!(second.report().messages.len(), 0);
    }

    #[test]
    fn what_a_listing_has_shown_meanwhile_is_in_doubt_no_more() {
        let mut rig = marked(mailbox());
        rig.disk.hang();
        rig.outage = Some(Outage::new(
            OutageKind::Unreachable,
            "nothing answers there",
        ));
        rig.commit_on(verified());
        rig.pass(Duration::from_secs(60));
        rig.outage = None;
        let is_certain = |rig: &Rig| locked(&rig.maildrop.shared().state).doubtful.is_empty();
        assert!(!is_certain(&rig));
        rig.ask(Maildrop::refresh);
        rig.pass(Duration::from_secs(60));
        rig.disk.go_on();
        rig.run();
        assert!(rig.maildrop.last_commit().is_some() && is_certain(&rig));
    }

    #[test]
    fn a_disk_that_hangs_is_asked_once_and_what_it_writes_then_is_up_to_date() {
        let (mut rig, _) = recording();
        let before = rig.ordered.len();
        rig.mark("b");
        for _ in 0..3 {
            rig.cut();
            rig.connect().unwrap();
        }
        assert!(!rig.ordered[before..].contains(&super::Order::WriteJournal));
        rig.disk.go_on();
        rig.run();
        assert_eq!(rig.journal.marks().len(), 1);
    }
}
