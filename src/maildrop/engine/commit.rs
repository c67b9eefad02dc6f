//! Commits as programs ask for them: one at a time, and each told what came of its own.

use std::sync::Arc;

use super::super::clock::Moment;
use super::super::event::EventKind;
use super::super::message::MessageId;
use super::super::reader::Answer;
use super::super::report::CommitReport;
use super::super::state::State;
use super::super::terms::Terms;
use super::transaction::Transaction;
use super::{Engine, Turn};

impl Engine {
    pub(super) fn asked_to_commit(
        &mut self,
        until: Moment,
        terms: Terms,
        answer: Answer<Arc<CommitReport>>,
        turn: &mut Turn<'_>,
    ) {
        let terms = terms.or_verify(turn.state.settings.verify_commit);
        if self.commit.is_none() {
            turn.state.catalog.headers.ask_again();
        }
        if self.commit.is_none()
            && let Some(report) = self.begin_commit(terms, turn)
        {
            let report = note(report, turn);
            report.log_problem();
            return turn.answer(answer, Ok(report));
        }
        match &mut self.commit {
            Some(commit) if commit.covers(&turn.state.catalog) => {
                commit.join(terms);
                self.waiting.committers.push(until, answer);
            }
            _ => {
                self.waiting.next_terms = self.waiting.next_terms.and(terms);
                self.waiting.next_committers.push(until, answer);
            }
        }
    }

    /// Begins a commit; or the report of none, where there is nothing to do or it may not be done.
    fn begin_commit(&mut self, terms: Terms, turn: &Turn<'_>) -> Option<CommitReport> {
        let State {
            catalog,
            settings,
            guard,
            doubtful,
            unlisted,
            ..
        } = &*turn.state;
        let now = turn.now.unix_seconds();
        if catalog.marks() == 0 && unlisted.is_empty() {
            let remaining = catalog.totals().messages;
            return Some(CommitReport::of_nothing(terms.is_last, remaining, now));
        }
        let commit = Transaction::begin(catalog, doubtful, terms, settings);
        let objection = guard.objection(catalog).filter(|_| !terms.even_unread);
        if let Some(objection) = objection {
            return Some(commit.report(Some(objection), catalog, now));
        }
        self.commit = Some(commit);
        self.link.restraint.begin_anew();
        None
    }

    /// These were marked before the commit began, and it finds them listed only now.
    pub(super) fn commit_too(&mut self, found: &[MessageId], state: &State) {
        if let Some(commit) = &mut self.commit {
            commit.take_in(found, &state.catalog, state.guard.objection(&state.catalog));
        }
    }

    /// The journal is written, or could not be: a commit that waited for it is over.
    pub(super) fn recorded(&mut self, result: Result<(), String>, turn: &mut Turn<'_>) {
        let Some(commit) = self.commit.take_if(|commit| commit.is_recording()) else {
            return result.unwrap_or_else(|error| {
                log::error!("{error}; it is out of date until the mailbox is listed again")
            });
        };
        let (catalog, finished) = (&turn.state.catalog, turn.now.unix_seconds());
        let report = note(commit.report(result.err(), catalog, finished), turn);
        report.log();
        turn.step.effects.events.push(EventKind::of_commit(&report));
        self.waiting.committers.answer(&Ok(report), turn);
        let terms = std::mem::take(&mut self.waiting.next_terms);
        for (until, answer) in std::mem::take(&mut self.waiting.next_committers) {
            self.asked_to_commit(until, terms, answer, turn);
        }
    }
}

/// It is the last commit from now on.
fn note(report: CommitReport, turn: &mut Turn<'_>) -> Arc<CommitReport> {
    let State {
        unlisted, settings, ..
    } = &*turn.state;
    let (marks, suffix) = (turn.state.all_marks(), &settings.suffix);
    let report = report.beside(unlisted, suffix).unmarking(&marks, suffix);
    let report = Arc::new(report);
    turn.state.last_commit = Some(report.clone());
    report
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::super::super::error::{Error, Outage, OutageKind};
    use super::super::super::handle::Maildrop;
    use super::super::super::message::Place;
    use super::super::super::report::Outcome;
    use super::super::super::settings::Settings;
    use super::super::rig::{Rig, outcomes, settings, verified};
    use super::super::script::{Reaction, Script};
    use super::*;

    /// Three messages: `a`, `b` and `c`.
    pub(in super::super) fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n"), ("c", "three\r\n")])
    }

    /// The first and the third of them are marked.
    pub(in super::super) fn marked(script: Script) -> Rig {
        let rig = Rig::connected(script);
        rig.mark("a");
        rig.mark("c");
        rig
    }

    /// `m0` is marked and not listed now; and what would be listed if it were.
    fn out_of_sight() -> (Rig, (String, usize, String)) {
        let mut rig = Rig::connected(Script::windowed());
        rig.mark("m0");
        let hidden = rig.script.messages[0].clone();
        rig.script.messages[0].0 = "new".to_owned();
        rig.ask(Maildrop::refresh);
        (rig, hidden)
    }

    /// `m0` and another message are gone, and no mark is left.
    fn assert_both_are_deleted(report: &CommitReport, rig: &Rig) {
        assert_eq!(outcomes(report), [Outcome::Deleted; 2]);
        assert!(report.complete && rig.journal.marks().is_empty());
    }

    fn unreachable() -> Outage {
        Outage::new(OutageKind::Unreachable, "nothing answers there")
    }

    fn last() -> Terms {
        Terms {
            is_last: true,
            ..Terms::default()
        }
    }

    #[test]
    fn a_commit_gives_up_on_a_server_that_cannot_be_reached() {
        let mut rig = marked(mailbox());
        rig.cut();
        rig.outage = Some(unreachable());
        let answer = rig.commit();
        rig.pass(Duration::from_secs(60));
        let report = answer.report();
        assert_eq!(outcomes(&report), [Outcome::Kept; 2]);
        assert!(!rig.maildrop.status().committing);
        assert_eq!(rig.journal.marks().len(), 2);
    }

    #[test]
    fn who_has_waited_long_enough_is_told_and_the_commit_goes_on() {
        let mut rig = marked(mailbox().reacting("QUIT", &[Reaction::Silence]));
        let answer = rig.commit();
        rig.pass(settings().timeout);
        assert_eq!(answer.given(), Some(Err(Error::TimedOut)));
        rig.script.update();
        rig.hear("+OK at last\r\n");
        assert!(rig.maildrop.last_commit().unwrap().complete);
        assert_eq!(rig.journal.marks(), []);
    }

    #[test]
    fn a_commit_is_seen_to_be_under_way_from_when_it_is_asked_for() {
        let mut rig = marked(mailbox().reacting("QUIT", &[Reaction::Silence]));
        rig.maildrop.commit(Terms::default(), Box::new(drop));
        assert!(rig.maildrop.status().committing);
        rig.run();
        assert!(rig.maildrop.status().committing);
        rig.hear("+OK\r\n");
        assert!(!rig.maildrop.status().committing);
    }

    #[test]
    fn what_the_last_commit_could_not_do_is_not_tried_again_at_once() {
        let refusal = Reaction::Say("-ERR not this one\r\n");
        let script = mailbox().reacting("DELE 1", &vec![refusal; 2]);
        let mut rig = marked(script);
        rig.commit();
        assert_eq!(
            rig.maildrop.final_commit(),
            None,
            "it was not to be the last"
        );
        let answer = rig.commit_on(last());
        assert_eq!(rig.maildrop.final_commit(), Some(answer.report()));
        rig.pass(Duration::from_secs(61));
        assert_eq!(rig.maildrop.final_commit(), None, "long ago");
    }

    #[test]
    fn what_is_marked_after_the_last_commit_wants_another() {
        let mut rig = marked(mailbox());
        rig.commit_on(last());
        assert!(rig.maildrop.final_commit().is_some());
        rig.mark("b");
        assert_eq!(rig.maildrop.final_commit(), None);
    }

    #[test]
    fn who_joins_a_commit_can_make_it_the_last() {
        let mut rig = marked(mailbox().reacting("QUIT", &[Reaction::Silence]));
        rig.commit();
        let answer = rig.commit_on(last());
        rig.hear("+OK\r\n");
        assert!(answer.report().last);
        assert_eq!(rig.script.count("DELE"), 2);
    }

    #[test]
    fn a_mount_can_have_all_commits_verified() {
        let settings = Settings {
            verify_commit: true,
            ..settings()
        };
        let mut rig = Rig::with(settings, mailbox(), Vec::new());
        rig.connect().unwrap();
        rig.mark("a");
        assert!(rig.commit().report().verified);
        rig.mark("b");
        let unverified = Terms {
            verify: Some(false),
            ..Terms::default()
        };
        assert!(!rig.commit_on(unverified).report().verified);
    }

    #[test]
    fn what_cannot_be_looked_at_is_not_said_to_be_gone() {
        let mut rig = marked(mailbox());
        rig.outage = Some(unreachable());
        let answer = rig.commit_on(verified());
        rig.pass(Duration::from_secs(60));
        let first = answer.report();
        assert_eq!(outcomes(&first), [Outcome::Unknown; 2]);
        assert!(!first.complete && rig.journal.marks().len() == 2);
        rig.outage = None;
        let second = rig.commit();
        rig.pass(Duration::from_secs(60));
        let second = second.report();
        assert_eq!(outcomes(&second), [Outcome::Deleted; 2]);
        assert_eq!(rig.script.count("DELE"), 2);
        assert_eq!(rig.journal.marks(), []);
    }

    #[test]
    fn nothing_marked_is_nothing_to_do() {
        let mut rig = Rig::connected(mailbox());
        let answer = rig.commit();
        assert!(answer.report().complete);
        assert_eq!(rig.script.count("QUIT"), 0);
    }

    #[test]
    fn marks_out_of_sight_are_no_nothing() {
        let (mut rig, hidden) = out_of_sight();
        let nothing = rig.commit().report();
        rig.mark("m1");
        let something = rig.commit().report();
        assert_eq!(outcomes(&nothing), [Outcome::Unknown]);
        assert_eq!(outcomes(&something), [Outcome::Deleted, Outcome::Unknown]);
        for report in [nothing, something] {
            assert_eq!((report.complete, report.marked), (false, 1));
            let problem = report.problem.as_deref().unwrap();
            assert!(problem.starts_with("1 of the marked messages are not listed"));
            assert_eq!(report.messages.last().unwrap().name, "m0");
        }
        rig.script.messages[0] = hidden;
        rig.body("m2").unwrap();
        let report = rig.commit().report();
        assert_eq!(outcomes(&report), [Outcome::Deleted]);
        assert!(report.complete && rig.journal.marks().is_empty());
    }

    #[test]
    fn a_mark_out_of_sight_that_is_taken_off_keeps_no_commit_from_being_complete() {
        let (mut rig, hidden) = out_of_sight();
        let status = rig.maildrop.status();
        assert_eq!((status.marked, status.unlisted), (1, 1));
        rig.undelete("m0").unwrap();
        assert_eq!(rig.journal.marks(), []);
        assert!(rig.commit().report().complete);
        rig.script.messages[0] = hidden;
        rig.ask(Maildrop::refresh);
        assert!(rig.maildrop.find(Place::Root, "m0").is_some());
        assert_eq!(rig.undelete("m0"), Err(Error::NotFound));
    }

    #[test]
    fn what_comes_back_into_sight_is_deleted_by_the_commit_that_finds_it() {
        let (mut rig, hidden) = out_of_sight();
        rig.mark("m1");
        rig.body("m2").unwrap();
        rig.script.messages[0] = hidden;
        let report = rig.commit().report();
        assert_both_are_deleted(&report, &rig);
    }

    #[test]
    fn what_the_commit_finds_again_after_it_had_lost_sight_of_it_is_deleted() {
        let mut rig = Rig::connected(Script::windowed());
        rig.body("m2").unwrap();
        ["m0", "m1"].iter().for_each(|name| rig.mark(name));
        let hidden = rig.script.messages[0].clone();
        rig.script.messages[0].0 = "new".to_owned();
        let quits = [Reaction::Honest, Reaction::Silence];
        rig.script.react("QUIT", &quits);
        let answer = rig.commit();
        rig.script.messages[0] = hidden;
        rig.cut();
        rig.pass(Duration::from_secs(30));
        assert_both_are_deleted(&answer.report(), &rig);
    }

    #[test]
    fn what_the_commit_loses_sight_of_is_told_once() {
        let mut rig = Rig::connected(Script::windowed());
        rig.body("m1").unwrap();
        rig.mark("m0");
        rig.script.messages[0].0 = "new".to_owned();
        let report = rig.commit().report();
        assert_eq!(outcomes(&report), [Outcome::Unknown]);
        assert_eq!((report.marked, report.complete), (1, false));
    }

    #[test]
    fn a_mark_out_of_sight_cannot_be_taken_off_while_a_commit_is_under_way() {
        let (mut rig, _) = out_of_sight();
        rig.script.react("QUIT", &[Reaction::Silence]);
        rig.mark("m1");
        rig.commit();
        assert_eq!(rig.undelete("m0"), Err(Error::Busy));
        rig.hear("+OK\r\n");
        assert_eq!(rig.undelete("m0"), Ok(()));
    }

    #[test]
    fn a_journal_that_cannot_be_cleared_is_told() {
        let mut rig = marked(mailbox());
        rig.journal.is_full(true);
        let answer = rig.commit();
        assert!(answer.report().problem.is_some());
        assert_eq!(rig.script.left(), ["b"]);
    }

    #[test]
    fn what_is_marked_during_a_commit_is_deleted_by_the_next() {
        let mut rig = marked(mailbox().reacting("QUIT", &[Reaction::Silence]));
        let first = rig.commit();
        rig.mark("b");
        let second = rig.commit();
        assert!(first.given().is_none() && second.given().is_none());
        rig.script.update();
        rig.hear("+OK\r\n");
        rig.pass(Duration::from_secs(30));
        assert_eq!(outcomes(&first.report()).len(), 2);
        assert_eq!(outcomes(&second.report()), [Outcome::Deleted]);
        assert_eq!(rig.script.left(), Vec::<&str>::new());
    }
}
