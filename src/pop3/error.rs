//! What can go wrong in a conversation.

use std::error::Error;
use std::fmt;

use super::sasl::SaslError;

/// The server broke the protocol. After it nothing the server says can be believed, so the
/// connection stays unusable.
///
/// The server's words inside are printable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// A line grew past this many octets.
    LineTooLong(usize),
    /// A listing went on past this many lines.
    TooManyLines(u32),
    /// The server spoke while no reply was due; how it began. Servers do so before they hang up
    /// on an idle client, and when they have lost count.
    UnexpectedOctets(String),
    /// A line that is no reply stood where one was due.
    NotAReply(String),
    /// Octets in clear followed the reply to STLS; whoever put them there wanted them taken for
    /// what comes through TLS.
    PlaintextAfterStls,
    /// The login was given up, or the server's consent to it is worth nothing.
    Sasl(SaslError),
    /// One of the above happened before.
    Poisoned,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineTooLong(limit) => write!(f, "a line of more than {limit} octets"),
            Self::TooManyLines(limit) => write!(f, "a listing of more than {limit} lines"),
            Self::UnexpectedOctets(words) => write!(f, "it said \"{words}\" unasked"),
            Self::NotAReply(words) => write!(f, "\"{words}\" is no reply"),
            Self::PlaintextAfterStls => f.write_str(
                "octets in clear behind the reply to STLS; somebody may be tampering with the connection",
            ),
            Self::Sasl(error) => error.fmt(f),
            Self::Poisoned => f.write_str("the connection was given up after an earlier fault"),
        }
    }
}

impl Error for ProtocolError {}

impl From<SaslError> for ProtocolError {
    fn from(error: SaslError) -> Self {
        Self::Sasl(error)
    }
}

/// A command that was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// The named argument holds a CR, LF or NUL.
    Unsendable(&'static str),
    /// The line with this keyword would pass this many octets.
    LineTooLong(&'static str, usize),
    /// The greeting has no timestamp for APOP, or one that is not to be trusted.
    NoTimestamp,
    /// A reply is due that changes what may be said: the greeting, or that to STLS, AUTH, APOP,
    /// PASS or QUIT.
    NotYet,
    /// STLS was accepted, and TLS is not yet established.
    TlsPending,
    /// The connection was given up after a [`ProtocolError`].
    Poisoned,
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsendable(argument) => {
                write!(
                    f,
                    "the {argument} holds a CR, LF or NUL, which POP3 cannot carry"
                )
            }
            Self::LineTooLong(keyword, limit) => write!(
                f,
                "the {keyword} line would pass {limit} octets, which POP3 cannot carry"
            ),
            Self::NoTimestamp => f.write_str(
                "the server's greeting has no timestamp of the form <a@b>, so APOP cannot be used",
            ),
            Self::NotYet => f.write_str("the reply that decides what may be sent is still due"),
            Self::TlsPending => f.write_str("TLS is not established yet"),
            Self::Poisoned => f.write_str("the connection was given up after an earlier fault"),
        }
    }
}

impl Error for CommandError {}
