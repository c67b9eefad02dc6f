//! Where the mail is and who may have it.

use std::path::PathBuf;

/// One account on a server, here or behind a relay.
#[derive(Clone, Debug)]
pub struct Account {
    /// The port on loopback.
    pub port: u16,
    /// The certificate to trust, in a PEM file; without one the connection is in clear.
    pub authority: Option<PathBuf>,
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
        self.authority.is_some()
    }

    /// The account as a URL.
    pub fn url(&self) -> String {
        let scheme = if self.over_tls() { "pop3s" } else { "pop3" };
        format!("{scheme}://{}@127.0.0.1:{}", Self::USER, self.port)
    }
}
