//! Where the mail is and who may have it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use native_tls::{Certificate, TlsConnector};

/// One account on a server, here or behind a relay.
#[derive(Clone, Debug)]
pub struct Account {
    /// The port on loopback.
    pub port: u16,
    /// Whom to trust; nobody if the connection is in clear.
    pub trust: Option<Trust>,
}

/// The one authority to trust.
#[derive(Clone, Debug)]
pub struct Trust {
    /// Its certificate, in a PEM file.
    pub authority: PathBuf,
    /// The same, ready: OpenSSL reads all certificates of the system each time that one is made,
    /// which takes as long as listing a mailbox.
    pub connector: TlsConnector,
}

impl Trust {
    /// Trust in the authority of a PEM file.
    pub fn of(authority: &Path) -> io::Result<Trust> {
        let certificate = Certificate::from_pem(&fs::read(authority)?).map_err(io::Error::other)?;
        let connector = TlsConnector::builder()
            .disable_built_in_roots(true)
            .add_root_certificate(certificate)
            .build()
            .map_err(io::Error::other)?;
        Ok(Trust {
            authority: authority.to_path_buf(),
            connector,
        })
    }
}

impl Account {
    /// The user; made up, like the password, for a server that lives as long as the benchmark.
    pub const USER: &str = "ann";
    /// The password.
    pub const PASSWORD: &str = "wonderland";

    /// The message of SASL PLAIN (RFC 4616).
    pub fn plain(&self) -> Vec<u8> {
        format!("\0{}\0{}", Self::USER, Self::PASSWORD).into_bytes()
    }

    /// Whether the connection is encrypted.
    pub fn over_tls(&self) -> bool {
        self.trust.is_some()
    }

    /// The PEM file of the authority to trust, over TLS.
    pub fn authority(&self) -> Option<&Path> {
        Some(&self.trust.as_ref()?.authority)
    }

    /// The account as a URL.
    pub fn url(&self) -> String {
        let scheme = if self.over_tls() { "pop3s" } else { "pop3" };
        format!("{scheme}://{}@127.0.0.1:{}", Self::USER, self.port)
    }
}
