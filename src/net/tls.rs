//! TLS over a connected socket.

use std::fs;
use std::path::{Path, PathBuf};

use native_tls::{Certificate, HandshakeError, Protocol, TlsConnector};

use super::deadline::Deadline;
use super::socket::Socket;
use super::stream::Wire;
use super::{ClientCertificate, Endpoint, Fingerprint, NetError, Step, Stream};

/// How TLS is spoken, and how the server's certificate is judged. It always is.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// Certificate authorities in PEM form, trusted **instead of** the system's: whoever names
    /// one wants no other to vouch for the server.
    pub ca_file: Option<PathBuf>,
    /// The name the certificate must be made out to, where it is not the endpoint's host.
    pub server_name: Option<String>,
    /// The one certificate that is taken. With a CA file it must be good besides; without one,
    /// whatever else is said of it does not count.
    pub fingerprint: Option<Fingerprint>,
    /// The oldest version that is spoken.
    pub minimum: TlsVersion,
    /// By what the server knows us, if it asks.
    pub client_certificate: Option<ClientCertificate>,
}

/// A version of TLS that is fit for use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    #[default]
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

/// What is trusted, and the name that must be in the certificate.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    connector: TlsConnector,
    server_name: String,
    fingerprint: Option<Fingerprint>,
}

impl Tls {
    /// Reads the authorities and the client's certificate.
    ///
    /// # Errors
    ///
    /// [`NetError::CaFile`] and [`NetError::ClientCertificate`] if they cannot be used;
    /// [`NetError::Handshake`] if the TLS library cannot be set up.
    pub(super) fn new(endpoint: &Endpoint, options: &TlsOptions) -> Result<Self, NetError> {
        let mut builder = TlsConnector::builder();
        builder.min_protocol_version(Some(match options.minimum {
            TlsVersion::Tls12 => Protocol::Tlsv12,
            TlsVersion::Tls13 => Protocol::Tlsv13,
        }));
        if options.is_pinned_alone() {
            builder.danger_accept_invalid_certs(true);
            builder.danger_accept_invalid_hostnames(true);
        }
        if let Some(certificate) = &options.client_certificate {
            builder.identity(certificate.identity()?);
        }
        if let Some(path) = &options.ca_file {
            builder.disable_built_in_roots(true);
            for authority in authorities(path)? {
                builder.add_root_certificate(authority);
            }
        }
        let connector = builder.build().map_err(|error| refusal(endpoint, &error))?;
        let server_name = options.server_name.as_ref().unwrap_or(&endpoint.host);
        Ok(Self {
            connector,
            server_name: server_name.clone(),
            fingerprint: options.fingerprint,
        })
    }

    /// Makes the handshake over a socket that does not block, waiting no longer than allowed.
    ///
    /// # Errors
    ///
    /// [`NetError::Certificate`], [`NetError::Fingerprint`], [`NetError::Handshake`],
    /// [`NetError::TimedOut`].
    pub(super) fn handshake(
        &self,
        endpoint: &Endpoint,
        socket: Socket,
        deadline: &Deadline,
    ) -> Result<Stream, NetError> {
        let mut outcome = self.connector.connect(&self.server_name, Wire::new(socket));
        loop {
            match outcome {
                Ok(stream) => {
                    if let Some(fingerprint) = &self.fingerprint {
                        fingerprint.check(endpoint, &stream)?;
                    }
                    return Ok(Stream::tls(stream));
                }
                Err(HandshakeError::Failure(error)) => return Err(refusal(endpoint, &error)),
                Err(HandshakeError::WouldBlock(waiting)) => {
                    await_server(endpoint, waiting.get_ref(), deadline)?;
                    outcome = waiting.handshake();
                }
            }
        }
    }
}

impl TlsOptions {
    /// Whether nothing but its digest decides on a certificate.
    fn is_pinned_alone(&self) -> bool {
        self.fingerprint.is_some() && self.ca_file.is_none()
    }
}

/// A handshake only ever waits to read: what it sends is far smaller than a send buffer.
fn await_server(endpoint: &Endpoint, wire: &Wire, deadline: &Deadline) -> Result<(), NetError> {
    if deadline.wait_readable(wire)? {
        return Ok(());
    }
    Err(NetError::TimedOut {
        endpoint: endpoint.clone(),
        step: Step::Handshake,
        bound: deadline.bound(),
    })
}

fn authorities(path: &Path) -> Result<Vec<Certificate>, NetError> {
    let failure = |reason: String| NetError::CaFile {
        path: path.to_owned(),
        reason,
    };
    let text = fs::read(path).map_err(|error| failure(error.to_string()))?;
    let found = Certificate::stack_from_pem(&text)
        .map_err(|error| failure(plain_reason(&error.to_string()).to_owned()))?;
    if found.is_empty() {
        return Err(failure("there is no certificate in it".to_owned()));
    }
    Ok(found)
}

/// native-tls has no kinds of errors, so OpenSSL's words must tell a bad certificate from the
/// rest; its verdict on the certificate follows them in brackets.
fn refusal(endpoint: &Endpoint, error: &native_tls::Error) -> NetError {
    let words = error.to_string();
    let endpoint = endpoint.clone();
    if words.contains("certificate verify failed") {
        let reason = verdict(&words).to_owned();
        NetError::Certificate { endpoint, reason }
    } else {
        let reason = plain_reason(&words).to_owned();
        NetError::Handshake { endpoint, reason }
    }
}

fn verdict(words: &str) -> &str {
    let bracketed = words.strip_suffix(')').and_then(|w| w.rsplit_once('('));
    bracketed.map_or_else(|| plain_reason(words), |(_, verdict)| verdict)
}

/// The reason out of `error:CODE:library:function:reason:file:line:`; any other text as it is.
fn plain_reason(words: &str) -> &str {
    let reason = words
        .strip_prefix("error:")
        .and_then(|w| w.split(':').nth(3));
    reason.filter(|r| !r.is_empty()).unwrap_or(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: &str = "error:0A000086:SSL routines:tls_post_process_server_certificate:\
        certificate verify failed:../ssl/statem/statem_clnt.c:1889: (self-signed certificate)";

    #[test]
    fn the_verdict_on_a_certificate_is_what_stands_in_brackets() {
        assert_eq!(verdict(REFUSED), "self-signed certificate");
    }

    #[test]
    fn a_reason_is_freed_from_openssls_trappings() {
        assert_eq!(plain_reason(REFUSED), "certificate verify failed");
        assert_eq!(plain_reason("unexpected EOF"), "unexpected EOF");
    }

    fn ca_file_error(contents: Option<&str>) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        if let Some(contents) = contents {
            fs::write(&path, contents).unwrap();
        }
        let error = authorities(&path).err().unwrap();
        assert!(matches!(error, NetError::CaFile { .. }));
        error.to_string()
    }

    #[test]
    fn a_ca_file_must_be_there_and_hold_a_certificate() {
        assert!(ca_file_error(None).contains("No such file"));
        assert!(ca_file_error(Some("")).contains("no certificate in it"));
        assert!(ca_file_error(Some("hello\n")).contains("no certificate in it"));
    }

    #[test]
    fn a_broken_certificate_in_a_ca_file_is_an_error() {
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        ca_file_error(Some(broken));
    }
}
