//! The ways to log in, by name.

use clap::ValueEnum;

/// A way to log in that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LoginMethod {
    /// SASL SCRAM-SHA-256 bound to TLS.
    #[value(name = "scram-sha-256-plus")]
    ScramSha256Plus,
    /// SASL SCRAM-SHA-1 bound to TLS.
    #[value(name = "scram-sha-1-plus")]
    ScramSha1Plus,
    /// SASL SCRAM-SHA-256.
    #[value(name = "scram-sha-256")]
    ScramSha256,
    /// SASL SCRAM-SHA-1.
    #[value(name = "scram-sha-1")]
    ScramSha1,
    /// SASL CRAM-MD5.
    #[value(name = "cram-md5")]
    CramMd5,
    /// SASL PLAIN.
    Plain,
    /// SASL LOGIN.
    Login,
    /// SASL OAUTHBEARER, with a token.
    #[value(name = "oauthbearer")]
    OAuthBearer,
    /// SASL XOAUTH2, with a token.
    #[value(name = "xoauth2")]
    XOAuth2,
    /// SASL EXTERNAL, with a client certificate.
    External,
    /// APOP.
    Apop,
    /// USER and PASS.
    User,
}
