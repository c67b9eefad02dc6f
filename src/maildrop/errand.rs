//! Requests about the whole maildrop.

use std::mem;
use std::sync::Arc;

use super::clock::Moment;
use super::reader::Answer;
use super::report::CommitReport;
use super::terms::Terms;

/// A request about the whole maildrop.
pub(super) enum Errand {
    /// Have a session, and its listing; `until` then.
    Connect { until: Moment, answer: Answer<()> },
    /// Have a listing that begins after this request.
    Refresh { until: Moment, answer: Answer<()> },
    /// Write the journal anew, which is out of date.
    WriteJournal,
    /// Delete the marked messages.
    Commit {
        until: Moment,
        terms: Terms,
        answer: Answer<Arc<CommitReport>>,
    },
    /// End the session in good order.
    Leave { until: Moment, answer: Answer<()> },
}

/// The requests that the engine has still to take, and what became of those that it took.
#[derive(Default)]
pub(super) struct Errands {
    waiting: Vec<Errand>,
    pub under_way: UnderWay,
}

/// What the engine is about.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct UnderWay {
    /// A commit, which holds the marked messages.
    pub commit: bool,
    /// A listing that somebody waits for.
    pub refresh: bool,
    /// The end of the session, which somebody waits for.
    pub leave: bool,
}

impl Errands {
    pub fn push(&mut self, errand: Errand) {
        self.waiting.push(errand);
    }

    /// Those that wait, in order of asking; the engine has taken them then.
    pub fn take(&mut self) -> Vec<Errand> {
        mem::take(&mut self.waiting)
    }

    /// Whether a commit is asked for or under way.
    pub fn have_commit(&self) -> bool {
        self.under_way.commit || self.wait(|errand| matches!(errand, Errand::Commit { .. }))
    }

    /// Whether a new listing is asked for or under way.
    pub fn have_refresh(&self) -> bool {
        self.under_way.refresh || self.wait(|errand| matches!(errand, Errand::Refresh { .. }))
    }

    /// Whether the end of the session is asked for or under way.
    pub fn have_leave(&self) -> bool {
        self.under_way.leave || self.wait(|errand| matches!(errand, Errand::Leave { .. }))
    }

    fn wait(&self, is_such: impl Fn(&Errand) -> bool) -> bool {
        self.waiting.iter().any(is_such)
    }
}
