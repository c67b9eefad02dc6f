//! What can go wrong between a request and the maildrop.

use std::fmt;
use std::io;

/// Why a request about a message, or about the whole maildrop, was not met.
///
/// Server words inside are printable already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// No such message, or it is not in that place.
    NotFound,
    /// The message is no longer in the maildrop, and not whole in memory.
    Vanished,
    /// The server now gives other bytes for this message than it gave before.
    Changed,
    /// The program was shown the size that the server lists, and it is not that of the message.
    Mislisted {
        /// What it was shown.
        listed: u64,
        /// What the message has.
        exact: u64,
    },
    /// The message has more octets than any may have; how many those are.
    TooLong(u64),
    /// The server refused this message; its words.
    Refused(String),
    /// The server gives no more for now, as a limit of its own is reached; its words.
    Limited(String),
    /// The server broke the protocol; what was wrong.
    Protocol(String),
    /// There is no connection, and none could be made; why.
    Offline(Outage),
    /// The server refused the login; how.
    LoginRefused(String),
    /// The deadline passed first.
    TimedOut,
    /// A commit holds this message just now, or has left open whether it is deleted.
    Busy,
    /// The mount is read-only.
    ReadOnly,
    /// The server gives this message no unique-id, so it could not be found again to be deleted.
    NoUniqueId,
    /// The server keeps data of its own in this message.
    FolderData,
    /// The message is too long for memory, and the disk does not take it.
    Spill(io::ErrorKind),
    /// The journal could not be written; the message is not marked.
    Journal(io::ErrorKind),
    /// A commit did not come to a confirmed end; what happened.
    NotCommitted(String),
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// What kind of trouble it is; decides the exit status at the start.
    pub kind: OutageKind,
    words: String,
}

/// What keeps a connection from being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutageKind {
    /// The host's name has no address.
    NoHost,
    /// Nothing answers there, or it does not offer what is needed.
    Unreachable,
    /// TLS did not come about, or the certificate is refused.
    Tls,
    /// The server broke the protocol.
    Protocol,
    /// The server is there, and asks to come back later.
    Busy,
    /// There was a connection, and it was lost.
    Lost,
    /// There is no password to log in with.
    NoPassword,
    /// Somebody who was asked for it would not go on.
    Interrupted,
    /// The local system refused something.
    Local,
}

impl Outage {
    /// An outage of this kind; `words` tell a person what happened and what to do.
    pub fn new(kind: OutageKind, words: impl Into<String>) -> Self {
        Self {
            kind,
            words: words.into(),
        }
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("no such message"),
            Self::Vanished => f.write_str("the message is no longer in the maildrop"),
            Self::Changed => f.write_str("the server now gives other bytes for this message"),
            Self::Mislisted { listed, exact } => write!(
                f,
                "the server lists {listed} octets, and the message has {exact}; open it again"
            ),
            Self::TooLong(limit) => write!(
                f,
                "the message has more than {limit} octets; --max-message-size allows more"
            ),
            Self::Refused(words) => write!(f, "the server refused the message: \"{words}\""),
            Self::Limited(words) => write!(f, "the server gives no more for now: \"{words}\""),
            Self::Protocol(what) => write!(f, "the server broke the protocol: {what}"),
            Self::Offline(outage) => outage.fmt(f),
            Self::LoginRefused(how) => write!(f, "the server refused the login: {how}"),
            Self::TimedOut => f.write_str("no answer came in time"),
            Self::Busy => {
                f.write_str("a commit is at the message, or has left open whether it is deleted")
            }
            Self::ReadOnly => f.write_str("the mount is read-only"),
            Self::FolderData => f.write_str(
                "the server keeps data of its own in the message, which is not to be deleted",
            ),
            Self::NoUniqueId => f.write_str("the server gives the message no unique-id"),
            Self::Spill(kind) => write!(
                f,
                "cannot keep a message that is too long for memory: {kind}; TMPDIR names another place"
            ),
            Self::Journal(kind) => write!(f, "cannot write the journal: {kind}"),
            Self::NotCommitted(what) => write!(f, "not committed: {what}"),
        }
    }
}

impl std::error::Error for Error {}
