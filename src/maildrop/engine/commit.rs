//! The engine's side of a commit: it does what the [transaction](super::transaction) says.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::pop3::{CommandError, Reply};

use super::super::clock::Moment;
use super::super::error::Error;
use super::super::event::EventKind;
use super::super::mark::Mark;
use super::super::message::{MessageId, Place};
use super::super::reader::Answer;
use super::super::report::CommitReport;
use super::super::session::Session;
use super::super::state::State;
use super::super::terms::Terms;
use super::transaction::{Next, Transaction};
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
        if self.commit.is_none()
            && let Some(report) = self.begin_commit(terms, turn)
        {
            let report = note(report, turn);
            return turn.answer(answer, Ok(report));
        }
        match &mut self.commit {
            Some(commit) if commit.covers(&turn.state.catalog) => {
                commit.join(terms);
                self.committers.push(until, answer);
            }
            _ => {
                self.next_terms = self.next_terms.and(terms);
                self.next_committers.push(until, answer);
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
            ..
        } = &*turn.state;
        let now = turn.now.unix_seconds();
        let Some(commit) = Transaction::begin(catalog, doubtful, terms, settings) else {
            let remaining = catalog.totals().messages;
            return Some(CommitReport::of_nothing(terms.is_last, remaining, now));
        };
        let objection = guard.objection(catalog).filter(|_| !terms.even_unread);
        if let Some(objection) = objection {
            log::error!("commit: {objection}");
            return Some(commit.report(Some(objection), catalog, now));
        }
        self.commit = Some(commit);
        self.link.restraint.begin_anew();
        None
    }

    pub(super) fn is_waiting_to_commit(&self) -> bool {
        self.commit.as_ref().is_some_and(Transaction::is_waiting)
    }

    /// Brings a listed session and the transaction together.
    pub(super) fn pursue_commit(&mut self, turn: &mut Turn<'_>) -> Result<(), CommandError> {
        if self.is_waiting_to_commit() {
            self.begin_in_fresh_session(turn)?;
        }
        let window = self.commands_max();
        while let Some(session) = self
            .link
            .session_mut()
            .filter(|session| session.flight().commands < window)
        {
            let Some(id) = self.deleting.pop_front() else {
                break;
            };
            if !session.delete(id, turn.now)? {
                self.lose("a marked message is not in the listing", turn);
                break;
            }
        }
        Ok(())
    }

    /// A session that has done anything else is left first: errors add up in it, and it may be
    /// about to be hung up. Where the server makes clients wait between logins, it must do.
    fn begin_in_fresh_session(&mut self, turn: &mut Turn<'_>) -> Result<(), CommandError> {
        let Some(session) = self.link.session_mut() else {
            return Ok(());
        };
        let waits = session
            .capabilities()
            .login_delay()
            .is_some_and(|seconds| seconds > 0);
        if session.is_fresh(turn.now) || waits {
            self.advance(turn, |commit, state| {
                commit.listed(&state.catalog, &state.settings.suffix, !waits)
            });
        } else if session.flight().commands == 0 {
            session.leave(turn.now)?;
        }
        Ok(())
    }

    pub(super) fn deleted(&mut self, id: MessageId, reply: &Reply, turn: &mut Turn<'_>) {
        self.advance(turn, |commit, _| commit.deleted(id, reply));
    }

    pub(super) fn was_reset(&mut self, reply: &Reply, turn: &mut Turn<'_>) {
        self.advance(turn, |commit, _| commit.reset(reply));
    }

    pub(super) fn commit_quit(&mut self, reply: &Reply, turn: &mut Turn<'_>) {
        self.advance(turn, |commit, _| commit.quit(reply));
    }

    pub(super) fn commit_lost(&mut self, why: &str, turn: &mut Turn<'_>) {
        self.advance(turn, |commit, _| commit.lost(why));
    }

    pub(super) fn commit_failed(&mut self, error: &Error, turn: &mut Turn<'_>) {
        self.advance(turn, |commit, _| commit.fail(error.to_string()));
    }

    /// Tells the transaction, if there is one, what has happened, and does what comes of it.
    fn advance(
        &mut self,
        turn: &mut Turn<'_>,
        event: impl FnOnce(&mut Transaction, &State) -> Next,
    ) {
        let next = self.commit.as_mut().map(|commit| event(commit, turn.state));
        let Some(next) = next.filter(|next| *next != Next::Wait) else {
            return;
        };
        self.deleting.clear();
        match next {
            Next::Wait => {}
            Next::Delete(ids) => self.deleting = ids.into(),
            Next::Reset => self.send(Session::reset, turn),
            Next::Quit => self.send(Session::quit, turn),
            Next::Reconnect => self.lose("the commit needs another session", turn),
            Next::Record(ids) => self.record(&ids, turn),
        }
    }

    fn send(
        &mut self,
        command: fn(&mut Session, Moment) -> Result<(), CommandError>,
        turn: &mut Turn<'_>,
    ) {
        let session = self.link.session_mut();
        if let Some(Err(error)) = session.map(|session| command(session, turn.now)) {
            self.lose(&error.to_string(), turn);
        }
    }

    fn record(&mut self, gone: &[MessageId], turn: &mut Turn<'_>) {
        for &id in gone {
            turn.state.place(id, Place::Gone, &mut turn.step.effects);
        }
        // The listing that showed them to be gone may have taken them for out of sight.
        let messages = gone.iter().filter_map(|id| turn.state.catalog.message(*id));
        let settled: BTreeSet<Mark> = messages.map(Mark::of).collect();
        let inherited = &mut turn.state.inherited;
        inherited.retain(|mark| !settled.contains(mark));
        turn.journal = true;
    }

    /// The journal is written, or could not be: a commit that waited for it is over.
    pub(super) fn recorded(&mut self, result: Result<(), String>, turn: &mut Turn<'_>) {
        self.unwritten = result.is_err();
        let Some(commit) = self.commit.take_if(|commit| commit.is_recording()) else {
            return result.unwrap_or_else(|error| log::error!("{error}; it is out of date"));
        };
        turn.state.doubtful.append(&mut commit.in_doubt());
        self.belief.trust(commit.believed());
        let (catalog, finished) = (&turn.state.catalog, turn.now.unix_seconds());
        let report = commit.report(result.err(), catalog, finished);
        report.log();
        turn.step.effects.events.push(EventKind::of_commit(&report));
        let report = note(report, turn);
        self.committers.answer(&Ok(report), turn);
        let terms = std::mem::take(&mut self.next_terms);
        for (until, answer) in std::mem::take(&mut self.next_committers) {
            self.asked_to_commit(until, terms, answer, turn);
        }
    }
}

/// It is the last commit from now on.
fn note(report: CommitReport, turn: &mut Turn<'_>) -> Arc<CommitReport> {
    let report = Arc::new(report);
    turn.state.last_commit = Some(report.clone());
    report
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::error::Outage;
    use super::super::super::error::OutageKind;
    use super::super::super::report::Outcome;
    use super::super::super::settings::Settings;
    use super::super::rig::{Reply as Answered, Rig, settings};
    use super::super::script::{Reaction, Script};
    use super::*;

    const GONE: Reaction = Reaction::HangUp;

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n"), ("c", "three\r\n")])
    }

    fn marked(script: Script) -> Rig {
        let rig = Rig::connected(script);
        rig.mark("a");
        rig.mark("c");
        rig
    }

    fn last() -> Terms {
        Terms {
            is_last: true,
            ..Terms::default()
        }
    }

    fn report(answer: &Answered<Arc<CommitReport>>) -> Arc<CommitReport> {
        answer.given().expect("an answer").expect("a report")
    }

    fn outcomes(report: &CommitReport) -> Vec<Outcome> {
        report.messages.iter().map(|it| it.outcome).collect()
    }

    #[test]
    fn the_marked_messages_are_deleted_and_no_others() {
        let mut rig = marked(mailbox());
        let answer = rig.commit();
        let report = report(&answer);
        assert!(report.complete && report.problem.is_none());
        assert_eq!(report.remaining, 1);
        assert_eq!(rig.script.left(), ["b"]);
        assert_eq!(rig.journal.marks(), []);
        assert_eq!(rig.maildrop.totals().messages, 1);
    }

    #[test]
    fn a_session_that_was_only_listed_serves_for_the_commit() {
        let mut rig = marked(mailbox());
        rig.commit();
        assert_eq!(rig.script.sessions, 1);
    }

    #[test]
    fn a_session_that_was_used_is_left_for_a_fresh_one() {
        let mut rig = marked(mailbox());
        rig.body("b").unwrap();
        rig.commit();
        assert_eq!(rig.script.sessions, 2);
        assert_eq!(rig.script.left(), ["b"]);
    }

    #[test]
    fn where_logins_must_be_apart_the_session_at_hand_serves() {
        let mut rig = marked(mailbox().announcing(&["LOGIN-DELAY 300"]));
        rig.body("b").unwrap();
        rig.pass(Duration::from_secs(3600));
        rig.commit();
        assert_eq!(rig.script.sessions, 1);
        assert_eq!(rig.script.left(), ["b"]);
    }

    #[test]
    fn the_burst_goes_out_at_once_where_the_server_takes_it() {
        let mut rig = marked(mailbox().announcing(&["PIPELINING"]));
        rig.commit();
        assert!(
            rig.script
                .bursts
                .contains(&vec!["DELE 1".to_owned(), "DELE 3".to_owned()])
        );
        let mut rig = marked(mailbox());
        rig.commit();
        assert!(rig.script.bursts.iter().all(|burst| burst.len() == 1));
    }

    #[test]
    fn a_refused_deletion_is_rolled_back_and_the_rest_deleted() {
        let refusal = Reaction::Say("-ERR not this one\r\n");
        let mut rig = marked(mailbox().reacting("DELE 1", &[refusal]));
        let answer = rig.commit();
        let report = report(&answer);
        assert_eq!(outcomes(&report), [Outcome::Refused, Outcome::Deleted]);
        assert!(!report.complete);
        assert_eq!(rig.script.count("RSET"), 1);
        assert_eq!(rig.script.left(), ["a", "b"]);
        assert_eq!(rig.journal.marks().len(), 1);
        assert!(rig.maildrop.find(Place::Deleted, "a").is_some());
    }

    #[test]
    fn a_link_lost_before_quit_has_deleted_nothing_and_all_is_tried_again() {
        let mut rig = marked(mailbox().reacting("DELE 3", &[GONE]));
        let answer = rig.commit();
        rig.pass(Duration::from_secs(30));
        assert!(report(&answer).complete);
        assert_eq!(rig.script.sessions, 2);
        assert_eq!(rig.script.left(), ["b"]);
    }

    #[test]
    fn an_answer_to_quit_that_never_came_is_found_out_by_a_listing() {
        for deleted in [false, true] {
            let mut rig = marked(mailbox().reacting("QUIT", &[Reaction::Silence]));
            let answer = rig.commit();
            if deleted {
                rig.script.update();
            }
            rig.cut();
            rig.pass(Duration::from_secs(30));
            assert!(report(&answer).complete, "{deleted}");
            assert_eq!(rig.script.left(), ["b"], "{deleted}");
            assert_eq!(rig.script.count("DELE"), if deleted { 2 } else { 4 });
        }
    }

    #[test]
    fn a_refused_quit_is_found_out_by_a_listing() {
        let refusal = Reaction::SayAndHangUp("-ERR [SYS/TEMP] some left\r\n");
        let mut rig = marked(mailbox().reacting("QUIT", &[refusal]));
        let answer = rig.commit();
        rig.pass(Duration::from_secs(30));
        assert!(report(&answer).complete);
        assert_eq!(rig.script.left(), ["b"]);
    }

    #[test]
    fn a_commit_takes_no_more_sessions_than_it_may() {
        let mut rig = marked(mailbox().reacting("DELE", &vec![GONE; 20]));
        let answer = rig.commit();
        rig.pass(Duration::from_secs(60));
        let report = report(&answer);
        assert_eq!(outcomes(&report), [Outcome::Kept; 2]);
        assert!(report.problem.is_some());
        assert_eq!(rig.script.sessions, 3);
        assert_eq!(rig.journal.marks().len(), 2);
    }

    #[test]
    fn a_commit_gives_up_on_a_server_that_cannot_be_reached() {
        let mut rig = marked(mailbox());
        rig.cut();
        rig.outage = Some(Outage::new(
            OutageKind::Unreachable,
            "nothing answers there",
        ));
        let answer = rig.commit();
        rig.pass(Duration::from_secs(60));
        let report = report(&answer);
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
        assert!(
            rig.maildrop
                .last_commit()
                .is_some_and(|report| report.complete)
        );
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
        assert_eq!(rig.maildrop.final_commit(), Some(report(&answer)));
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
        assert!(report(&answer).last);
        assert_eq!(rig.script.count("DELE"), 2);
    }

    fn verified() -> Terms {
        Terms {
            verify: Some(true),
            ..Terms::default()
        }
    }

    #[test]
    fn a_commit_is_verified_in_a_session_of_its_own() {
        let mut rig = marked(mailbox());
        let answer = rig.commit_on(verified());
        let report = report(&answer);
        assert!(report.complete && report.verified);
        assert_eq!(rig.script.sessions, 2);
        assert_eq!(rig.script.count("DELE"), 2);
        assert_eq!(rig.journal.marks(), []);
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
        assert!(report(&rig.commit()).verified);
        rig.mark("b");
        let unverified = Terms {
            verify: Some(false),
            ..Terms::default()
        };
        assert!(!report(&rig.commit_on(unverified)).verified);
    }

    #[test]
    fn what_a_commit_has_deleted_has_not_vanished() {
        let mut rig = marked(mailbox());
        rig.commit_on(verified());
        assert_eq!(rig.maildrop.status().link.vanished, 0);
        let events = rig.events.lock().unwrap();
        assert!(!events.iter().any(|it| matches!(it, EventKind::Vanished(_))));
    }

    #[test]
    fn what_a_server_keeps_against_its_word_stays_marked() {
        let mut rig = marked(mailbox().reacting("QUIT", &[Reaction::SayAndHangUp("+OK\r\n")]));
        let answer = rig.commit_on(verified());
        let report = report(&answer);
        assert_eq!(outcomes(&report), [Outcome::Kept; 2]);
        assert!(!report.complete && report.problem.is_some());
        assert_eq!((report.marked, rig.journal.marks().len()), (2, 2));
        assert!(rig.maildrop.find(Place::Deleted, "a").is_some());
        assert!(super::tests::report(&rig.commit()).complete);
    }

    #[test]
    fn what_comes_back_after_its_deletion_is_not_marked_again() {
        let mut rig = marked(mailbox().reacting("QUIT", &[Reaction::SayAndHangUp("+OK\r\n")]));
        let first = rig.commit();
        assert!(report(&first).complete);
        assert_eq!(rig.body("b").as_deref(), Ok("two\r\n"));
        assert!(rig.maildrop.find(Place::Root, "a").is_some());
        assert_eq!(rig.maildrop.status().marked, 0);
    }

    #[test]
    fn what_cannot_be_looked_at_is_not_said_to_be_gone() {
        let mut rig = marked(mailbox());
        let gone = "nothing answers there";
        rig.outage = Some(Outage::new(OutageKind::Unreachable, gone));
        let answer = rig.commit_on(verified());
        rig.pass(Duration::from_secs(60));
        let first = report(&answer);
        assert_eq!(outcomes(&first), [Outcome::Unknown; 2]);
        assert!(!first.complete && rig.journal.marks().len() == 2);
        rig.outage = None;
        let second = rig.commit();
        rig.pass(Duration::from_secs(60));
        let second = report(&second);
        assert_eq!(outcomes(&second), [Outcome::Deleted; 2]);
        assert_eq!(rig.script.count("DELE"), 2);
        assert_eq!(rig.journal.marks(), []);
    }

    #[test]
    fn where_logins_must_be_apart_the_server_is_believed() {
        let mut rig = marked(mailbox().announcing(&["LOGIN-DELAY 300"]));
        let answer = rig.commit_on(verified());
        let report = report(&answer);
        assert!(report.complete && !report.verified);
        assert_eq!(rig.script.sessions, 1);
    }

    #[test]
    fn where_unique_ids_are_message_numbers_the_server_is_believed() {
        let script = Script::of(&[("1", "one\r\n"), ("2", "two\r\n"), ("3", "two\r\n")]);
        let mut rig = Rig::connected(script);
        ["1", "3"].iter().for_each(|name| rig.mark(name));
        let answer = rig.commit_on(verified());
        let report = report(&answer);
        assert!(report.complete && !report.verified);
        assert_eq!(rig.script.left(), ["2"]);
    }

    #[test]
    fn what_has_come_to_a_deleted_place_is_not_deleted() {
        let script = Script::of(&[("1", "one\r\n"), ("2", "two\r\n"), ("3", "two\r\n")]);
        let mut rig = Rig::connected(script);
        rig.mark("2");
        rig.script.messages.remove(1);
        rig.script.messages[1].0 = "2".to_owned();
        rig.cut();
        let answer = rig.commit();
        let report = report(&answer);
        assert_eq!(outcomes(&report), [Outcome::Kept]);
        assert_eq!(rig.script.count("DELE"), 0);
        assert_eq!(rig.maildrop.totals().messages, 2);
    }

    #[test]
    fn a_few_messages_at_a_time_are_deleted_in_sessions_of_their_own() {
        let settings = Settings {
            commit_every: Some(1),
            ..settings()
        };
        let mut rig = Rig::with(settings, mailbox(), Vec::new());
        rig.connect().unwrap();
        ["a", "b", "c"].iter().for_each(|name| rig.mark(name));
        let answer = rig.commit_on(verified());
        let report = report(&answer);
        assert_eq!(outcomes(&report), [Outcome::Deleted; 3]);
        assert!(report.complete && report.verified);
        assert_eq!(rig.script.count("QUIT"), 3);
        assert_eq!(rig.script.sessions, 4);
    }

    #[test]
    fn nothing_marked_is_nothing_to_do() {
        let mut rig = Rig::connected(mailbox());
        let answer = rig.commit();
        assert!(report(&answer).complete);
        assert_eq!(rig.script.count("QUIT"), 0);
    }

    #[test]
    fn a_journal_that_cannot_be_cleared_is_told() {
        let mut rig = marked(mailbox());
        rig.journal.is_full(true);
        let answer = rig.commit();
        assert!(report(&answer).problem.is_some());
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
        assert_eq!(outcomes(&report(&first)).len(), 2);
        assert_eq!(outcomes(&report(&second)), [Outcome::Deleted]);
        assert_eq!(rig.script.left(), Vec::<&str>::new());
    }

    #[test]
    fn messages_that_share_a_unique_id_are_told_apart() {
        let twins = Script::of(&[("x", "one\r\n"), ("x", "two\r\n"), ("y", "three\r\n")]);
        let mut rig = Rig::connected(twins);
        rig.mark("x~2");
        let answer = rig.commit();
        assert!(report(&answer).complete);
        assert_eq!(rig.script.count("DELE 2"), 1);
        assert_eq!(rig.script.left(), ["x", "y"]);
    }
}
