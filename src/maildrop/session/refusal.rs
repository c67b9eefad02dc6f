//! What a refusal means for the next attempt (RFC 2449 section 8.1, RFC 3206).

use crate::pop3::{Reply, ResponseCode};

/// What a server gives for its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Refusal {
    /// Another session has the maildrop. The credentials are right.
    InUse,
    /// The last login is not long ago. The credentials are right.
    TooSoon,
    /// A fault of the server that may pass.
    Temporary,
    /// A fault of the server that somebody must mend.
    Permanent,
    /// The credentials are wrong.
    Credentials,
    /// None; it may be any of the above, and more.
    Unexplained,
}

impl Refusal {
    /// The meaning of a reply.
    pub fn of(reply: &Reply) -> Self {
        match reply.code() {
            Some(ResponseCode::InUse) => Self::InUse,
            Some(ResponseCode::LoginDelay) => Self::TooSoon,
            Some(ResponseCode::SysTemp) => Self::Temporary,
            Some(ResponseCode::SysPerm) => Self::Permanent,
            Some(ResponseCode::Auth) => Self::Credentials,
            Some(ResponseCode::Utf8 | ResponseCode::Other(_)) | None => Self::Unexplained,
        }
    }

    /// Whether the same may be granted later, with nobody doing anything about it.
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::InUse | Self::TooSoon | Self::Temporary)
    }

    /// What it says, for people; nothing where it is not explained.
    pub fn meaning(self) -> Option<&'static str> {
        match self {
            Self::InUse => Some("another client has the mailbox"),
            Self::TooSoon => Some("the server wants more time between logins"),
            Self::Temporary => Some("the server has a fault that may pass"),
            Self::Permanent => Some("the server has a fault that somebody there must mend"),
            Self::Credentials => Some("the login or the password is not right"),
            Self::Unexplained => None,
        }
    }
}
