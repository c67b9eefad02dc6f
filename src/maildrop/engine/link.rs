//! The link: where it stands, and when the next one may be made.

use std::time::Duration;

use super::super::clock::Moment;
use super::super::schedule::Flight;
use super::super::session::Session;
use super::restraint::Restraint;

/// How long a link may take to make: a password command 60 s, an address and TLS 30 s, and the rest
/// is for the name service, which may hang for ever.
const CONNECTING: Duration = Duration::from_secs(120);

/// How long a server may take to close the link after QUIT. Courier deletes only then, and a
/// login before it sees the old maildrop.
const PARTING: Duration = Duration::from_secs(5);

/// The link there is, if there is one, and the pause before the next.
pub(super) struct Link {
    pub stage: Stage,
    pub restraint: Restraint,
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
    Connecting {
        /// The end of our patience.
        until: Moment,
    },
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

impl Link {
    /// None yet; the pauses between links vary with the seed.
    pub fn new(seed: u64) -> Self {
        Self {
            stage: Stage::default(),
            restraint: Restraint::new(seed),
            retry_at: None,
        }
    }

    pub fn is_down(&self) -> bool {
        matches!(self.stage, Stage::Down)
    }

    pub fn is_connecting(&self) -> bool {
        matches!(self.stage, Stage::Connecting { .. })
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

    /// What is in flight.
    pub fn flight(&self) -> Option<Flight> {
        self.session().map(Session::flight)
    }

    /// When something is due.
    pub fn deadline(&self) -> Option<Moment> {
        match &self.stage {
            Stage::Down => self.retry_at,
            // The handshake is bounded by whoever makes it.
            Stage::StartingTls(_) => None,
            Stage::Up(session) => session.deadline(),
            Stage::Connecting { until } | Stage::Parting { until } => Some(*until),
        }
    }

    /// A link is wanted, and will be made then.
    pub fn await_permission(&mut self, moment: Moment) {
        self.retry_at = Some(moment);
    }

    /// Nobody wants a link that is not there.
    pub fn rest(&mut self) {
        self.retry_at = None;
    }

    /// A link is being made.
    pub fn connecting(&mut self, now: Moment) {
        let until = now + CONNECTING;
        self.stage = Stage::Connecting { until };
        self.restraint.connecting();
    }

    /// QUIT has been answered.
    pub fn parting(&mut self, now: Moment) {
        let until = now + PARTING;
        self.stage = Stage::Parting { until };
    }
}
