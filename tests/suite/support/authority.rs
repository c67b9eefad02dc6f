//! A certificate authority that does as it is told.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;

use pop3fs_server::Identity;
use tempfile::TempDir;

use super::process::run;

/// An authority that nobody but its own file vouches for.
#[derive(Debug)]
pub struct Authority {
    directory: Rc<TempDir>,
}

/// For how long a certificate is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// For the life of the test.
    Good,
    /// Not any more.
    Expired,
}

/// A certificate with its key, in PEM form.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// Where it is, as long as it lives.
    _directory: Rc<TempDir>,
    /// The certificate.
    pub chain: PathBuf,
    /// Its key; nobody else may read it.
    pub key: PathBuf,
}

const CONFIGURATION: &str = "\
[ca]
default_ca = this
[this]
database = index
new_certs_dir = .
default_md = sha256
rand_serial = yes
unique_subject = no
policy = anything
copy_extensions = copy
[anything]
commonName = supplied
";

impl Authority {
    /// One of its own.
    pub fn new() -> Self {
        let authority = Self {
            directory: Rc::new(tempfile::tempdir().expect("a temporary directory")),
        };
        fs::write(authority.file("index"), "").expect("a file to write");
        fs::write(authority.file("configuration"), CONFIGURATION).expect("a file to write");
        authority.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 30 \
             -keyout ca.key -out ca.pem",
            &[
                "-subj",
                "/CN=an authority",
                "-addext",
                "keyUsage=critical,keyCertSign",
            ],
        );
        authority
    }

    /// The file of its own certificate.
    pub fn file_of_authority(&self) -> PathBuf {
        self.file("ca.pem")
    }

    /// A certificate for a name, and maybe for what `subjectAltName` spells as `DNS:localhost`.
    pub fn issue(&self, name: &str, alternative: Option<&str>, validity: Validity) -> Certificate {
        self.request(name, alternative);
        let dates = match validity {
            Validity::Good => "-days 30",
            Validity::Expired => "-startdate 20200101000000Z -enddate 20200102000000Z",
        };
        let chain = self.file(&format!("{name}.pem"));
        self.openssl(
            &format!(
                "ca -batch -notext -config configuration -cert ca.pem -keyfile ca.key {dates} \
                 -in request"
            ),
            &["-out", &chain.display().to_string()],
        );
        self.certificate(name)
    }

    /// A certificate for localhost that vouches for itself.
    pub fn self_signed(&self) -> Certificate {
        self.request("self", Some("DNS:localhost"));
        let signing = "x509 -req -in request -copy_extensions copy -days 30 -out self.pem";
        self.openssl(signing, &["-signkey", "self.key"]);
        self.certificate("self")
    }

    fn request(&self, name: &str, alternative: Option<&str>) {
        let subject = format!("/CN={name}");
        let key = format!("{name}.key");
        let alternative = alternative.map(|names| format!("subjectAltName={names}"));
        let mut words = vec!["-subj", &subject, "-keyout", &key];
        words.extend(["-addext", "basicConstraints=critical,CA:FALSE"]);
        if let Some(names) = &alternative {
            words.extend(["-addext", names]);
        }
        self.openssl(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -out request",
            &words,
        );
    }

    fn certificate(&self, name: &str) -> Certificate {
        let key = self.file(&format!("{name}.key"));
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("our own file");
        let chain = self.file(&format!("{name}.pem"));
        let _directory = Rc::clone(&self.directory);
        Certificate {
            _directory,
            chain,
            key,
        }
    }

    fn openssl(&self, command: &str, words: &[&str]) {
        let mut openssl = Command::new("openssl");
        openssl
            .args(command.split_ascii_whitespace())
            .args(words)
            .current_dir(self.directory.path());
        run(&mut openssl).succeeded();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Certificate {
    /// As a server shows it.
    pub fn identity(&self) -> Identity {
        Identity::from_pem(&self.chain, &self.key).expect("a certificate")
    }

    /// Its SHA-256 digest, as openssl prints it: hexadecimal, with colons.
    pub fn fingerprint(&self) -> String {
        let mut openssl = Command::new("openssl");
        openssl
            .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
            .arg(&self.chain);
        let said = run(&mut openssl).succeeded().text();
        let (_, digest) = said.trim().split_once('=').expect("a fingerprint");
        format!("sha256:{digest}")
    }
}
