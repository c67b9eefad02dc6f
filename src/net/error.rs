//! Why there is no connection.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::{CertificateFault, Endpoint, Fingerprint, ProxyFault};

/// Why a connection was not made. Each message names what failed and says what to do.
#[derive(Debug)]
pub enum NetError {
    /// The host's name has no address.
    Resolve {
        /// Who was looked for.
        endpoint: Endpoint,
        /// What the resolver said.
        source: io::Error,
    },
    /// No address of the host took the connection; what the last one said.
    Connect {
        /// Who was called.
        endpoint: Endpoint,
        /// What the system said.
        source: io::Error,
    },
    /// The proxy cannot be reached; what kept us from it.
    NoProxy(Box<NetError>),
    /// The proxy passes nothing on.
    Proxy {
        /// Which proxy.
        proxy: Endpoint,
        /// Why.
        fault: ProxyFault,
    },
    /// The program that was to connect could not be run.
    Program {
        /// The program, without its arguments.
        program: String,
        /// What the system said.
        reason: String,
    },
    /// The program that was the connection has failed; how.
    ProgramFailed(String),
    /// The server's certificate was refused.
    Certificate {
        /// Whose certificate it is.
        endpoint: Endpoint,
        /// What is wrong with it.
        fault: CertificateFault,
    },
    /// The server's certificate is not the one that is expected.
    Fingerprint {
        /// Whose certificate it is.
        endpoint: Endpoint,
        /// The digest of the one that was shown, if one was.
        found: Option<Fingerprint>,
    },
    /// TLS did not come about for another reason than the certificate.
    Handshake {
        /// Who was spoken to.
        endpoint: Endpoint,
        /// What went wrong.
        reason: String,
    },
    /// The file with certificate authorities cannot be used.
    CaFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The client certificate or its key cannot be used.
    ClientCertificate {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The time allowed had passed.
    TimedOut {
        /// Who was waited for.
        endpoint: Endpoint,
        /// What was waited for.
        step: Step,
        /// How long it was allowed to take.
        bound: Duration,
    },
    /// The system refused something that does not depend on the server.
    Io(io::Error),
}

/// What a connection was waiting for when its time was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An address that takes the connection.
    Connect,
    /// The end of the TLS handshake.
    Handshake,
}

/// The reasons where the server, or we, will not have the other's version of TLS.
const VERSIONS: [&str; 2] = ["alert protocol version", "unsupported protocol"];

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve { endpoint, source } => write!(
                f,
                "cannot find {endpoint}: {source}; check the name, and that the network is up"
            ),
            Self::Connect { endpoint, source } => write!(
                f,
                "cannot connect to {endpoint}: {source}; check host and port, and that the server runs"
            ),
            Self::NoProxy(error) => write!(f, "the proxy (--proxy) cannot be reached: {error}"),
            Self::Proxy { proxy, fault } => write!(f, "the proxy {proxy} does not serve: {fault}"),
            Self::Program { program, reason } => write!(
                f,
                "cannot run the connect command {program}: {reason}; it is looked for in PATH and \
                 run without a shell"
            ),
            Self::ProgramFailed(words) => f.write_str(words),
            Self::Certificate { endpoint, fault } => {
                write!(f, "the certificate of {endpoint} is refused: {fault}")
            }
            Self::Fingerprint { endpoint, found } => {
                write!(f, "the certificate of {endpoint} is refused: ")?;
                match found {
                    Some(found) => write!(f, "its fingerprint is {found}, another than was given")?,
                    None => f.write_str("none was shown")?,
                }
                f.write_str("; find out whether the server has a new one before you trust it")
            }
            Self::Handshake { endpoint, reason } => {
                let advice = advice(reason);
                write!(f, "cannot start TLS with {endpoint}: {reason}; {advice}")
            }
            Self::CaFile { path, reason } => write!(
                f,
                "cannot use the CA file {}: {reason}; it must hold certificates in PEM form",
                path.display()
            ),
            Self::ClientCertificate { path, reason } => write!(
                f,
                "cannot use the client certificate or key in {}: {reason}",
                path.display()
            ),
            Self::TimedOut {
                endpoint,
                step,
                bound,
            } => write!(
                f,
                "{endpoint} did not {step} within {} s; check host and port, or try again",
                bound.as_secs_f32()
            ),
            Self::Io(source) => write!(f, "cannot set up a connection: {source}"),
        }
    }
}

/// What to do about a handshake that has failed for a reason of OpenSSL's.
fn advice(reason: &str) -> &'static str {
    let is_about_versions = |words: &&str| reason.contains(words);
    if VERSIONS.iter().any(is_about_versions) {
        "the server speaks only versions of TLS that are older than --tls-min, or than 1.2"
    } else {
        "check that this port speaks TLS so (995: from the start, 110: after STLS)"
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "take the connection",
            Self::Handshake => "finish the TLS handshake",
        })
    }
}

impl std::error::Error for NetError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Resolve { source, .. } | Self::Connect { source, .. } | Self::Io(source) => {
                Some(source)
            }
            Self::NoProxy(error) => Some(error),
            Self::Proxy { .. }
            | Self::Program { .. }
            | Self::ProgramFailed(_)
            | Self::Certificate { .. }
            | Self::Fingerprint { .. }
            | Self::Handshake { .. }
            | Self::CaFile { .. }
            | Self::ClientCertificate { .. }
            | Self::TimedOut { .. } => None,
        }
    }
}

impl From<io::Error> for NetError {
    fn from(source: io::Error) -> Self {
        Self::Io(source)
    }
}
