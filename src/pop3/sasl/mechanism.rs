//! The names of what both sides may know.

use std::fmt;

/// A SASL mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// SCRAM-SHA-256 bound to the TLS channel (RFC 7677).
    ScramSha256Plus,
    /// SCRAM-SHA-1 bound to the TLS channel (RFC 5802).
    ScramSha1Plus,
    /// The server learns nothing of the password that it does not know, and proves that it knows
    /// it (RFC 7677).
    ScramSha256,
    /// The same with an older digest (RFC 5802).
    ScramSha1,
    /// A digest of the password and a challenge (RFC 2195).
    CramMd5,
    /// Login and password (RFC 4616).
    Plain,
    /// Login and password, each asked for (draft-murchison-sasl-login).
    Login,
    /// A token (RFC 7628).
    OAuthBearer,
    /// A token, in the way that was before (Google's and Microsoft's documentation).
    XOAuth2,
    /// The client certificate of the TLS handshake (RFC 4422 appendix A).
    External,
}

impl Mechanism {
    /// The name by which it is registered, and announced.
    pub fn name(self) -> &'static str {
        match self {
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::CramMd5 => "CRAM-MD5",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::XOAuth2 => "XOAUTH2",
            Self::External => "EXTERNAL",
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
