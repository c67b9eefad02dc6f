//! The authorities that the system trusts.
//!
//! They are kept in one large file, and mostly also in a directory where each is found by a digest
//! of its name. To read the file takes longer than to log in and list a mailbox; from the directory
//! OpenSSL takes the one or two that a server's certificate leads to.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use memchr::memmem;
use openssl::error::ErrorStack;
use openssl::ssl::SslFiletype;
use openssl::x509::store::{X509Lookup, X509Store, X509StoreBuilder};
use openssl_probe::ProbeResult;

/// Where a certificate begins in PEM form; the longer kind says what it is trusted for.
const BEGINS: [&[u8]; 2] = [
    b"-----BEGIN CERTIFICATE-----",
    b"-----BEGIN TRUSTED CERTIFICATE-----",
];

/// Digits of the digest by which a certificate is found.
const DIGITS: usize = 8;

/// The authorities that the system trusts, or that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
///
/// # Errors
///
/// The TLS library cannot be set up. What cannot be read is left out.
pub(super) fn store() -> Result<X509Store, ErrorStack> {
    store_of(openssl_probe::probe())
}

/// The directories in which authorities are still looked for when connections are made.
pub fn directories_of_authorities() -> Vec<PathBuf> {
    openssl_probe::probe().cert_dir
}

fn store_of(places: ProbeResult) -> Result<X509Store, ErrorStack> {
    let ProbeResult {
        cert_file: file,
        cert_dir: directories,
    } = places;
    let mut store = X509StoreBuilder::new()?;
    let lookup = store.add_lookup(X509Lookup::hash_dir())?;
    for directory in directories.iter().filter_map(|path| path.to_str()) {
        lookup.add_dir(directory, SslFiletype::PEM)?;
    }
    let spared = |file: &Path| directories.iter().any(|it| holds_all_of(it, file));
    if let Some(file) = file.filter(|file| file.to_str().is_some() && !spared(file)) {
        let lookup = store.add_lookup(X509Lookup::file())?;
        if let Err(error) = lookup.load_cert_file(&file, SslFiletype::PEM) {
            log::debug!("cannot read authorities from {}: {error}", file.display());
        }
    }
    Ok(store.build())
}

/// Whether a file is made of what is in a directory: it lies in it, and has as many certificates as
/// there are names for them. Some have two names.
fn holds_all_of(directory: &Path, file: &Path) -> bool {
    if file.parent() != Some(directory) {
        return false;
    }
    let text = fs::read(file).unwrap_or_default();
    let certificates = BEGINS.map(|begins| memmem::find_iter(&text, begins).count());
    let certificates: usize = certificates.iter().sum();
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.filter(|entry| is_link(&entry.file_name())).count();
    (certificates..=certificates.saturating_mul(2)).contains(&names)
}

/// A name like `5cf9d536.0`, which OpenSSL looks for.
fn is_link(name: &OsStr) -> bool {
    let parts = name.to_str().and_then(|name| name.split_once('.'));
    parts.is_some_and(|(digest, number)| {
        let is_hexadecimal = |octet: u8| octet.is_ascii_digit() || matches!(octet, b'a'..=b'f');
        digest.len() == DIGITS
            && digest.bytes().all(is_hexadecimal)
            && number.bytes().all(|octet| octet.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::super::test_server::Authority;
    use super::*;
    use openssl::stack::Stack;
    use openssl::x509::{X509, X509StoreContext, X509StoreContextRef};

    /// Whether a directory of these files has all of a file with two certificates, which lies in it
    /// or beside it.
    fn spares(names: &[&str], bundle: &str) -> bool {
        let directory = tempfile::tempdir().unwrap();
        let hashed = directory.path().join("certs");
        fs::create_dir(&hashed).unwrap();
        for name in names {
            fs::write(hashed.join(name), "").unwrap();
        }
        let file = hashed.join(bundle);
        fs::write(&file, BEGINS.concat()).unwrap();
        holds_all_of(&hashed, &file)
    }

    #[test]
    fn a_directory_with_names_for_all_certificates_spares_the_file_in_it() {
        assert!(spares(&["5cf9d536.0", "5cf9d536.1"], "all.pem"));
        assert!(spares(
            &["5cf9d536.0", "5cf9d536.1", "068570d1.0"],
            "all.pem"
        ));
        assert!(!spares(&["5cf9d536.0"], "all.pem"));
    }

    #[test]
    fn a_file_of_other_certificates_is_read() {
        let many: Vec<String> = (0..9).map(|number| format!("5cf9d536.{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(!spares(&many, "own.pem"));
        assert!(!spares(&["5cf9d536.0", "5cf9d536.1"], "../all.pem"));
    }

    #[test]
    fn what_openssl_does_not_look_for_does_not_count() {
        let others = ["5cf9d536.r0", "5CF9D536.0", "5cf9d53.0", "ca.pem", "README"];
        assert!(!spares(&others, "all.pem"));
    }

    /// Whether a server's certificate is trusted where its authority is in these files of a
    /// directory, which is looked into, and one of them is read.
    fn trusts(names: impl Fn(&X509) -> Vec<String>, read: Option<&str>) -> bool {
        let authority = Authority::new();
        authority.identity("DNS:localhost");
        let pem = fs::read(authority.ca_file()).unwrap();
        let certificate = X509::from_pem(&pem).unwrap();
        let directory = tempfile::tempdir().unwrap();
        for name in names(&certificate) {
            fs::write(directory.path().join(name), &pem).unwrap();
        }
        let places = ProbeResult {
            cert_file: read.map(|name| directory.path().join(name)),
            cert_dir: vec![directory.path().to_owned()],
        };
        let server = fs::read(authority.ca_file().with_file_name("server.pem")).unwrap();
        let server = X509::from_pem(&server).unwrap();
        let mut judge = X509StoreContext::new().unwrap();
        let verify = |judge: &mut X509StoreContextRef| judge.verify_cert();
        judge
            .init(
                &store_of(places).unwrap(),
                &server,
                &Stack::new().unwrap(),
                verify,
            )
            .unwrap()
    }

    fn hashed(certificate: &X509) -> String {
        format!("{:08x}.0", certificate.subject_name_hash())
    }

    #[test]
    fn an_authority_is_found_by_its_name_in_a_directory_or_in_the_file() {
        assert!(trusts(|it| vec![hashed(it)], None));
        assert!(trusts(
            |it| vec![hashed(it), "all.pem".into()],
            Some("all.pem")
        ));
        assert!(trusts(|_| vec!["all.pem".into()], Some("all.pem")));
        assert!(!trusts(|_| vec!["all.pem".into()], None));
    }

    #[test]
    fn there_is_a_store_wherever_we_are() {
        assert!(store().is_ok());
    }
}
