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
    /// The server refused this message; its words.
    Refused(String),
    /// The server broke the protocol; what was wrong.
    Protocol(String),
    /// There is no connection, and none could be made; why.
    Offline(String),
    /// The server refused the login; its words.
    LoginRefused(String),
    /// The deadline passed first.
    TimedOut,
    /// A commit holds this message just now.
    Busy,
    /// The mount is read-only.
    ReadOnly,
    /// The server gives this message no unique-id, so it could not be found again to be deleted.
    NoUniqueId,
    /// The journal could not be written; the message is not marked.
    Journal(io::ErrorKind),
    /// A commit did not come to a confirmed end; what happened.
    NotCommitted(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("no such message"),
            Self::Vanished => f.write_str("the message is no longer in the maildrop"),
            Self::Changed => f.write_str("the server now gives other bytes for this message"),
            Self::Refused(words) => write!(f, "the server refused the message: \"{words}\""),
            Self::Protocol(what) => write!(f, "the server broke the protocol: {what}"),
            Self::Offline(why) => write!(f, "no connection to the server: {why}"),
            Self::LoginRefused(words) => write!(f, "the server refused the login: \"{words}\""),
            Self::TimedOut => f.write_str("the server did not answer in time"),
            Self::Busy => f.write_str("a commit holds the message just now"),
            Self::ReadOnly => f.write_str("the mount is read-only"),
            Self::NoUniqueId => f.write_str("the server gives the message no unique-id"),
            Self::Journal(kind) => write!(f, "cannot write the journal: {kind}"),
            Self::NotCommitted(what) => write!(f, "not committed: {what}"),
        }
    }
}

impl std::error::Error for Error {}
