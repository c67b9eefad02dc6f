//! A commit on the wire: a listed session does what the [transaction](super::transaction) says.

use std::collections::BTreeSet;

use crate::pop3::{CommandError, Reply};

use super::super::clock::Moment;
use super::super::error::Error;
use super::super::mark::Mark;
use super::super::message::{MessageId, Place};
use super::super::session::Session;
use super::super::state::State;
use super::transaction::{Next, Transaction};
use super::{Engine, Turn};

impl Engine {
    pub(super) fn is_waiting_to_commit(&self) -> bool {
        self.commit.as_ref().is_some_and(Transaction::is_waiting)
    }

    /// Whether there is a commit that still wants something of the server.
    pub(super) fn is_committing(&self) -> bool {
        self.commit.as_ref().is_some_and(|it| !it.is_recording())
    }

    /// Brings a listed session and the transaction together.
    pub(super) fn pursue_commit(&mut self, turn: &mut Turn<'_>) -> Result<(), CommandError> {
        let is_asking = turn.state.doubts_marks() || self.headers_due() > 0;
        match &mut self.commit {
            Some(commit) if commit.is_waiting() && is_asking => {
                commit.checks_marks();
                return self.recognise(turn);
            }
            Some(commit) if commit.is_waiting() => self.begin_in_fresh_session(turn)?,
            _ => {}
        }
        while self.has_room()
            && let Some(id) = self.deleting.pop_front()
        {
            self.delete(id, turn)?;
        }
        Ok(())
    }

    /// Whether another command may be in flight.
    fn has_room(&self) -> bool {
        let flight = self.link.flight();
        flight.is_some_and(|flight| flight.commands < self.commands_max())
    }

    fn delete(&mut self, id: MessageId, turn: &mut Turn<'_>) -> Result<(), CommandError> {
        let Some(session) = self.link.session_mut() else {
            return Ok(());
        };
        if !session.delete(id, turn.now)? {
            self.lose("a marked message is not in the listing", turn);
        }
        Ok(())
    }

    /// A session that has done anything else is left first: errors add up in it, and it may be
    /// about to be hung up; and one that has lost sight of marked messages, for another one tells
    /// whether they are gone. Where the server makes clients wait between logins, it must do; and where
    /// only places tell messages apart, as they may be others in the next one. What is in flight comes first:
    /// of a server that answers out of order some of it could be taken for an answer to DELE.
    fn begin_in_fresh_session(&mut self, turn: &mut Turn<'_>) -> Result<(), CommandError> {
        let (Some(session), Some(commit)) = (self.link.session_mut(), &mut self.commit) else {
            return Ok(());
        };
        if session.flight().commands > 0 {
            return Ok(());
        }
        let catalog = &turn.state.catalog;
        let coverage = &catalog.habits.coverage;
        let tells_more = coverage.is_telling() && coverage.misses_marked;
        let waits = session
            .capabilities()
            .login_delay()
            .is_some_and(|seconds| seconds > 0);
        let stays = waits || catalog.marked_by_place().next().is_some();
        let suits = session.is_fresh(turn.now) && !(tells_more && commit.looks_again());
        if suits || stays {
            self.advance(turn, |commit, state| {
                commit.listed(&state.catalog, &state.settings.suffix, !waits)
            });
        } else {
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
        let settled: BTreeSet<Mark> = messages.map(|it| Mark::of(it, None)).collect();
        let unlisted = &mut turn.state.unlisted;
        unlisted.retain(|mark| !settled.contains(&mark.listed()));
        if let Some(commit) = &self.commit {
            turn.state.doubtful.append(&mut commit.in_doubt());
            self.belief.trust(commit.believed());
        }
        turn.journal = true;
    }
}

#[cfg(test)]
mod places;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::event::EventKind;
    use super::super::super::report::Outcome;
    use super::super::super::settings::Settings;
    use super::super::commit::tests::{mailbox, marked};
    use super::super::rig::{Rig, outcomes, settings, verified};
    use super::super::script::{Reaction, Script};
    use super::*;

    const GONE: Reaction = Reaction::HangUp;

    #[test]
    fn the_marked_messages_are_deleted_and_no_others() {
        let mut rig = marked(mailbox());
        let report = rig.commit().report();
        assert!(report.complete && report.problem.is_none());
        assert_eq!((report.remaining, report.marked), (1, 0));
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
    fn what_is_in_flight_comes_before_the_deletion_in_the_same_session() {
        let mailbox = mailbox().announcing(&["LOGIN-DELAY 300", "PIPELINING"]);
        let mut rig = marked(mailbox.reacting("RETR", &[Reaction::Silence]));
        let (open, commit) = (rig.open("b"), rig.commit());
        assert_eq!(rig.script.count("DELE"), 0);
        rig.hear("+OK\r\ntwo\r\n.\r\n");
        assert!(matches!(open.given(), Some(Ok(_))));
        assert!(commit.report().complete);
        assert_eq!((rig.script.sessions, rig.script.count("DELE")), (1, 2));
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
        let report = rig.commit().report();
        assert_eq!(outcomes(&report), [Outcome::Refused, Outcome::Deleted]);
        let reason = report.messages[0].reason.as_deref();
        assert_eq!(reason, Some("the server said \"not this one\""));
        assert!(!report.complete && report.problem.is_some());
        assert_eq!(rig.script.count("RSET"), 1);
        assert_eq!(rig.script.left(), ["a", "b"]);
        assert_eq!(rig.journal.marks().len(), 1);
        assert!(rig.maildrop.find(Place::Deleted, "a").is_some());
    }

    #[test]
    fn what_was_refused_and_is_not_listed_any_more_another_client_has_deleted() {
        let refusal = Reaction::Say("-ERR Message 3 expunged\r\n");
        let mut rig = marked(mailbox().reacting("DELE 3", &[refusal]));
        rig.script.react("QUIT", &[Reaction::Silence]);
        let answer = rig.commit_on(verified());
        rig.script.update();
        rig.script.messages.pop();
        rig.hear("+OK\r\n");
        rig.cut();
        let report = answer.report();
        let expected = [Outcome::Deleted, Outcome::AlreadyGone];
        assert_eq!(outcomes(&report), expected);
        assert!(report.complete && rig.journal.marks().is_empty());
    }

    #[test]
    fn a_link_lost_before_quit_has_deleted_nothing_and_all_is_tried_again() {
        let mut rig = marked(mailbox().reacting("DELE 3", &[GONE]));
        let answer = rig.commit();
        rig.pass(Duration::from_secs(30));
        assert!(answer.report().complete);
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
            assert!(answer.report().complete, "{deleted}");
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
        assert!(answer.report().complete);
        assert_eq!(rig.script.left(), ["b"]);
    }

    #[test]
    fn a_commit_takes_no_more_sessions_than_it_may() {
        let mut rig = marked(mailbox().reacting("DELE", &vec![GONE; 20]));
        let answer = rig.commit();
        rig.pass(Duration::from_secs(60));
        let report = answer.report();
        assert_eq!(outcomes(&report), [Outcome::Kept; 2]);
        assert!(report.problem.is_some());
        assert_eq!(rig.script.sessions, 3);
        assert_eq!(rig.journal.marks().len(), 2);
    }

    #[test]
    fn what_one_listing_lacks_and_the_next_does_not_is_deleted() {
        let unique_ids = Reaction::Say("+OK\r\n1 a\r\n2 b\r\n.\r\n");
        let sizes = Reaction::Say("+OK\r\n1 5\r\n2 5\r\n.\r\n");
        let larger = Reaction::Say("+OK\r\n1 5\r\n2 5\r\n3 8\r\n.\r\n");
        for (uidl, list) in [
            (&unique_ids, &sizes),
            (&unique_ids, &Reaction::Honest),
            (&Reaction::Honest, &sizes),
            (&Reaction::Honest, &larger),
        ] {
            let mut rig = marked(mailbox());
            rig.cut();
            rig.script.react("UIDL", std::slice::from_ref(uidl));
            rig.script.react("LIST", std::slice::from_ref(list));
            let report = rig.commit().report();
            assert_eq!(outcomes(&report), [Outcome::Deleted; 2]);
            assert!(report.complete && rig.journal.marks().is_empty());
            assert_eq!((rig.script.sessions, rig.script.left()), (3, vec!["b"]));
        }
    }

    #[test]
    fn what_two_listings_lack_another_client_has_deleted() {
        let mut rig = marked(mailbox());
        rig.cut();
        rig.script.messages.pop();
        let report = rig.commit().report();
        let expected = [Outcome::Deleted, Outcome::AlreadyGone];
        assert_eq!(outcomes(&report), expected);
        assert!(report.complete && rig.journal.marks().is_empty());
        assert_eq!(rig.script.sessions, 3);
    }

    #[test]
    fn what_is_another_message_in_two_listings_is_left_alone_and_no_longer_marked() {
        let mut rig = marked(mailbox());
        rig.cut();
        rig.script.messages[2].1 += 1;
        let report = rig.commit().report();
        assert_eq!(outcomes(&report), [Outcome::Deleted, Outcome::Kept]);
        let reason = report.messages[1].reason.as_deref().unwrap();
        assert!(reason.ends_with("left alone, and no longer marked"));
        assert_eq!((report.marked, rig.journal.marks().len()), (0, 0));
    }

    #[test]
    fn where_logins_must_be_apart_one_listing_does_not_tell_what_is_gone() {
        let mut rig = marked(mailbox().announcing(&["LOGIN-DELAY 300"]));
        rig.cut();
        rig.script.messages.pop();
        rig.pass(Duration::from_secs(300));
        let report = rig.commit().report();
        assert_eq!(outcomes(&report), [Outcome::Deleted, Outcome::Unknown]);
        assert_eq!((report.marked, rig.journal.marks().len()), (1, 1));
        assert_eq!(rig.script.sessions, 2);
    }

    #[test]
    fn a_mailbox_that_is_empty_all_at_once_is_not_taken_for_gone() {
        let mut rig = marked(mailbox());
        rig.cut();
        let all = std::mem::take(&mut rig.script.messages);
        let report = rig.commit().report();
        assert_eq!(outcomes(&report), [Outcome::Unknown; 2]);
        assert_eq!((report.complete, rig.journal.marks().len()), (false, 2));
        rig.script.messages = all;
        rig.cut();
        assert!(rig.commit().report().complete);
        assert_eq!(rig.script.left(), ["b"]);
    }

    #[test]
    fn a_commit_of_all_leaves_an_empty_mailbox_of_which_one_listing_tells() {
        let mut rig = marked(mailbox());
        rig.mark("b");
        let report = rig.commit_on(verified()).report();
        assert_eq!(outcomes(&report), [Outcome::Deleted; 3]);
        assert_eq!((report.verified, rig.script.sessions), (true, 2));
    }

    #[test]
    fn a_commit_is_verified_in_a_session_of_its_own() {
        let mut rig = marked(mailbox());
        let report = rig.commit_on(verified()).report();
        assert!(report.complete && report.verified);
        assert_eq!(rig.script.sessions, 2);
        assert_eq!(rig.script.count("DELE"), 2);
        assert_eq!(rig.journal.marks(), []);
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
        let report = rig.commit_on(verified()).report();
        assert_eq!(outcomes(&report), [Outcome::Kept; 2]);
        assert!(!report.complete && report.problem.is_some());
        assert_eq!((report.marked, rig.journal.marks().len()), (2, 2));
        assert!(rig.maildrop.find(Place::Deleted, "a").is_some());
        assert!(rig.commit().report().complete);
    }

    #[test]
    fn what_comes_back_after_its_deletion_is_not_marked_again() {
        let mut rig = marked(mailbox().reacting("QUIT", &[Reaction::SayAndHangUp("+OK\r\n")]));
        let first = rig.commit();
        assert!(first.report().complete);
        assert_eq!(rig.body("b").as_deref(), Ok("two\r\n"));
        assert!(rig.maildrop.find(Place::Root, "a").is_some());
        assert_eq!(rig.maildrop.status().marked, 0);
    }

    #[test]
    fn where_logins_must_be_apart_the_server_is_believed() {
        let mut rig = marked(mailbox().announcing(&["LOGIN-DELAY 300"]));
        let report = rig.commit_on(verified()).report();
        assert!(report.complete && !report.verified);
        assert_eq!(rig.script.sessions, 1);
        let why = report.unverified.as_deref();
        assert_eq!(why, Some("the server wants a pause between logins"));
    }

    #[test]
    fn where_unique_ids_are_message_numbers_the_server_is_believed() {
        let script = Script::of(&[("1", "one\r\n"), ("2", "two\r\n"), ("3", "two\r\n")]);
        let mut rig = Rig::connected(script);
        ["1", "3"].iter().for_each(|name| rig.mark(name));
        let report = rig.commit_on(verified()).report();
        assert!(report.complete && !report.verified && report.unverified.is_some());
        assert_eq!(rig.script.left(), ["2"]);
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
        let report = rig.commit_on(verified()).report();
        assert_eq!(outcomes(&report), [Outcome::Deleted; 3]);
        assert!(report.complete && report.verified);
        assert_eq!(rig.script.count("QUIT"), 3);
        assert_eq!(report.unverified, None);
        assert_eq!(rig.script.sessions, 4);
    }

    #[test]
    fn messages_that_share_a_unique_id_are_told_apart() {
        let twins = Script::of(&[("x", "one\r\n"), ("x", "two\r\n"), ("y", "three\r\n")]);
        let mut rig = Rig::connected(twins);
        rig.mark("x~2");
        let answer = rig.commit();
        assert!(answer.report().complete);
        assert_eq!(rig.script.count("DELE 2"), 1);
        assert_eq!(rig.script.left(), ["x", "y"]);
    }
}
