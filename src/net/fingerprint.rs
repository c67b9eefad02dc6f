//! A certificate known by its digest.

use std::fmt;

use openssl::ssl::SslRef;
use openssl::x509::X509Ref;
use sha2::{Digest, Sha256};

use super::{Endpoint, NetError};
use crate::pop3::text::hexadecimal;

/// The SHA-256 digest of a certificate in DER form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Makes sure that the server has shown the certificate with this digest.
    ///
    /// # Errors
    ///
    /// [`NetError::Fingerprint`]
    pub(super) fn check(&self, endpoint: &Endpoint, session: &SslRef) -> Result<(), NetError> {
        let shown = session.peer_certificate();
        match shown.and_then(|certificate| Self::of(&certificate)) {
            Some(fingerprint) if fingerprint == *self => Ok(()),
            found => Err(NetError::Fingerprint {
                endpoint: endpoint.clone(),
                found,
            }),
        }
    }

    fn of(certificate: &X509Ref) -> Option<Self> {
        let octets = certificate.to_der().ok()?;
        Some(Self(Sha256::digest(octets).into()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hexadecimal(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_it_is_given() {
        let shown = Fingerprint([0xab; 32]).to_string();
        assert_eq!(shown, format!("sha256:{}", "ab".repeat(32)));
    }
}
