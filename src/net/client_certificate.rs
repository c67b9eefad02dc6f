//! The certificate by which a server knows us.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use memchr::memmem;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::SslContextBuilder;
use openssl::x509::X509;
use zeroize::Zeroizing;

use super::NetError;
use super::tls::plain_reason;

/// The most that is read of a file, in octets: a long chain of certificates.
const LONGEST: u64 = 1 << 20;

/// The permission bits that let others than the owner do anything with a file.
const OTHERS: u32 = 0o077;

const KEY_BEGINS: &[u8] = b"-----BEGIN PRIVATE KEY-----";

/// Where a client certificate and its key are.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate in PEM form, and those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key in PEM form, not encrypted (PKCS#8); nobody else may read it.
    pub key: PathBuf,
}

impl ClientCertificate {
    /// Reads both.
    ///
    /// # Errors
    ///
    /// [`NetError::ClientCertificate`]
    pub(super) fn identity(&self) -> Result<Identity, NetError> {
        let failure = |path: &Path, reason: String| NetError::ClientCertificate {
            path: path.to_owned(),
            reason,
        };
        let unreadable = |path| move |error: io::Error| failure(path, error.to_string());
        let chain = Contents::read(&self.certificate).map_err(unreadable(&self.certificate))?;
        let contents = Contents::read(&self.key).map_err(unreadable(&self.key))?;
        let key = contents.private_key();
        let key = key.map_err(|reason| failure(&self.key, reason.to_owned()))?;
        let unusable = |path| move |errors| failure(path, plain_reason(&errors));
        let mut chain = X509::stack_from_pem(&chain.octets)
            .map_err(unusable(&self.certificate))?
            .into_iter();
        let none = || {
            failure(
                &self.certificate,
                "there is no certificate in it".to_owned(),
            )
        };
        Ok(Identity {
            certificate: chain.next().ok_or_else(none)?,
            key: PKey::private_key_from_pem(key).map_err(unusable(&self.key))?,
            chain: chain.collect(),
        })
    }
}

/// A certificate and its key.
pub(super) struct Identity {
    certificate: X509,
    key: PKey<Private>,
    /// Those that vouch for it.
    chain: Vec<X509>,
}

impl Identity {
    /// Has it shown to servers that ask who we are.
    ///
    /// # Errors
    ///
    /// The key is another certificate's.
    pub(super) fn present(self, context: &mut SslContextBuilder) -> Result<(), ErrorStack> {
        context.set_certificate(&self.certificate)?;
        context.set_private_key(&self.key)?;
        for certificate in self.chain {
            context.add_extra_chain_cert(certificate)?;
        }
        context.check_private_key()
    }
}

/// What is in a file, and its permission bits.
struct Contents {
    octets: Zeroizing<Vec<u8>>,
    mode: u32,
}

impl Contents {
    /// Made in its full size, the buffer leaves no copy behind by growing.
    fn read(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let size = usize::try_from(metadata.len().min(LONGEST)).unwrap_or_default();
        let mut octets = Zeroizing::new(Vec::with_capacity(size + 1));
        file.take(LONGEST).read_to_end(&mut octets)?;
        let mode = metadata.mode();
        Ok(Self { octets, mode })
    }

    /// The key may stand behind certificates. OpenSSL reads to its end.
    fn private_key(&self) -> Result<&[u8], &'static str> {
        match memmem::find(&self.octets, KEY_BEGINS) {
            Some(_) if self.mode & OTHERS != 0 => {
                Err("there is a private key in it, and others than you may use it; do: chmod 600")
            }
            Some(start) => Ok(self.octets.get(start..).unwrap_or_default()),
            None if memmem::find(&self.octets, b"PRIVATE KEY-----").is_some() => Err(
                "the key is encrypted or in an old form; convert it: openssl pkcs8 -topk8 -nocrypt",
            ),
            None => Err("there is no private key in it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_server::Authority;
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    fn reason(certificate: &ClientCertificate) -> String {
        match certificate.identity() {
            Err(NetError::ClientCertificate { reason, .. }) => reason,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("the certificate is usable"),
        }
    }

    #[test]
    fn certificate_and_key_may_be_in_one_file() {
        let authority = Authority::new();
        let apart = authority.client_certificate();
        assert!(apart.identity().is_ok());
        let together = apart.key.with_file_name("both.pem");
        let both = [&apart.certificate, &apart.key].map(|path| fs::read(path).unwrap());
        fs::write(&together, both.concat()).unwrap();
        fs::set_permissions(&together, Permissions::from_mode(0o600)).unwrap();
        let certificate = ClientCertificate {
            certificate: together.clone(),
            key: together,
        };
        assert!(certificate.identity().is_ok());
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let authority = Authority::new();
        let certificate = authority.client_certificate();
        fs::set_permissions(&certificate.key, Permissions::from_mode(0o640)).unwrap();
        assert!(reason(&certificate).contains("chmod 600"));
    }

    #[test]
    fn what_is_no_key_is_told_apart() {
        let authority = Authority::new();
        let mut certificate = authority.client_certificate();
        for (text, words) in [
            ("", "no private key"),
            ("-----BEGIN EC PRIVATE KEY-----\n", "openssl pkcs8"),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\n", "openssl pkcs8"),
        ] {
            fs::write(&certificate.key, text).unwrap();
            assert!(reason(&certificate).contains(words), "{text}");
        }
        certificate.key = "/does/not/exist".into();
        assert!(reason(&certificate).contains("No such file"));
    }
}
