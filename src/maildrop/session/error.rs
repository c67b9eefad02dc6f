//! Why a session ends before its time.

use std::fmt;

use crate::pop3::{CommandError, ProtocolError};

/// Why a session cannot go on.
#[derive(Debug)]
pub(in super::super) enum SessionError {
    /// The server broke the protocol.
    Protocol(ProtocolError),
    /// Something cannot be said in POP3.
    Command(CommandError),
    /// A listing without end.
    TooManyMessages,
    /// A message without end.
    MessageTooLong,
}

impl SessionError {
    /// Whether the server has lost count of what it was asked, or never knew how to answer.
    pub fn is_desynchronised(&self) -> bool {
        matches!(self, Self::Protocol(_)) && !self.is_farewell()
    }

    /// Whether the server says farewell, as servers do to clients that have been silent for long.
    pub fn is_farewell(&self) -> bool {
        match self {
            Self::Protocol(ProtocolError::UnexpectedOctets(words)) => {
                words.to_ascii_uppercase().starts_with("-ERR")
            }
            _ => false,
        }
    }
}

impl From<ProtocolError> for SessionError {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(error)
    }
}

impl From<CommandError> for SessionError {
    fn from(error: CommandError) -> Self {
        Self::Command(error)
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A farewell to an idle client, most often; and no breach worth the name.
            Self::Protocol(ProtocolError::UnexpectedOctets(words)) => {
                write!(f, "the server said \"{words}\" unasked")
            }
            Self::Protocol(ProtocolError::Sasl(error)) => {
                write!(f, "the login was given up: {error}")
            }
            Self::Protocol(error) => write!(f, "the server broke the protocol: {error}"),
            Self::Command(error) => error.fmt(f),
            Self::TooManyMessages => f.write_str("the server's listing does not end"),
            Self::MessageTooLong => f.write_str("a message does not end"),
        }
    }
}
