//! Who logs in, and over what.

use crate::net::ChannelBinding;
use crate::pop3::Secret;

/// Who logs in.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The name of the mailbox.
    pub login: String,
    /// What proves that it is theirs.
    pub proof: Proof,
}

/// What proves a login.
#[derive(Clone, Debug)]
pub enum Proof {
    /// The mailbox's password.
    Password(Secret),
    /// A token of OAuth 2.
    Token(Secret),
    /// The client certificate of the TLS handshake.
    Certificate,
}

impl Proof {
    /// The password or token.
    pub(super) fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Password(secret) | Self::Token(secret) => Some(secret),
            Self::Certificate => None,
        }
    }
}

/// What is to be known of a link to log in over it.
#[derive(Clone, Debug)]
pub struct Channel {
    /// The host that was connected to.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Letters and digits that nobody can guess, never used before.
    pub nonce: String,
    /// The version of TLS, once there is TLS.
    pub tls: Option<&'static str>,
    /// What a proof can be bound to, once there is TLS.
    pub binding: Option<ChannelBinding>,
}
