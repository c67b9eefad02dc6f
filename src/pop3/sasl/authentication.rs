//! A mechanism with all that it needs.

use super::client::Client;
use super::cram_md5::CramMd5;
use super::external::external;
use super::login::Login;
use super::oauth::{OAuthBearer, XOAuth2};
use super::plain::plain;
use super::scram::Scram;
use super::{Hash, Mechanism};
use crate::pop3::command::check_sendable;
use crate::pop3::{CommandError, Secret};

/// Who logs in, and how that is proved.
#[derive(Clone, Copy, Debug)]
pub enum Authentication<'a> {
    /// The server knows a salted digest of the password, and proves that it does.
    Scram {
        /// The digest.
        hash: Hash,
        /// Who, with the password.
        account: Account<'a>,
        /// Printable characters without a comma, not to be guessed, never used before.
        nonce: &'a str,
        /// Whether the channel takes part in the proof.
        binding: ChannelBinding<'a>,
    },
    /// A digest of the password and the server's challenge.
    CramMd5(Account<'a>),
    /// Login and password.
    Plain(Account<'a>),
    /// Login and password, each when it is asked for.
    Login(Account<'a>),
    /// A token of OAuth 2.
    OAuthBearer {
        /// Who, with the token.
        account: Account<'a>,
        /// The host that was connected to.
        host: &'a str,
        /// Its port.
        port: u16,
    },
    /// A token of OAuth 2, as Google and Microsoft wanted it first.
    XOAuth2(Account<'a>),
    /// The client certificate, shown in the TLS handshake.
    External {
        /// The mailbox.
        login: &'a str,
    },
}

/// A login, and the password or token that goes with it.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// The name of the mailbox.
    pub login: &'a str,
    /// What proves it.
    pub secret: &'a Secret,
}

/// What SCRAM says of the TLS channel (RFC 5802 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelBinding<'a> {
    /// It is not looked at.
    Unused,
    /// The client would look at it, and the server did not announce that it can: if it did and
    /// somebody took that away, the server refuses.
    NotAnnounced,
    /// The proof holds for this channel only.
    Bound {
        /// What the channel is known by, as it is registered: `tls-exporter` (RFC 9266).
        name: &'a str,
        /// What that is.
        octets: &'a [u8],
    },
}

impl Authentication<'_> {
    /// The mechanism.
    pub fn mechanism(&self) -> Mechanism {
        match self {
            Self::Scram { hash, binding, .. } => match (hash, binding) {
                (Hash::Sha256, ChannelBinding::Bound { .. }) => Mechanism::ScramSha256Plus,
                (Hash::Sha1, ChannelBinding::Bound { .. }) => Mechanism::ScramSha1Plus,
                (Hash::Sha256, _) => Mechanism::ScramSha256,
                (Hash::Sha1, _) => Mechanism::ScramSha1,
            },
            Self::CramMd5(_) => Mechanism::CramMd5,
            Self::Plain(_) => Mechanism::Plain,
            Self::Login(_) => Mechanism::Login,
            Self::OAuthBearer { .. } => Mechanism::OAuthBearer,
            Self::XOAuth2(_) => Mechanism::XOAuth2,
            Self::External { .. } => Mechanism::External,
        }
    }

    /// The password or token.
    pub(in crate::pop3) fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Scram { account, .. } | Self::OAuthBearer { account, .. } => Some(account.secret),
            Self::CramMd5(account)
            | Self::Plain(account)
            | Self::Login(account)
            | Self::XOAuth2(account) => Some(account.secret),
            Self::External { .. } => None,
        }
    }

    /// The client's side of it, at its beginning.
    pub(super) fn client(&self) -> Result<Box<dyn Client>, CommandError> {
        self.check()?;
        Ok(match *self {
            Self::Scram {
                hash,
                account,
                nonce,
                binding,
            } => Box::new(Scram::new(hash, account, nonce, binding)),
            Self::CramMd5(account) => Box::new(CramMd5::new(account)),
            Self::Plain(account) => Box::new(plain(account)),
            Self::Login(account) => Box::new(Login::new(account)),
            Self::OAuthBearer {
                account,
                host,
                port,
            } => Box::new(OAuthBearer::new(account, host, port)),
            Self::XOAuth2(account) => Box::new(XOAuth2::new(account)),
            Self::External { login } => Box::new(external(login)),
        })
    }

    /// No mechanism can carry these; in some they would part one field from the next.
    fn check(&self) -> Result<(), CommandError> {
        check_sendable("login", self.login())?;
        check_sendable("password", self.secret().map_or("", Secret::expose))
    }

    fn login(&self) -> &str {
        match self {
            Self::Scram { account, .. } | Self::OAuthBearer { account, .. } => account.login,
            Self::CramMd5(account)
            | Self::Plain(account)
            | Self::Login(account)
            | Self::XOAuth2(account) => account.login,
            Self::External { login } => login,
        }
    }
}
