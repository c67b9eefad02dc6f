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

mod outcome;

use std::collections::BTreeSet;

use crate::pop3::Reply;

use super::super::catalog::Catalog;
use super::super::message::MessageId;
use super::super::report::Outcome;
use super::super::settings::Settings;
use super::super::terms::Terms;
use super::evidence::Evidence;
use super::target::Fate;
use super::targets::Targets;
use super::verification::Verification;

/// Sessions that one commit may lose before any of them has come to its end.
pub(super) const LOSSES_MAX: u32 = 3;

/// Times that one commit may roll back in a row; some servers hang up after a handful of refusals.
const ROLLBACKS_MAX: u32 = 3;

/// Sessions in a row that one commit leaves because their listings lack marked messages: the second
/// tells of those of the first, and may lack others.
const LOOKS_MAX: u32 = 2;

/// What one commit deletes, over as many sessions as it takes.
pub(super) struct Transaction {
    targets: Targets,
    stage: Stage,
    losses: u32,
    rollbacks: u32,
    /// Sessions that were only made to look again.
    looks: u32,
    terms: Terms,
    /// How many messages one session deletes at most.
    batch: usize,
    evidence: Evidence,
    verification: Verification,
    problem: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    /// The same, and a session is needed before to see whether the marks still hold.
    Checking,
    Deleting {
        unanswered: usize,
        refused: bool,
    },
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
    /// A transaction over all that is marked now. An earlier one has left open what became of the
    /// `doubtful`.
    pub fn begin(
        catalog: &Catalog,
        doubtful: &BTreeSet<MessageId>,
        terms: Terms,
        settings: &Settings,
    ) -> Self {
        let targets = Targets::of(catalog, doubtful);
        Self {
            evidence: Evidence::of(catalog, &targets),
            targets,
            stage: Stage::Waiting,
            losses: 0,
            rollbacks: 0,
            looks: 0,
            terms,
            batch: batch_max(settings),
            verification: Verification::default(),
            problem: None,
        }
    }

    /// Somebody else asks for it, on these terms.
    pub fn join(&mut self, terms: Terms) {
        self.terms = self.terms.and(terms);
    }

    /// Whether it is about all that is marked now, and more can still be asked of it.
    pub fn covers(&self, catalog: &Catalog) -> bool {
        let mut marked = catalog.marked();
        !self.is_recording() && marked.all(|(id, _)| self.targets.contains(id))
    }

    /// Whether it needs a session in which nothing has been done.
    pub fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Waiting | Stage::Checking)
    }

    /// The session at hand, and others if it is lost, are for that.
    pub fn checks_marks(&mut self) {
        self.stage = Stage::Checking;
    }

    /// Whether it takes another session in place of the one at hand, which has lost sight of some.
    pub fn looks_again(&mut self) -> bool {
        self.looks += 1;
        self.looks <= LOOKS_MAX
    }

    /// Whether only the journal is still to be written.
    pub fn is_recording(&self) -> bool {
        self.stage == Stage::Recording
    }

    /// These are marked as well, and listed now. The guard may object to deleting them, too.
    pub fn take_in(&mut self, found: &[MessageId], catalog: &Catalog, objection: Option<String>) {
        let objection = objection.filter(|_| !self.terms.even_unread);
        let fate = match objection {
            Some(_) => Fate::Settled(Outcome::Kept, objection),
            None => Fate::Open,
        };
        self.targets.add(found, catalog, &fate);
    }

    /// A fresh session is listed, and the catalog up to date with it. `may_return` is whether
    /// another one can follow it at once.
    pub fn listed(&mut self, catalog: &Catalog, suffix: &str, may_return: bool) -> Next {
        let is_numbered = catalog.habits.is_numbered;
        self.verification.begin_session(may_return, is_numbered);
        if self.targets.any(&Fate::Confirmed) {
            self.verification.looked();
        }
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
        self.verification.confirmed();
        (self.losses, self.rollbacks, self.looks) = (0, 0, 0);
        if self.targets.any(&Fate::Open) || self.verification.follows(self.terms) {
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
            Stage::Checking | Stage::Quitting => {}
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

    /// Deletes what is open, or a part of it.
    fn burst(&mut self) -> Next {
        let max = if self.verification.may_return() {
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
mod tests {
    use super::super::super::message::Place;
    use super::super::super::report::CommitReport;
    use super::super::rig::{outcomes, settings, verified};
    use super::super::samples::{list, no, ok};
    use super::*;

    pub const A: MessageId = MessageId(0);
    const B: MessageId = MessageId(1);
    pub const C: MessageId = MessageId(2);

    pub const ALL: &[(&str, u64)] = &[("a", 1), ("b", 2), ("c", 3)];
    pub const B_AND_C: &[(&str, u64)] = &[("b", 2), ("c", 3)];

    /// A transaction, and what is listed.
    pub struct Commit {
        pub transaction: Transaction,
        pub catalog: Catalog,
    }

    impl Commit {
        /// The first and the third message of three are marked.
        pub fn begun() -> Self {
            Self::on(Terms::default(), &settings())
        }

        /// The same on these terms.
        fn on(terms: Terms, settings: &Settings) -> Self {
            Self::over(ALL, &[A, C], terms, settings)
        }

        /// The same, with as many messages deleted in one session as there must be.
        pub fn one_by_one(terms: Terms) -> Self {
            let settings = Settings {
                commit_every: Some(1),
                ..settings()
            };
            Self::on(terms, &settings)
        }

        fn over(
            mailbox: &[(&str, u64)],
            marked: &[MessageId],
            terms: Terms,
            settings: &Settings,
        ) -> Self {
            let mut catalog = Catalog::default();
            list(&mut catalog, mailbox);
            for &id in marked {
                catalog.place(id, Place::Deleted);
            }
            Self {
                transaction: Transaction::begin(&catalog, &BTreeSet::new(), terms, settings),
                catalog,
            }
        }

        /// DELE is on its way for both.
        fn deleting() -> Self {
            let mut commit = Self::begun();
            assert_eq!(commit.listed(ALL), delete(&[A, C]));
            commit
        }

        /// QUIT is on its way.
        pub fn quitting() -> Self {
            Self::deleting().accepted()
        }

        /// QUIT was answered well, and that is to be verified.
        pub fn confirmed() -> Self {
            let mut commit = Self::on(verified(), &settings());
            commit.listed(ALL);
            let mut commit = commit.accepted();
            assert_eq!(commit.transaction.quit(&ok()), Next::Reconnect);
            assert!(commit.transaction.is_waiting());
            commit
        }

        pub fn accepted(mut self) -> Self {
            assert_eq!(self.accepts(A), Next::Wait);
            assert_eq!(self.accepts(C), Next::Quit);
            self
        }

        pub fn listed(&mut self, mailbox: &[(&str, u64)]) -> Next {
            list(&mut self.catalog, mailbox);
            self.transaction.listed(&self.catalog, "", true)
        }

        pub fn accepts(&mut self, id: MessageId) -> Next {
            self.transaction.deleted(id, &ok())
        }

        fn refuses(&mut self, id: MessageId) -> Next {
            self.transaction.deleted(id, &no())
        }

        pub fn report(self) -> CommitReport {
            self.transaction.report(None, &self.catalog, 7)
        }
    }

    pub fn delete(ids: &[MessageId]) -> Next {
        Next::Delete(ids.to_vec())
    }

    pub fn record(ids: &[MessageId]) -> Next {
        Next::Record(ids.to_vec())
    }

    #[test]
    fn where_all_is_refused_nothing_is_left_to_confirm() {
        let mut commit = Commit::deleting();
        commit.refuses(A);
        assert_eq!(commit.refuses(C), Next::Reset);
        assert_eq!(commit.transaction.reset(&ok()), record(&[]));
        assert_eq!(outcomes(&commit.report()), [Outcome::Refused; 2]);
    }

    #[test]
    fn a_server_that_will_not_roll_back_is_left() {
        let mut commit = Commit::deleting();
        commit.refuses(A);
        commit.accepts(C);
        assert_eq!(commit.transaction.reset(&no()), Next::Reconnect);
        assert_eq!(commit.listed(ALL), delete(&[C]));
    }

    #[test]
    fn rolling_back_comes_to_an_end() {
        let mailbox: Vec<_> = ["a", "b", "c", "d", "e"].map(|name| (name, 1)).into();
        let marked: Vec<_> = (0..5).map(MessageId).collect();
        let mut commit = Commit::over(&mailbox, &marked, Terms::default(), &settings());
        let mut next = commit.listed(&mailbox);
        for rollback in 1..=ROLLBACKS_MAX {
            let Next::Delete(ids) = next else {
                panic!("{next:?} at {rollback}");
            };
            for id in &ids[1..] {
                commit.accepts(*id);
            }
            assert_eq!(commit.refuses(ids[0]), Next::Reset);
            next = commit.transaction.reset(&ok());
        }
        assert_eq!(next, record(&[]));
        assert!(commit.report().problem.is_some());
    }

    #[test]
    fn after_a_lost_or_refused_quit_the_listing_decides() {
        for refused in [false, true] {
            let mut commit = Commit::quitting();
            let next = if refused {
                commit.transaction.quit(&no())
            } else {
                commit.transaction.lost("gone")
            };
            assert_eq!(next, Next::Reconnect);
            assert_eq!(commit.listed(B_AND_C), delete(&[C]));
            commit.accepts(C);
            assert_eq!(commit.transaction.quit(&ok()), record(&[A, C]));
            assert_eq!(outcomes(&commit.report()), [Outcome::Deleted; 2]);
        }
    }

    #[test]
    fn what_comes_late_changes_nothing() {
        let mut commit = Commit::begun();
        assert_eq!(commit.transaction.lost("gone"), Next::Wait);
        assert_eq!(commit.transaction.quit(&ok()), Next::Wait);
        assert_eq!(commit.accepts(A), Next::Wait);
        assert!(commit.transaction.is_waiting());
        let mut commit = Commit::quitting();
        commit.transaction.quit(&ok());
        assert_eq!(commit.transaction.lost("gone"), Next::Wait);
        assert!(commit.transaction.is_recording());
    }

    #[test]
    fn a_mark_set_later_is_not_covered() {
        let mut commit = Commit::begun();
        assert!(commit.transaction.covers(&commit.catalog));
        commit.catalog.place(B, Place::Deleted);
        assert!(!commit.transaction.covers(&commit.catalog));
    }
}
