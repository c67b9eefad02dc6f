//! The certificate by which a server knows us.

use std::path::{Path, PathBuf};

use memchr::memmem;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::SslContextBuilder;
use openssl::x509::X509;

use super::NetError;
use super::tls::plain_reason;
use crate::private_file::PrivateFile;

/// The most that is read of a file, in octets: a long chain of certificates.
const LONGEST: usize = 1 << 20;

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
        let read = |path| {
            PrivateFile::read(path, LONGEST).map_err(|unfit| failure(path, unfit.to_string()))
        };
        let chain = read(&self.certificate)?;
        let file = read(&self.key)?;
        let key = private_key(&file).map_err(|reason| failure(&self.key, reason))?;
        let unusable = |path| move |errors| failure(path, plain_reason(&errors));
        let mut chain = X509::stack_from_pem(chain.octets())
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

/// The key may stand behind certificates, which nobody minds if others read. OpenSSL reads to its end.
fn private_key(file: &PrivateFile) -> Result<&[u8], String> {
    let octets = file.octets();
    match memmem::find(octets, KEY_BEGINS) {
        Some(start) => match file.private_octets() {
            Ok(octets) => Ok(octets.get(start..).unwrap_or_default()),
            Err(unfit) => Err(unfit.to_string()),
        },
        None if memmem::find(octets, b"PRIVATE KEY-----").is_some() => Err(
            "the key is encrypted or in an old form; convert it: openssl pkcs8 -topk8 -nocrypt"
                .to_owned(),
        ),
        None => Err("there is no private key in it".to_owned()),
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
