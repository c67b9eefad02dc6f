//! A certificate authority made on the spot.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::run;

/// Where the files of a certificate for localhost are.
#[derive(Debug)]
pub struct Certificate {
    /// The authority's own certificate, for clients.
    pub authority: PathBuf,
    /// The server's certificate.
    pub certificate: PathBuf,
    /// The server's key.
    pub key: PathBuf,
}

impl Certificate {
    /// Makes an authority, and a certificate for localhost signed by it, in a directory.
    pub fn for_localhost(directory: &Path) -> Self {
        let file = |name: &str| directory.join(name);
        fs::write(file("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").expect("a file");
        openssl(
            directory,
            &format!(
                "req -x509 {NEW_KEY} -days 2 -subj /CN=authority -keyout authority.key -out authority.pem"
            ),
        );
        openssl(
            directory,
            &format!("req {NEW_KEY} -subj /CN=localhost -keyout server.key -out server.request"),
        );
        openssl(
            directory,
            "x509 -req -in server.request -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 -extfile names -out server.pem",
        );
        Self {
            authority: file("authority.pem"),
            certificate: file("server.pem"),
            key: file("server.key"),
        }
    }
}

const NEW_KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

fn openssl(directory: &Path, arguments: &str) {
    run(Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(directory))
    .succeeded();
}
