//! A commit, as a transaction: in a fresh session, DELE for every mark, QUIT, its answer.
//!
//! ```text
//! Waiting -(listed)-> Deleting -(all accepted)-> Quitting -(+OK)-> Recording
//!   ^                    |  ^                       |  |
//!   |           refused  v  | without the refused   |  | +OK, and there is more to delete,
//!   |                RollingBack                    |  | or what is left is to be looked at
//!   '------- link lost, or -ERR: the outcome is open; the next listing tells what is gone
//! ```
//!
//! DELE alone deletes nothing (RFC 1939 section 6), so a link lost before QUIT was sent leaves all
//! as it was. No network, clock or disk here: the engine is told what comes next, and does it.

use std::collections::BTreeSet;

use crate::pop3::Reply;

use super::super::catalog::Catalog;
use super::super::message::MessageId;
use super::super::report::{CommitReport, Outcome};
use super::super::settings::Settings;
use super::super::terms::Terms;
use super::evidence::Evidence;
use super::target::{Fate, Target};
use super::targets::Targets;

/// Sessions that one commit may lose before any of them has come to its end.
pub(super) const LOSSES_MAX: u32 = 3;

/// Times that one commit may roll back in a row; some servers hang up after a handful of refusals.
const ROLLBACKS_MAX: u32 = 3;

/// The transaction.
pub(super) struct Transaction {
    targets: Targets,
    stage: Stage,
    losses: u32,
    rollbacks: u32,
    terms: Terms,
    /// How many messages one session deletes at most.
    batch: usize,
    evidence: Evidence,
    /// Whether another session can follow at once.
    may_return: bool,
    /// Whether listings were held against all that the server has confirmed.
    verified: bool,
    problem: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Deleting { unanswered: usize, refused: bool },
    RollingBack,
    Quitting,
    Recording,
}

/// What the engine must do for the transaction.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Wait for an answer.
    Wait,
    /// Send DELE for these.
    Delete(Vec<MessageId>),
    /// Send RSET.
    Reset,
    /// Send QUIT.
    Quit,
    /// Give up this session, and make another.
    Reconnect,
    /// These are gone: take them out of the catalog, and write the journal.
    Record(Vec<MessageId>),
}

impl Transaction {
    /// A transaction over all that is marked now; none if nothing is. An earlier one has left open
    /// what became of the `doubtful`.
    pub fn begin(
        catalog: &Catalog,
        doubtful: &BTreeSet<MessageId>,
        terms: Terms,
        settings: &Settings,
    ) -> Option<Self> {
        let targets = Targets::of(catalog, doubtful);
        let evidence = Evidence::of(catalog, &targets);
        (!targets.is_empty()).then_some(Self {
            targets,
            stage: Stage::Waiting,
            losses: 0,
            rollbacks: 0,
            terms,
            batch: batch_max(settings),
            evidence,
            may_return: true,
            verified: false,
            problem: None,
        })
    }

    /// Somebody else asks for it, on these terms.
    pub fn join(&mut self, terms: Terms) {
        self.terms = self.terms.and(terms);
    }

    /// Whether it is about all that is marked now.
    pub fn covers(&self, catalog: &Catalog) -> bool {
        catalog.marked().all(|(id, _)| self.targets.contains(id))
    }

    /// Whether it needs a session in which nothing has been done.
    pub fn is_waiting(&self) -> bool {
        self.stage == Stage::Waiting
    }

    /// Whether only the journal is still to be written.
    pub fn is_recording(&self) -> bool {
        self.stage == Stage::Recording
    }

    /// A fresh session is listed, and the catalog up to date with it. `may_return` is whether
    /// another one can follow it at once; where unique-ids mean nothing in that, it had better not.
    pub fn listed(&mut self, catalog: &Catalog, suffix: &str, may_return: bool) -> Next {
        self.may_return = may_return && !catalog.is_numbered();
        self.verified |= self.targets.any(&Fate::Confirmed);
        self.evidence.weigh(&mut self.targets, catalog, suffix);
        self.burst()
    }

    /// DELE of a message has been answered.
    pub fn deleted(&mut self, id: MessageId, reply: &Reply) -> Next {
        let Stage::Deleting {
            unanswered,
            refused,
        } = &mut self.stage
        else {
            return Next::Wait;
        };
        *unanswered = unanswered.saturating_sub(1);
        *refused |= !reply.is_ok();
        self.targets.answered(id, reply);
        match (*unanswered, *refused) {
            (0, false) => self.advance(Stage::Quitting, Next::Quit),
            (0, true) => self.advance(Stage::RollingBack, Next::Reset),
            _ => Next::Wait,
        }
    }

    /// RSET has been answered.
    pub fn reset(&mut self, reply: &Reply) -> Next {
        if !reply.is_ok() {
            return self.lost(&format!(
                "the server refused to roll back: \"{}\"",
                reply.text()
            ));
        }
        self.targets.change(&Fate::InDoubt, &Fate::Open);
        self.rollbacks += 1;
        if self.rollbacks < ROLLBACKS_MAX {
            self.burst()
        } else {
            self.give_up("the server refused too many deletions".to_owned())
        }
    }

    /// QUIT has been answered.
    pub fn quit(&mut self, reply: &Reply) -> Next {
        if self.stage != Stage::Quitting {
            return Next::Wait;
        }
        if !reply.is_ok() {
            return self.lost(&format!(
                "the server answered QUIT with \"{}\"",
                reply.text()
            ));
        }
        self.targets.change(&Fate::InDoubt, &Fate::Confirmed);
        self.verified = false;
        (self.losses, self.rollbacks) = (0, 0);
        if self.targets.any(&Fate::Open) || self.terms.verifies() && self.may_return {
            return self.advance(Stage::Waiting, Next::Reconnect);
        }
        self.targets
            .change(&Fate::Confirmed, &Fate::Settled(Outcome::Deleted, None));
        self.record()
    }

    /// The session has ended under it.
    pub fn lost(&mut self, why: &str) -> Next {
        match self.stage {
            Stage::Waiting | Stage::Recording => return Next::Wait,
            Stage::Quitting => {}
            // What was not confirmed by QUIT has not happened.
            Stage::Deleting { .. } | Stage::RollingBack => {
                self.targets.change(&Fate::InDoubt, &Fate::Open);
            }
        }
        self.stage = Stage::Waiting;
        self.losses += 1;
        if self.losses < LOSSES_MAX {
            Next::Reconnect
        } else {
            self.give_up(why.to_owned())
        }
    }

    /// There is no session for it.
    pub fn fail(&mut self, problem: String) -> Next {
        match self.stage {
            Stage::Recording => Next::Wait,
            _ => self.give_up(problem),
        }
    }

    /// Whether it is for this transaction to say what became of a message that is gone.
    pub fn doubts(&self, id: MessageId) -> bool {
        self.targets.doubts(id)
    }

    /// The messages that are deleted if the server is to be believed, which no listing has shown.
    pub fn believed(&self) -> impl Iterator<Item = &Target> {
        self.targets.believed().filter(|_| !self.verified)
    }

    /// The messages of which nobody knows what became of them.
    pub fn in_doubt(&self) -> BTreeSet<MessageId> {
        self.targets.in_doubt()
    }

    /// The journal has been written, or could not be.
    pub fn report(
        mut self,
        journal: Option<String>,
        catalog: &Catalog,
        finished: i64,
    ) -> CommitReport {
        let problem = self.problem.take().or(journal);
        let messages = self.targets.reports();
        let left = messages.iter().filter(|it| !it.outcome.is_gone()).count();
        let problem = problem.or_else(|| {
            (left > 0).then(|| format!("{left} of the marked messages were not deleted"))
        });
        CommitReport {
            finished,
            complete: left == 0,
            problem,
            last: self.terms.is_last,
            verified: self.verified,
            remaining: catalog.totals().messages,
            marked: catalog.marks() as u64,
            messages,
        }
    }

    /// Deletes what is open, or a part of it.
    fn burst(&mut self) -> Next {
        let max = if self.may_return {
            self.batch
        } else {
            usize::MAX
        };
        let ids = self.targets.batch(max);
        if ids.is_empty() {
            return self.record();
        }
        let stage = Stage::Deleting {
            unanswered: ids.len(),
            refused: false,
        };
        self.advance(stage, Next::Delete(ids))
    }

    /// It cannot be brought to an end now.
    fn give_up(&mut self, problem: String) -> Next {
        self.problem.get_or_insert(problem);
        self.record()
    }

    fn record(&mut self) -> Next {
        let gone = self.targets.gone();
        self.advance(Stage::Recording, Next::Record(gone))
    }

    fn advance(&mut self, stage: Stage, next: Next) -> Next {
        self.stage = stage;
        next
    }
}

fn batch_max(settings: &Settings) -> usize {
    let batch = settings.commit_every.map(usize::try_from);
    batch.and_then(Result::ok).unwrap_or(usize::MAX)
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use super::super::super::message::Place;
    use super::super::super::reconcile::{Listed, reconcile};
    use super::super::rig::settings;
    use super::*;
    use crate::pop3::{Connection, Event};

    const A: MessageId = MessageId(0);
    const B: MessageId = MessageId(1);
    const C: MessageId = MessageId(2);

    fn reply(line: &str) -> Reply {
        let mut connection = Connection::new(());
        let line = format!("{line}\r\n");
        match connection.poll(&mut line.as_bytes()) {
            Ok(Some(Event::End {
                reply: Some(reply), ..
            })) => reply,
            other => panic!("{other:?}"),
        }
    }

    pub(in super::super) fn ok() -> Reply {
        reply("+OK")
    }

    pub(in super::super) fn no() -> Reply {
        reply("-ERR no")
    }

    pub(in super::super) fn list(catalog: &mut Catalog, mailbox: &[(&str, u64)]) {
        let listing: Vec<Listed> = mailbox
            .iter()
            .map(|&(unique_id, size)| Listed {
                unique_id: unique_id.as_bytes(),
                size,
            })
            .collect();
        reconcile(catalog, &listing, "", 0);
    }

    fn begin(catalog: &Catalog) -> Option<Transaction> {
        Transaction::begin(catalog, &BTreeSet::new(), Terms::default(), &settings())
    }

    /// A maildrop of which the first and the third message are marked, and the transaction.
    fn begun() -> (Catalog, Transaction) {
        let mut catalog = Catalog::default();
        list(&mut catalog, &[("a", 1), ("b", 2), ("c", 3)]);
        catalog.place(A, Place::Deleted);
        catalog.place(C, Place::Deleted);
        let transaction = begin(&catalog).unwrap();
        (catalog, transaction)
    }

    /// The same with DELE on its way.
    fn deleting() -> (Catalog, Transaction) {
        let (catalog, mut transaction) = begun();
        assert_eq!(
            transaction.listed(&catalog, "", true),
            Next::Delete(vec![A, C])
        );
        (catalog, transaction)
    }

    /// The same with QUIT on its way.
    fn quitting() -> (Catalog, Transaction) {
        let (catalog, mut transaction) = deleting();
        assert_eq!(transaction.deleted(A, &ok()), Next::Wait);
        assert_eq!(transaction.deleted(C, &ok()), Next::Quit);
        (catalog, transaction)
    }

    fn outcomes(transaction: Transaction) -> Vec<Outcome> {
        let report = transaction.report(None, &Catalog::default(), 0);
        report.messages.iter().map(|it| it.outcome).collect()
    }

    #[test]
    fn nothing_marked_is_no_transaction() {
        assert!(begin(&Catalog::default()).is_none());
    }

    #[test]
    fn all_accepted_and_confirmed_is_all_deleted() {
        let (catalog, mut transaction) = quitting();
        assert_eq!(transaction.quit(&ok()), Next::Record(vec![A, C]));
        assert!(transaction.is_recording());
        let report = transaction.report(None, &catalog, 7);
        assert!(report.complete && report.problem.is_none());
        assert_eq!(
            (report.remaining, report.marked, report.finished),
            (3, 2, 7)
        );
    }

    #[test]
    fn a_refusal_rolls_back_and_the_rest_is_tried_again() {
        let (_, mut transaction) = deleting();
        assert_eq!(transaction.deleted(A, &no()), Next::Wait);
        assert_eq!(transaction.deleted(C, &ok()), Next::Reset);
        assert_eq!(transaction.reset(&ok()), Next::Delete(vec![C]));
        assert_eq!(transaction.deleted(C, &ok()), Next::Quit);
        assert_eq!(transaction.quit(&ok()), Next::Record(vec![C]));
        let report = transaction.report(None, &Catalog::default(), 0);
        assert_eq!(report.messages[0].outcome, Outcome::Refused);
        assert_eq!(
            report.messages[0].reason.as_deref(),
            Some("the server said \"no\"")
        );
        assert!(!report.complete && report.problem.is_some());
    }

    #[test]
    fn where_all_is_refused_nothing_is_left_to_confirm() {
        let (_, mut transaction) = deleting();
        transaction.deleted(A, &no());
        assert_eq!(transaction.deleted(C, &no()), Next::Reset);
        assert_eq!(transaction.reset(&ok()), Next::Record(vec![]));
        assert_eq!(outcomes(transaction), [Outcome::Refused; 2]);
    }

    #[test]
    fn a_server_that_will_not_roll_back_is_left() {
        let (catalog, mut transaction) = deleting();
        transaction.deleted(A, &no());
        transaction.deleted(C, &ok());
        assert_eq!(transaction.reset(&no()), Next::Reconnect);
        assert_eq!(
            transaction.listed(&catalog, "", true),
            Next::Delete(vec![C])
        );
    }

    #[test]
    fn rolling_back_comes_to_an_end() {
        let names: Vec<String> = (0..10).map(|number| number.to_string()).collect();
        let mailbox: Vec<(&str, u64)> = names.iter().map(|name| (&**name, 1)).collect();
        let mut catalog = Catalog::default();
        list(&mut catalog, &mailbox);
        (0..10).for_each(|index| drop(catalog.place(MessageId(index), Place::Deleted)));
        let mut transaction = begin(&catalog).unwrap();
        let mut next = transaction.listed(&catalog, "", true);
        for rollback in 1..=ROLLBACKS_MAX {
            let Next::Delete(ids) = next else {
                panic!("{next:?} at {rollback}");
            };
            for id in &ids[1..] {
                transaction.deleted(*id, &ok());
            }
            assert_eq!(transaction.deleted(ids[0], &no()), Next::Reset);
            next = transaction.reset(&ok());
        }
        assert_eq!(next, Next::Record(vec![]));
        assert!(
            transaction
                .report(None, &Catalog::default(), 0)
                .problem
                .is_some()
        );
    }

    #[test]
    fn a_link_lost_before_quit_has_deleted_nothing() {
        let (catalog, mut transaction) = deleting();
        transaction.deleted(A, &ok());
        assert_eq!(transaction.lost("gone"), Next::Reconnect);
        assert!(transaction.is_waiting());
        assert_eq!(
            transaction.listed(&catalog, "", true),
            Next::Delete(vec![A, C])
        );
    }

    #[test]
    fn after_a_lost_or_refused_quit_the_listing_decides() {
        for refused in [false, true] {
            let (mut catalog, mut transaction) = quitting();
            let next = if refused {
                transaction.quit(&no())
            } else {
                transaction.lost("gone")
            };
            assert_eq!(next, Next::Reconnect);
            list(&mut catalog, &[("b", 2), ("c", 3)]);
            assert_eq!(
                transaction.listed(&catalog, "", true),
                Next::Delete(vec![C])
            );
            transaction.deleted(C, &ok());
            assert_eq!(transaction.quit(&ok()), Next::Record(vec![A, C]));
            assert_eq!(outcomes(transaction), [Outcome::Deleted; 2]);
        }
    }

    #[test]
    fn in_doubt_and_all_gone_needs_no_more_session() {
        let (mut catalog, mut transaction) = quitting();
        transaction.lost("gone");
        list(&mut catalog, &[("b", 2)]);
        assert_eq!(
            transaction.listed(&catalog, "", true),
            Next::Record(vec![A, C])
        );
        assert_eq!(outcomes(transaction), [Outcome::Deleted; 2]);
    }

    #[test]
    fn what_somebody_else_removed_is_gone_already() {
        let (mut catalog, mut transaction) = begun();
        list(&mut catalog, &[("b", 2), ("c", 3)]);
        assert_eq!(
            transaction.listed(&catalog, "", true),
            Next::Delete(vec![C])
        );
        transaction.deleted(C, &ok());
        transaction.quit(&ok());
        assert_eq!(
            outcomes(transaction),
            [Outcome::AlreadyGone, Outcome::Deleted]
        );
    }

    #[test]
    fn what_an_earlier_commit_may_have_deleted_is_in_doubt_until_it_is_listed() {
        let (catalog, mut transaction) = quitting();
        transaction.lost("gone");
        let doubtful = transaction.in_doubt();
        let mut again =
            Transaction::begin(&catalog, &doubtful, Terms::default(), &settings()).unwrap();
        again.fail("offline".to_owned());
        assert_eq!(outcomes(again), [Outcome::Unknown; 2]);
        let mut again =
            Transaction::begin(&catalog, &doubtful, Terms::default(), &settings()).unwrap();
        assert_eq!(again.listed(&catalog, "", true), Next::Delete(vec![A, C]));
        assert!(again.in_doubt().is_empty());
    }

    #[test]
    fn sessions_are_bounded() {
        let (catalog, mut transaction) = deleting();
        for _ in 1..LOSSES_MAX {
            assert_eq!(transaction.lost("gone"), Next::Reconnect);
            transaction.listed(&catalog, "", true);
        }
        assert_eq!(transaction.lost("gone"), Next::Record(vec![]));
        let report = transaction.report(None, &Catalog::default(), 0);
        assert_eq!(report.problem.as_deref(), Some("gone"));
    }

    #[test]
    fn what_comes_late_changes_nothing() {
        let (_, mut transaction) = begun();
        assert_eq!(transaction.lost("gone"), Next::Wait);
        assert_eq!(transaction.quit(&ok()), Next::Wait);
        assert_eq!(transaction.deleted(A, &ok()), Next::Wait);
        assert!(transaction.is_waiting());
        let (_, mut transaction) = quitting();
        transaction.quit(&ok());
        assert_eq!(transaction.lost("gone"), Next::Wait);
        assert!(transaction.is_recording());
    }

    #[test]
    fn a_mark_set_later_is_not_covered() {
        let (mut catalog, transaction) = begun();
        assert!(transaction.covers(&catalog));
        catalog.place(B, Place::Deleted);
        assert!(!transaction.covers(&catalog));
    }

    /// A maildrop of which these are marked, and the transaction, on these terms.
    fn begun_on(
        mailbox: &[(&str, u64)],
        marked: &[MessageId],
        terms: Terms,
        settings: &Settings,
    ) -> (Catalog, Transaction) {
        let mut catalog = Catalog::default();
        list(&mut catalog, mailbox);
        marked
            .iter()
            .for_each(|&id| drop(catalog.place(id, Place::Deleted)));
        let transaction = Transaction::begin(&catalog, &BTreeSet::new(), terms, settings);
        (catalog, transaction.unwrap())
    }

    fn verified() -> Terms {
        Terms {
            verify: Some(true),
            ..Terms::default()
        }
    }

    const THREE: &[(&str, u64)] = &[("a", 1), ("b", 2), ("c", 3)];

    /// The same as [`quitting`], to be verified, with QUIT answered well.
    fn confirmed() -> (Catalog, Transaction) {
        let (catalog, mut transaction) = begun_on(THREE, &[A, C], verified(), &settings());
        transaction.listed(&catalog, "", true);
        transaction.deleted(A, &ok());
        transaction.deleted(C, &ok());
        assert_eq!(transaction.quit(&ok()), Next::Reconnect);
        assert!(transaction.is_waiting());
        (catalog, transaction)
    }

    #[test]
    fn a_listing_verifies_what_the_server_has_confirmed() {
        let (mut catalog, mut transaction) = confirmed();
        list(&mut catalog, &[("b", 2)]);
        assert_eq!(
            transaction.listed(&catalog, "", true),
            Next::Record(vec![A, C])
        );
        let report = transaction.report(None, &Catalog::default(), 0);
        assert!(report.complete && report.verified);
    }

    #[test]
    fn what_was_looked_at_before_the_last_batch_does_not_verify_it() {
        let settings = Settings {
            commit_every: Some(1),
            ..settings()
        };
        let (mut catalog, mut transaction) = begun_on(THREE, &[A, C], verified(), &settings);
        for (id, listed) in [(A, THREE), (C, &THREE[1..])] {
            list(&mut catalog, listed);
            transaction.listed(&catalog, "", true);
            transaction.deleted(id, &ok());
            assert_eq!(transaction.quit(&ok()), Next::Reconnect);
        }
        transaction.fail("gone".to_owned());
        assert!(!transaction.report(None, &catalog, 0).verified);
    }

    #[test]
    fn what_the_server_kept_though_it_confirmed_is_told_and_not_tried_again() {
        let (mut catalog, mut transaction) = confirmed();
        list(&mut catalog, &[("b", 2), ("c", 3)]);
        assert_eq!(
            transaction.listed(&catalog, "", true),
            Next::Record(vec![A])
        );
        let report = transaction.report(None, &Catalog::default(), 0);
        assert!(!report.complete && report.verified && report.problem.is_some());
        assert_eq!(report.messages[1].outcome, Outcome::Kept);
        let reason = report.messages[1].reason.as_deref().unwrap();
        assert!(reason.contains("still lists it"));
    }

    #[test]
    fn what_cannot_be_verified_stays_in_doubt() {
        let (_, mut transaction) = confirmed();
        assert_eq!(transaction.lost("gone"), Next::Wait);
        assert_eq!(transaction.fail("offline".to_owned()), Next::Record(vec![]));
        assert_eq!(transaction.in_doubt(), BTreeSet::from([A, C]));
        let report = transaction.report(None, &Catalog::default(), 0);
        assert!(!report.complete && !report.verified);
        assert_eq!(report.messages[0].outcome, Outcome::Unknown);
    }

    #[test]
    fn where_another_session_cannot_follow_the_servers_word_is_taken() {
        let settings = Settings {
            commit_every: Some(1),
            ..settings()
        };
        let (catalog, mut transaction) = begun_on(THREE, &[A, C], verified(), &settings);
        assert_eq!(
            transaction.listed(&catalog, "", false),
            Next::Delete(vec![A, C])
        );
        transaction.deleted(A, &ok());
        transaction.deleted(C, &ok());
        assert_eq!(transaction.quit(&ok()), Next::Record(vec![A, C]));
        let report = transaction.report(None, &Catalog::default(), 0);
        assert!(report.complete && !report.verified);
    }

    #[test]
    fn a_few_at_a_time_are_deleted_in_a_session_each() {
        let settings = Settings {
            commit_every: Some(1),
            ..settings()
        };
        let (mut catalog, mut transaction) = begun_on(THREE, &[A, C], Terms::default(), &settings);
        assert_eq!(
            transaction.listed(&catalog, "", true),
            Next::Delete(vec![A])
        );
        assert_eq!(transaction.deleted(A, &ok()), Next::Quit);
        assert_eq!(transaction.quit(&ok()), Next::Reconnect);
        list(&mut catalog, &[("b", 2), ("c", 3)]);
        assert_eq!(
            transaction.listed(&catalog, "", true),
            Next::Delete(vec![C])
        );
        assert_eq!(transaction.deleted(C, &ok()), Next::Quit);
        assert_eq!(transaction.quit(&ok()), Next::Record(vec![A, C]));
        assert_eq!(outcomes(transaction), [Outcome::Deleted; 2]);
    }

    #[test]
    fn a_link_lost_late_loses_only_what_was_deleted_in_its_session() {
        let settings = Settings {
            commit_every: Some(1),
            ..settings()
        };
        let (mut catalog, mut transaction) = begun_on(THREE, &[A, C], Terms::default(), &settings);
        transaction.listed(&catalog, "", true);
        transaction.deleted(A, &ok());
        transaction.quit(&ok());
        for _ in 0..LOSSES_MAX {
            list(&mut catalog, &[("b", 2), ("c", 3)]);
            assert_eq!(
                transaction.listed(&catalog, "", true),
                Next::Delete(vec![C])
            );
            transaction.lost("gone");
        }
        assert!(transaction.is_recording());
        assert_eq!(outcomes(transaction), [Outcome::Deleted, Outcome::Kept]);
    }
}
