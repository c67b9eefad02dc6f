//! What can be wrong with a command line beyond its grammar.

use std::fmt;
use std::io;

use super::SourceError;

/// Why options that are each well written make no sense.
#[derive(Debug)]
pub enum Misuse {
    /// The first word is none that can stand there; it holds no secret.
    NoVerb(String),
    /// A word more than there can be.
    Superfluous(String),
    /// The source cannot be understood.
    Source(SourceError),
    /// The proxy cannot be understood.
    Proxy(SourceError),
    /// The file of a proxy's password, and no proxy.
    PasswordWithoutProxy,
    /// The key of a client certificate, and no certificate.
    KeyWithoutCertificate,
    /// The source and `--login` name different logins.
    TwoLogins,
    /// `--tls off` with a source that is TLS by its name.
    TlsOffForPop3s,
    /// `--tls off` for a server that is not on this machine.
    ClearOverNetwork {
        /// The server's host.
        host: String,
    },
    /// A token command together with a way to log in that takes none.
    TokenForPassword,
    /// `--auth external` without a client certificate.
    ExternalWithoutCertificate,
    /// A word after `-o` that we do not know; never its value, which may be a secret.
    UnknownWord(String),
    /// A word after `-o` lacks its value.
    WordWithoutValue(String),
    /// A path is empty, or relative while the current directory is unknown.
    Path(io::Error),
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoVerb(word) => write!(
                f,
                "'{}' is neither a verb nor a source (pop3s://[LOGIN@]HOST[:PORT])",
                word.escape_debug()
            ),
            Self::Superfluous(word) => write!(
                f,
                "unexpected argument '{}'; a path with spaces needs quotes",
                word.escape_debug()
            ),
            Self::Source(error) => error.fmt(f),
            Self::Proxy(SourceError::Password) => f.write_str(
                "a password does not belong in socks5://..., where everybody can see it; use \
                 --proxy-password-file or POP3FS_PROXY_PASSWORD (a colon that is part of the login \
                 is written %3A)",
            ),
            Self::Proxy(_) => f.write_str("the proxy must be socks5://[LOGIN@]HOST[:PORT]"),
            Self::PasswordWithoutProxy => f.write_str("--proxy-password-file needs --proxy"),
            Self::KeyWithoutCertificate => {
                f.write_str("--tls-client-key needs --tls-client-certificate")
            }
            Self::TwoLogins => {
                f.write_str("the source and --login name different logins; give one")
            }
            Self::TlsOffForPop3s => {
                f.write_str("a pop3s:// source is TLS from the start; --tls off needs pop3://")
            }
            Self::ClearOverNetwork { host } => write!(
                f,
                "without TLS, anyone between here and {host} can read the password and all mail; \
                 if that is acceptable, say --insecure-cleartext as well"
            ),
            Self::TokenForPassword => f.write_str(
                "--token-command gives a token, which only --auth oauthbearer and xoauth2 take",
            ),
            Self::ExternalWithoutCertificate => {
                f.write_str("--auth external needs --tls-client-certificate")
            }
            Self::UnknownWord(word) => write!(f, "unknown mount option '{word}'"),
            Self::WordWithoutValue(word) => {
                write!(f, "the mount option '{word}' needs a value: {word}=VALUE")
            }
            Self::Path(error) => write!(f, "a path cannot be used: {error}; give absolute paths"),
        }
    }
}

impl std::error::Error for Misuse {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Source(error) | Self::Proxy(error) => Some(error),
            Self::Path(error) => Some(error),
            _ => None,
        }
    }
}

impl From<SourceError> for Misuse {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}
