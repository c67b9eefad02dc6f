//! What a mount is meant to do, as far as the maildrop is concerned.

use std::time::Duration;

use super::message::Size;
use super::session::Method;
use crate::net::Security;

/// What is fetched whole before it can be read: less than a blink on most links, and more than
/// almost all mail.
pub const LONG: u64 = 1 << 20;

/// A message of so many octets is kept in memory, however small the cache is.
pub const IN_MEMORY: usize = 8 << 20;

/// The longest message that is fetched, in octets, where nothing else is asked for. No mail system
/// passes on a tenth of it; a server that goes on beyond means to fill our disk.
const MESSAGE_MAX: u64 = 1 << 31;

/// The settings of a maildrop.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What is mounted, for `status`; holds no secret.
    pub source: String,
    /// What the process has given up, for `status`.
    pub sandbox: Vec<&'static str>,
    /// How the link is protected.
    pub security: Security,
    /// The only way to log in that is to be tried; else it is the strongest.
    pub method: Option<Method>,
    /// The tag of the language that the server is to speak.
    pub language: Option<String>,
    /// The ending of all file names; empty, or at most 32 octets.
    pub suffix: String,
    /// Octets of messages to keep in memory.
    pub cache_size: usize,
    /// The longest message that is kept in memory though it be more than half of that, in octets.
    pub in_memory: usize,
    /// Octets of messages to fetch at most before anybody has asked for them.
    pub read_ahead: u64,
    /// The longest message that is fetched, in octets, where the usual limit is not wanted.
    pub message_max: Option<u64>,
    /// A message listed with more octets can be read while it arrives.
    pub long: u64,
    /// Whether the beginning of such a message may be asked for by itself.
    pub top: bool,
    /// How long a request may take.
    pub timeout: Duration,
    /// How long a session may be without work before it is ended; for ever if none.
    pub idle: Option<Duration>,
    /// What chance there is in the life of the mount begins with this.
    pub seed: u64,
    /// How often to look for new mail while programs use the maildrop; never if none.
    pub refresh: Option<Duration>,
    /// Whether nothing can be deleted.
    pub read_only: bool,
    /// Whether each commit is held against a new listing, where those who ask for it do not say.
    pub verify_commit: bool,
    /// How many messages a commit deletes in one session, at most.
    pub commit_every: Option<u64>,
    /// How many messages a commit may delete that were never read to the end; any number, if none.
    pub delete_guard: Option<u64>,
    /// Whether all sizes are to be learned by fetching everything.
    pub exact_sizes: bool,
}

impl Settings {
    /// Those of a mount that wants nothing special: it fetches nothing unasked, ends no session, and
    /// looks for no mail.
    pub fn new(source: String, security: Security) -> Self {
        Self {
            source,
            sandbox: Vec::new(),
            security,
            method: None,
            language: None,
            suffix: String::new(),
            cache_size: 1 << 20,
            in_memory: IN_MEMORY,
            read_ahead: 0,
            message_max: None,
            long: LONG,
            top: true,
            timeout: Duration::from_secs(60),
            idle: None,
            seed: 1,
            refresh: None,
            read_only: false,
            verify_commit: false,
            commit_every: None,
            delete_guard: None,
            exact_sizes: false,
        }
    }

    /// The longest message that is fetched, in octets.
    pub(super) fn message_limit(&self) -> u64 {
        self.message_max.unwrap_or(MESSAGE_MAX)
    }

    /// Whether a message of this size is not to be fetched. Where no limit was asked for, it is: the
    /// server may only have listed a wrong size.
    pub(super) fn is_too_long(&self, size: Size) -> bool {
        self.message_max.is_some_and(|limit| size.shown() > limit)
    }
}
