//! The link: where it stands, and when the next one may be made.

use std::time::Duration;

use super::super::clock::Moment;
use super::super::error::Error;
use super::super::schedule::Flight;
use super::super::session::Session;

/// Links that may fail in a row before those who wait are told.
const FAILURES_MAX: u32 = 4;

/// The pause after the first failure; each further one doubles it, to less than a request may take:
/// who asks when the server is back must not wait in vain.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// A refused login is not tried again for so long: accounts get locked.
pub(super) const REFUSED_PAUSE: Duration = Duration::from_secs(300);

/// How long a server may take to close the link after QUIT. Courier deletes only then, and a
/// login before it sees the old maildrop.
const PARTING: Duration = Duration::from_secs(5);

/// The link.
#[derive(Default)]
pub(super) struct Link {
    pub stage: Stage,
    /// Links in a row that came to no session.
    failures: u32,
    /// Sessions in a row that were lost before they were of use.
    losses: u32,
    /// When the next one may be made.
    not_before: Option<Moment>,
    /// What the last login was refused with, if it was.
    refused: Option<Error>,
    /// When a link will be made that is wanted already.
    retry_at: Option<Moment>,
}

/// Where the link stands.
#[derive(Default)]
pub(super) enum Stage {
    /// There is none.
    #[default]
    Down,
    /// It is being made.
    Connecting,
    /// The TLS handshake that STLS asked for is being made.
    StartingTls(Session),
    /// Something is, or can be, said.
    Up(Session),
    /// All has been said, and the server is to hang up.
    Parting {
        /// The end of our patience.
        until: Moment,
    },
}

/// What may be done for one who wants a link.
pub(super) enum Permission {
    /// One may be made now.
    Granted,
    /// Not yet: it will be made in time.
    Deferred,
    /// The server has refused the login just now.
    Refused(Error),
}

impl Link {
    pub fn is_down(&self) -> bool {
        matches!(self.stage, Stage::Down)
    }

    /// Whether there is none, or the server has answered QUIT.
    pub fn has_no_session(&self) -> bool {
        matches!(self.stage, Stage::Down | Stage::Parting { .. })
    }

    pub fn is_listed(&self) -> bool {
        self.session().is_some_and(Session::is_listed)
    }

    pub fn is_retired(&self) -> bool {
        self.session().is_some_and(Session::is_retired)
    }

    pub fn session(&self) -> Option<&Session> {
        match &self.stage {
            Stage::Up(session) => Some(session),
            _ => None,
        }
    }

    pub fn session_mut(&mut self) -> Option<&mut Session> {
        match &mut self.stage {
            Stage::Up(session) => Some(session),
            _ => None,
        }
    }

    /// What is in flight, and how many octets should be.
    pub fn flight(&self) -> Option<(Flight, u64)> {
        let session = self.session()?;
        Some((session.flight(), session.window()))
    }

    /// When something is due.
    pub fn deadline(&self) -> Option<Moment> {
        match &self.stage {
            Stage::Down => self.retry_at,
            Stage::Connecting | Stage::StartingTls(_) => None,
            Stage::Up(session) => session.deadline(),
            Stage::Parting { until } => Some(*until),
        }
    }

    /// Whether a link may be made for somebody who wants one now.
    pub fn permission(&mut self, now: Moment) -> Permission {
        let later = self.not_before.filter(|&moment| now < moment);
        match (later, self.refused.clone()) {
            (None, _) => Permission::Granted,
            (Some(_), Some(error)) => Permission::Refused(error),
            (Some(_), None) => {
                self.retry_at = later;
                Permission::Deferred
            }
        }
    }

    /// Nobody wants a link that is not there.
    pub fn rest(&mut self) {
        self.retry_at = None;
    }

    /// Whether the last login was refused.
    pub fn is_locked_out(&self) -> bool {
        self.refused.is_some()
    }

    /// A link is being made.
    pub fn connecting(&mut self) {
        self.stage = Stage::Connecting;
        self.refused = None;
    }

    /// A session came of it.
    pub fn opened(&mut self) {
        self.failures = 0;
        self.not_before = None;
    }

    /// QUIT has been answered.
    pub fn parting(&mut self, now: Moment) {
        let until = now + PARTING;
        self.stage = Stage::Parting { until };
    }

    /// The login was refused.
    pub fn locked_out(&mut self, error: Error, now: Moment) {
        self.not_before = Some(now + REFUSED_PAUSE);
        self.refused = Some(error);
    }

    /// No session came of a link: the next must wait. Whether that has happened too often.
    pub fn failed(&mut self, now: Moment) -> bool {
        self.not_before = Some(now + pause(self.failures));
        self.failures = self.failures.saturating_add(1);
        self.failures >= FAILURES_MAX
    }

    /// A session was lost at work. That happens, and is made good at once; but where it happens
    /// again and again, the next must wait.
    pub fn lost(&mut self, now: Moment) {
        let again = self.losses.checked_sub(1);
        self.not_before = again.map(|times| now + pause(times));
        self.losses = self.losses.saturating_add(1);
    }

    /// A session has been of use.
    pub fn served(&mut self) {
        self.losses = 0;
    }
}

/// What to wait after as many failures before.
fn pause(failures: u32) -> Duration {
    PAUSE.saturating_mul(1 << failures.min(16)).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::since_1970(Duration::from_secs(seconds))
    }

    fn retry(link: &mut Link, now: Moment) -> Option<Moment> {
        link.rest();
        link.permission(now);
        link.deadline()
    }

    #[test]
    fn pauses_grow_to_a_bound_and_start_anew_with_a_session() {
        let mut link = Link::default();
        let pauses: Vec<Duration> = std::iter::repeat_with(|| {
            link.failed(at(0));
            retry(&mut link, at(0)).unwrap() - at(0)
        })
        .take(20)
        .collect();
        assert_eq!(pauses[..3], [PAUSE, 2 * PAUSE, 4 * PAUSE]);
        assert_eq!(pauses[19], PAUSE_MAX);
        link.opened();
        assert_eq!(retry(&mut link, at(0)), None);
    }

    #[test]
    fn the_first_loss_is_made_good_at_once_and_no_other_before_a_success() {
        let mut link = Link::default();
        let lose = |link: &mut Link| {
            link.lost(at(0));
            retry(link, at(0))
        };
        assert_eq!(lose(&mut link), None);
        assert_eq!(lose(&mut link), Some(at(0) + PAUSE));
        assert_eq!(lose(&mut link), Some(at(0) + 2 * PAUSE));
        link.served();
        assert_eq!(lose(&mut link), None);
    }

    #[test]
    fn a_refused_login_stands_for_a_while() {
        let mut link = Link::default();
        link.locked_out(Error::ReadOnly, at(0));
        assert!(matches!(link.permission(at(1)), Permission::Refused(_)));
        assert_eq!(link.deadline(), None);
        let later = at(0) + REFUSED_PAUSE;
        assert!(matches!(link.permission(later), Permission::Granted));
    }
}
