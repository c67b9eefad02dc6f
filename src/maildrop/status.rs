//! What `.pop3fs/status` tells.

use serde::Serialize;

use super::handle::Maildrop;
use super::locked;

/// The state of a mount; the names of the fields are those of the JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The daemon.
    pub pid: u32,
    /// What is mounted, as it was given.
    pub source: String,
    /// The session.
    #[serde(flatten)]
    pub link: LinkStatus,
    /// Messages in the maildrop, marked ones included.
    pub messages: u64,
    /// Their octets, as far as is known.
    pub octets: u64,
    /// Messages marked for deletion, listed or not.
    pub marked: u64,
    /// Those of them that are not listed now.
    pub unlisted: u64,
    /// Whether a commit is under way.
    pub committing: bool,
    /// Whether somebody waits for a new listing.
    pub refreshing: bool,
    /// Whether somebody waits for the session to end.
    pub parking: bool,
    /// Whether nothing can be deleted.
    pub read_only: bool,
    /// Messages in memory.
    pub cache: CacheStatus,
    /// What the daemon has given up, as far as the kernel can see to it.
    pub sandbox: Vec<String>,
    /// Whether the process is there that has kept those rights.
    pub keeper: bool,
}

/// The session, and what went over the wire in the life of the mount.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LinkStatus {
    /// Where the session stands.
    pub session: SessionStatus,
    /// Why there is no session, if something went wrong.
    pub problem: Option<String>,
    /// When the maildrop was last listed; seconds since 1970.
    pub listed: Option<i64>,
    /// Whether the server lists a part of the maildrop, as it seems.
    pub partial: bool,
    /// Messages that came since the first listing.
    pub arrived: u64,
    /// Messages that left the maildrop, and not by a commit of this mount.
    pub vanished: u64,
    /// How the last session was logged in to, and whether in TLS, for people.
    pub login: Option<String>,
    /// The capabilities that the server announced, as it wrote them.
    pub capabilities: Vec<String>,
    /// Traffic.
    pub transfer: TransferStatus,
}

/// Where the session stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionStatus {
    /// There is none: something went wrong, or it has not begun yet.
    #[default]
    Disconnected,
    /// There is none, because nobody needs one.
    Parked,
    /// One is being made.
    Connecting,
    /// One is open.
    Connected,
}

/// Traffic in the life of the mount.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct TransferStatus {
    /// Octets received, before TLS.
    pub received: u64,
    /// Octets sent, before TLS.
    pub sent: u64,
    /// Messages that RETR brought whole.
    pub retrieved: u64,
    /// Sessions opened.
    pub sessions: u64,
}

/// Messages in memory.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct CacheStatus {
    /// Octets that may be held.
    pub limit: u64,
    /// Octets held.
    pub used: u64,
    /// Messages held.
    pub messages: u64,
}

impl Maildrop {
    /// Everything for `.pop3fs/status`.
    pub fn status(&self) -> Status {
        let state = locked(&self.0.state);
        let totals = state.catalog.totals();
        let given_up = state.settings.sandbox.iter();
        Status {
            pid: std::process::id(),
            source: state.settings.source.clone(),
            link: state.link.clone(),
            messages: totals.messages,
            octets: totals.octets,
            marked: (state.catalog.marks() + state.unlisted.len()) as u64,
            unlisted: state.unlisted.len() as u64,
            committing: state.errands.have_commit(),
            refreshing: state.errands.have_refresh(),
            parking: state.errands.have_leave(),
            read_only: state.settings.read_only,
            cache: state.cache.status(),
            sandbox: given_up.map(|&name| name.to_owned()).collect(),
            keeper: !state.has_lost_keeper,
        }
    }

    /// The process is gone that finds passwords and writes the journal anew: what is mounted is served on
    /// for as long as nothing of that is needed.
    pub fn lose_keeper(&self) {
        locked(&self.0.state).has_lost_keeper = true;
    }
}
