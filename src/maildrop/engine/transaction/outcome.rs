//! What has come of a transaction, as far as it is known.

use std::collections::BTreeSet;

use super::super::super::catalog::Catalog;
use super::super::super::message::MessageId;
use super::super::super::report::{CommitReport, Outcome};
use super::super::target::Target;
use super::Transaction;

impl Transaction {
    /// Whether it is for this transaction to say what became of a message that is gone.
    pub fn doubts(&self, id: MessageId) -> bool {
        self.targets.doubts(id)
    }

    /// The messages that are deleted if the server is to be believed, which no listing has shown.
    pub fn believed(&self) -> impl Iterator<Item = &Target> {
        let is_seen = self.verification.is_done();
        self.targets.believed().filter(move |_| !is_seen)
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
        let is_believed = messages.iter().any(|it| it.outcome == Outcome::Deleted);
        let excuse = self.verification.excuse(self.terms);
        let left = messages.iter().filter(|it| !it.outcome.is_gone()).count();
        let problem = problem.or_else(|| {
            (left > 0).then(|| format!("{left} of the marked messages were not deleted"))
        });
        CommitReport {
            finished,
            complete: left == 0,
            problem,
            last: self.terms.is_last,
            verified: self.verification.is_done(),
            unverified: excuse.filter(|_| is_believed).map(str::to_owned),
            remaining: catalog.totals().messages,
            marked: catalog.marks() as u64,
            messages,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::terms::Terms;
    use super::super::super::rig::{outcomes, settings, verified};
    use super::super::super::samples::ok;
    use super::super::tests::{A, ALL, B_AND_C, C, Commit, delete, record};
    use super::super::{LOSSES_MAX, Next};
    use super::*;

    #[test]
    fn what_somebody_else_removed_is_gone_already() {
        let mut commit = Commit::begun();
        assert_eq!(commit.listed(B_AND_C), delete(&[C]));
        commit.accepts(C);
        commit.transaction.quit(&ok());
        let expected = [Outcome::AlreadyGone, Outcome::Deleted];
        assert_eq!(outcomes(&commit.report()), expected);
    }

    #[test]
    fn what_an_earlier_commit_may_have_deleted_is_in_doubt_until_it_is_listed() {
        let mut commit = Commit::quitting();
        commit.transaction.lost("gone");
        let doubtful = commit.transaction.in_doubt();
        let again = || {
            let catalog = &commit.catalog;
            Transaction::begin(catalog, &doubtful, Terms::default(), &settings())
        };
        let mut offline = again();
        offline.fail("offline".to_owned());
        let report = offline.report(None, &commit.catalog, 0);
        assert_eq!(outcomes(&report), [Outcome::Unknown; 2]);
        let mut listed = again();
        assert_eq!(listed.listed(&commit.catalog, "", true), delete(&[A, C]));
        assert!(listed.in_doubt().is_empty());
    }

    #[test]
    fn what_was_looked_at_before_the_last_batch_does_not_verify_it() {
        let mut commit = Commit::one_by_one(verified());
        for (id, listed) in [(A, ALL), (C, B_AND_C)] {
            commit.listed(listed);
            commit.accepts(id);
            assert_eq!(commit.transaction.quit(&ok()), Next::Reconnect);
        }
        commit.transaction.fail("gone".to_owned());
        assert!(!commit.report().verified);
    }

    #[test]
    fn what_the_server_kept_though_it_confirmed_is_told_and_not_tried_again() {
        let mut commit = Commit::confirmed();
        assert_eq!(commit.listed(B_AND_C), record(&[A]));
        let report = commit.report();
        assert!(!report.complete && report.verified && report.problem.is_some());
        assert_eq!(report.messages[1].outcome, Outcome::Kept);
        let reason = report.messages[1].reason.as_deref().unwrap();
        assert!(reason.contains("still lists it"));
    }

    #[test]
    fn what_cannot_be_verified_stays_in_doubt() {
        let mut commit = Commit::confirmed();
        assert_eq!(commit.transaction.lost("gone"), Next::Wait);
        let failed = commit.transaction.fail("offline".to_owned());
        assert_eq!(failed, record(&[]));
        assert_eq!(commit.transaction.in_doubt(), BTreeSet::from([A, C]));
        let report = commit.report();
        assert!(!report.complete && !report.verified);
        assert_eq!(report.messages[0].outcome, Outcome::Unknown);
    }

    #[test]
    fn where_another_session_cannot_follow_the_servers_word_is_taken() {
        let mut commit = Commit::one_by_one(verified());
        let next = commit.transaction.listed(&commit.catalog, "", false);
        assert_eq!(next, delete(&[A, C]));
        let mut commit = commit.accepted();
        assert_eq!(commit.transaction.quit(&ok()), record(&[A, C]));
        let report = commit.report();
        assert!(report.complete && !report.verified);
    }

    #[test]
    fn a_link_lost_late_loses_only_what_was_deleted_in_its_session() {
        let mut commit = Commit::one_by_one(Terms::default());
        commit.listed(ALL);
        commit.accepts(A);
        commit.transaction.quit(&ok());
        for _ in 0..LOSSES_MAX {
            assert_eq!(commit.listed(B_AND_C), delete(&[C]));
            commit.transaction.lost("gone");
        }
        assert!(commit.transaction.is_recording());
        let expected = [Outcome::Deleted, Outcome::Kept];
        assert_eq!(outcomes(&commit.report()), expected);
    }
}
