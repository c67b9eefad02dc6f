//! The certificate a server shows.

use native_tls::TlsAcceptor;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A certificate with its key.
#[derive(Clone)]
pub struct Identity {
    identity: native_tls::Identity,
    ca_file: Option<PathBuf>,
}

impl Identity {
    /// From PEM files: the certificate with its chain, and the key in PKCS#8.
    ///
    /// # Errors
    ///
    /// A file cannot be read or is not what it should be.
    pub fn from_pem(chain: &Path, key: &Path) -> io::Result<Self> {
        let identity = native_tls::Identity::from_pkcs8(&fs::read(chain)?, &fs::read(key)?);
        Ok(Self {
            identity: identity.map_err(io::Error::other)?,
            ca_file: None,
        })
    }

    /// From a PKCS#12 file and its password.
    ///
    /// # Errors
    ///
    /// The file cannot be read or opened with the password.
    pub fn from_pkcs12(file: &Path, password: &str) -> io::Result<Self> {
        let identity = native_tls::Identity::from_pkcs12(&fs::read(file)?, password);
        Ok(Self {
            identity: identity.map_err(io::Error::other)?,
            ca_file: None,
        })
    }

    /// Makes a certification authority and, by it, a certificate for localhost, 127.0.0.1 and ::1.
    ///
    /// `ca.pem`, `server.pem` and their keys are written to the directory, by the command `openssl`.
    ///
    /// # Errors
    ///
    /// The directory cannot be written, or `openssl` is missing or refuses.
    pub fn temporary(directory: &Path) -> io::Result<Self> {
        Self::temporary_for(directory, "DNS:localhost,IP:127.0.0.1,IP:::1")
    }

    /// The same with other names, as `subjectAltName` spells them: `DNS:pop.example.org`.
    ///
    /// # Errors
    ///
    /// As for [`Identity::temporary`].
    pub fn temporary_for(directory: &Path, names: &str) -> io::Result<Self> {
        let names = format!("subjectAltName={names}");
        let [ca, ca_key] = ["ca.pem", "ca.key"].map(|name| directory.join(name));
        let [chain, key] = ["server.pem", "server.key"].map(|name| directory.join(name));
        request(
            &ca,
            &ca_key,
            "/CN=pop3fs-server test authority",
            &["-addext", "keyUsage=critical,keyCertSign"],
        )?;
        let by_ca = [
            OsStr::new("-CA"),
            ca.as_os_str(),
            OsStr::new("-CAkey"),
            ca_key.as_os_str(),
        ];
        let server = [
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-addext",
            &names,
        ]
        .map(OsStr::new);
        request(
            &chain,
            &key,
            "/CN=pop3fs-server",
            &[&by_ca[..], &server[..]].concat(),
        )?;
        Ok(Self {
            ca_file: Some(ca),
            ..Self::from_pem(&chain, &key)?
        })
    }

    /// The certificate of the authority that clients must trust, if this made one.
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    pub(crate) fn acceptor(self) -> io::Result<TlsAcceptor> {
        TlsAcceptor::new(self.identity).map_err(io::Error::other)
    }
}

/// Only the path: the rest holds a key.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("ca_file", &self.ca_file)
            .finish_non_exhaustive()
    }
}

/// Makes a key and a certificate for it, valid for 30 days.
fn request<T: AsRef<OsStr>>(
    certificate: &Path,
    key: &Path,
    subject: &str,
    more: &[T],
) -> io::Result<()> {
    let mut openssl = Command::new("openssl");
    openssl
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args(["-noenc", "-days", "30", "-subj", subject])
        .arg("-keyout")
        .arg(key)
        .arg("-out")
        .arg(certificate)
        .args(more);
    let output = openssl
        .output()
        .map_err(|error| io::Error::new(error.kind(), format!("cannot run openssl: {error}")))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "openssl: {}",
            String::from_utf8_lossy(&output.stderr)
        ))),
    }
}
