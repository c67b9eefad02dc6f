//! All who wait for what is done in a session, other than for a message.

use std::sync::Arc;
use std::time::Duration;

use super::super::clock::Moment;
use super::super::report::CommitReport;
use super::super::terms::Terms;
use super::Turn;
use super::waiters::Waiters;

/// Who waits, by what for.
#[derive(Default)]
pub(super) struct Waiting {
    /// For a session.
    pub callers: Waiters<()>,
    /// For a listing that is newer than their request.
    pub refreshers: Waiters<()>,
    /// For the end of the commit under way.
    pub committers: Waiters<Arc<CommitReport>>,
    /// For another commit, as more was marked than the one under way deletes when they asked.
    pub next_committers: Waiters<Arc<CommitReport>>,
    /// On what terms they ask for it.
    pub next_terms: Terms,
    /// For the end.
    pub leavers: Waiters<()>,
}

impl Waiting {
    /// When the first of them must have an answer.
    pub fn deadline(&self) -> Option<Moment> {
        let deadlines = [
            self.callers.deadline(),
            self.refreshers.deadline(),
            self.committers.deadline(),
            self.next_committers.deadline(),
            self.leavers.deadline(),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// Lets all wait so much longer.
    pub fn postpone(&mut self, span: Duration) {
        self.callers.postpone(span);
        self.refreshers.postpone(span);
        self.committers.postpone(span);
        self.next_committers.postpone(span);
        self.leavers.postpone(span);
    }

    /// Refuses those whose deadline has passed. What they asked for goes on.
    pub fn refuse_late(&mut self, turn: &mut Turn<'_>) {
        self.callers.refuse_late(turn);
        self.refreshers.refuse_late(turn);
        self.committers.refuse_late(turn);
        self.next_committers.refuse_late(turn);
        self.leavers.refuse_late(turn);
    }
}
