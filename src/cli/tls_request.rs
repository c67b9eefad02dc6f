//! How TLS is to be spoken.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::mount_request::absolute;
use super::{Misuse, value};

/// The options about TLS, as they are typed.
#[derive(Args, Debug)]
pub(super) struct TlsOptions {
    /// Trust the certificate authorities in this PEM file instead of the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The name the server's certificate is made out to, where it is not HOST
    #[arg(long, value_name = "NAME")]
    tls_server_name: Option<String>,
    /// Take the server's certificate with this SHA-256 digest and no other
    #[arg(long, value_name = "sha256:HEX", value_parser = value::fingerprint)]
    tls_fingerprint: Option<Digest>,
    /// The oldest version of TLS to speak: 1.2 or 1.3
    #[arg(
        long,
        value_enum,
        default_value = "1.2",
        value_name = "VERSION",
        hide_possible_values = true
    )]
    tls_min: TlsVersion,
    /// Show the server this certificate of ours, in PEM form
    #[arg(long, value_name = "FILE")]
    tls_client_certificate: Option<PathBuf>,
    /// Its private key, where it is not in the same file
    #[arg(long, value_name = "FILE")]
    tls_client_key: Option<PathBuf>,
}

impl TlsOptions {
    pub(super) fn has_client_certificate(&self) -> bool {
        self.tls_client_certificate.is_some()
    }
}

/// How TLS is to be spoken. All paths are absolute.
#[derive(Clone, Debug)]
pub struct TlsRequest {
    /// Certificate authorities in PEM form, in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// The name in the server's certificate, where it is not the host.
    pub server_name: Option<String>,
    /// The SHA-256 digest of the server's certificate.
    pub fingerprint: Option<Digest>,
    /// The oldest version to speak.
    pub minimum: TlsVersion,
    /// A client certificate.
    pub client: Option<ClientCertificate>,
}

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// A client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The file that it is in, in PEM form.
    pub certificate: PathBuf,
    /// The file that its private key is in, in PEM form.
    pub key: PathBuf,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[value(name = "1.2")]
    Tls12,
    /// TLS 1.3.
    #[value(name = "1.3")]
    Tls13,
}

impl TryFrom<TlsOptions> for TlsRequest {
    type Error = Misuse;

    fn try_from(options: TlsOptions) -> Result<Self, Misuse> {
        let client = match (options.tls_client_certificate, options.tls_client_key) {
            (Some(certificate), key) => Some(of_client(certificate, key)?),
            (None, Some(_)) => return Err(Misuse::KeyWithoutCertificate),
            (None, None) => None,
        };
        Ok(Self {
            ca_file: options.ca_file.map(absolute).transpose()?,
            server_name: options.tls_server_name,
            fingerprint: options.tls_fingerprint,
            minimum: options.tls_min,
            client,
        })
    }
}

/// Without a file of its own, the key is behind the certificate.
fn of_client(certificate: PathBuf, key: Option<PathBuf>) -> Result<ClientCertificate, Misuse> {
    let certificate = absolute(certificate)?;
    let key = key.map_or_else(|| Ok(certificate.clone()), absolute)?;
    Ok(ClientCertificate { certificate, key })
}
