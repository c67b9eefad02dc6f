//! TLS over a connected socket.

use std::fs;
use std::path::{Path, PathBuf};

use openssl::error::ErrorStack;
use openssl::ssl::{
    HandshakeError, MidHandshakeSslStream, Ssl, SslContext, SslContextBuilder, SslMethod, SslMode,
    SslVerifyMode, SslVersion,
};
use openssl::x509::X509;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::X509CheckFlags;

use super::deadline::Deadline;
use super::roots;
use super::socket::Socket;
use super::stream::Wire;
use super::{CertificateFault, ClientCertificate, Endpoint, Fingerprint, NetError, Step, Stream};

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

/// Ciphers that are out of question, where TLS 1.2 leaves the choice; of the others the library's
/// default is ours. Those of TLS 1.3 are all fit for use.
const CIPHERS: &str = "DEFAULT:!aNULL:!eNULL:!MD5:!3DES:!DES:!RC4:!IDEA:!SEED:!aDSS:!SRP:!PSK";

/// What is trusted, and the name that must be in the certificate.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    context: SslContext,
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
        let unusable = |errors: ErrorStack| refusal(endpoint, plain_reason(&errors));
        let authorities = options.ca_file.as_deref().map(authorities).transpose()?;
        let mut builder = context(options.minimum, authorities).map_err(unusable)?;
        if options.is_pinned_alone() {
            builder.set_verify(SslVerifyMode::NONE);
        }
        if let Some(certificate) = &options.client_certificate {
            let identity = certificate.identity()?;
            identity.present(&mut builder).map_err(unusable)?;
        }
        let server_name = options.server_name.as_ref().unwrap_or(&endpoint.host);
        Ok(Self {
            context: builder.build(),
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
        let unusable = |errors: ErrorStack| refusal(endpoint, plain_reason(&errors));
        let session = self.session().map_err(unusable)?;
        let mut outcome = session.connect(Wire::new(socket));
        loop {
            match outcome {
                Ok(stream) => {
                    if let Some(fingerprint) = &self.fingerprint {
                        fingerprint.check(endpoint, stream.ssl())?;
                    }
                    return Ok(Stream::tls(stream));
                }
                Err(HandshakeError::WouldBlock(waiting)) => {
                    await_server(endpoint, waiting.get_ref(), deadline)?;
                    outcome = waiting.handshake();
                }
                Err(HandshakeError::Failure(failed)) => return Err(verdict(endpoint, &failed)),
                Err(HandshakeError::SetupFailure(errors)) => return Err(unusable(errors)),
            }
        }
    }

    /// A session that is for one server only: its name is said to it (not its address, RFC 6066
    /// section 3), and must be in its certificate.
    fn session(&self) -> Result<Ssl, ErrorStack> {
        let mut session = Ssl::new(&self.context)?;
        let parameters = session.param_mut();
        parameters.set_hostflags(X509CheckFlags::NO_PARTIAL_WILDCARDS);
        match self.server_name.parse() {
            Ok(address) => parameters.set_ip(address)?,
            Err(_) => {
                parameters.set_host(&self.server_name)?;
                session.set_hostname(&self.server_name)?;
            }
        }
        Ok(session)
    }
}

impl TlsOptions {
    /// Whether nothing but its digest decides on a certificate.
    fn is_pinned_alone(&self) -> bool {
        self.fingerprint.is_some() && self.ca_file.is_none()
    }
}

/// What all sessions have in common. Without authorities, the system's count.
fn context(
    minimum: TlsVersion,
    authorities: Option<Vec<X509>>,
) -> Result<SslContextBuilder, ErrorStack> {
    let mut context = SslContext::builder(SslMethod::tls_client())?;
    context.set_min_proto_version(Some(match minimum {
        TlsVersion::Tls12 => SslVersion::TLS1_2,
        TlsVersion::Tls13 => SslVersion::TLS1_3,
    }))?;
    context.set_cipher_list(CIPHERS)?;
    context.set_verify(SslVerifyMode::PEER);
    context.set_cert_store(match authorities {
        Some(authorities) => store_of(authorities)?,
        None => roots::store()?,
    });
    // A write may take a part, and be tried again from where our buffer has moved to; a stream that
    // waits holds no buffers.
    context.set_mode(
        SslMode::AUTO_RETRY
            | SslMode::ENABLE_PARTIAL_WRITE
            | SslMode::ACCEPT_MOVING_WRITE_BUFFER
            | SslMode::RELEASE_BUFFERS,
    );
    Ok(context)
}

fn store_of(authorities: Vec<X509>) -> Result<X509Store, ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    for authority in authorities {
        store.add_cert(authority)?;
    }
    Ok(store.build())
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

fn authorities(path: &Path) -> Result<Vec<X509>, NetError> {
    let failure = |reason: String| NetError::CaFile {
        path: path.to_owned(),
        reason,
    };
    let text = fs::read(path).map_err(|error| failure(error.to_string()))?;
    let found = X509::stack_from_pem(&text).map_err(|errors| failure(plain_reason(&errors)))?;
    if found.is_empty() {
        return Err(failure("there is no certificate in it".to_owned()));
    }
    Ok(found)
}

/// Why a handshake has failed: what is wrong with the certificate, if that was it.
fn verdict(endpoint: &Endpoint, failed: &MidHandshakeSslStream<Wire>) -> NetError {
    let error = failed.error();
    let errors = error.ssl_error();
    let refused = errors.is_some_and(|it| plain_reason(it) == "certificate verify failed");
    match CertificateFault::of(failed.ssl().verify_result()).filter(|_| refused) {
        Some(fault) => NetError::Certificate {
            endpoint: endpoint.clone(),
            fault,
        },
        None => refusal(
            endpoint,
            errors.map_or_else(|| error.to_string(), plain_reason),
        ),
    }
}

fn refusal(endpoint: &Endpoint, reason: String) -> NetError {
    NetError::Handshake {
        endpoint: endpoint.clone(),
        reason,
    }
}

/// The first reason among OpenSSL's errors, without where in the library it was found.
pub(super) fn plain_reason(errors: &ErrorStack) -> String {
    let reason = errors.errors().first().and_then(|error| error.reason());
    reason.unwrap_or("OpenSSL does not say why").to_owned()
}
