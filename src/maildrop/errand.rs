//! What is asked of the whole maildrop, until the engine has taken it and is done with it.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::clock::Moment;
use super::handle::Maildrop;
use super::locked;
use super::reader::Answer;
use super::report::CommitReport;
use super::terms::Terms;

/// A request about the whole maildrop.
pub(super) enum Errand {
    /// Have a session, and its listing; `until` then.
    Connect { until: Moment, answer: Answer<()> },
    /// Have a listing that begins after this request, maybe by a login that was refused just now.
    Refresh {
        until: Moment,
        even_refused: bool,
        answer: Answer<()>,
    },
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

/// The requests that the engine has still to take, and what it is about.
#[derive(Default)]
pub(super) struct Errands {
    waiting: Vec<Errand>,
    pub under_way: UnderWay,
}

/// Which of the requests that the engine took are not done.
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

impl Maildrop {
    /// Makes sure that there is a session, and with it a listing. The first failure is the answer.
    pub fn connect(&self, answer: Answer<()>) {
        self.errand(|until| Errand::Connect { until, answer });
    }

    /// The same for one who can wait so long, or has a person to ask meanwhile.
    pub fn connect_within(&self, patience: Duration, answer: Answer<()>) {
        let until = self.now() + patience;
        self.send(Errand::Connect { until, answer });
    }

    /// Lists the maildrop anew, in a new session, which is the only way to see what has come and
    /// gone. A refused login is tried again. The first failure is the answer.
    pub fn refresh(&self, answer: Answer<()>) {
        self.list_anew(true, answer);
    }

    /// The same for one who has put nothing right: a refused login is not tried before its time.
    pub fn look(&self, answer: Answer<()>) {
        self.list_anew(false, answer);
    }

    fn list_anew(&self, even_refused: bool, answer: Answer<()>) {
        self.errand(|until| Errand::Refresh {
            until,
            even_refused,
            answer,
        });
    }

    /// Ends the session in good order, so that others can have the maildrop, until one is needed.
    pub fn park(&self, answer: Answer<()>) {
        self.errand(|until| Errand::Leave { until, answer });
    }

    /// Deletes the marked messages on the server. Answered when the outcome is known, or when the
    /// deadline of a request has passed; the commit itself goes on then.
    pub fn commit(&self, terms: Terms, answer: Answer<Arc<CommitReport>>) {
        self.errand(|until| Errand::Commit {
            until,
            terms,
            answer,
        });
    }

    /// The same for one who can wait so long.
    pub fn commit_within(
        &self,
        patience: Duration,
        terms: Terms,
        answer: Answer<Arc<CommitReport>>,
    ) {
        let until = self.now() + patience;
        self.send(Errand::Commit {
            until,
            terms,
            answer,
        });
    }

    /// Ends the session in good order, which deletes nothing.
    pub fn leave(&self, patience: Duration, answer: Answer<()>) {
        let until = self.now() + patience;
        self.send(Errand::Leave { until, answer });
    }

    fn errand(&self, errand: impl FnOnce(Moment) -> Errand) {
        self.send(errand(self.deadline()));
    }

    pub(super) fn send(&self, errand: Errand) {
        locked(&self.0.state).errands.push(errand);
        (self.0.surroundings.wake)();
    }
}
