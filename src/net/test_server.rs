//! What the tests connect to: certificates made on the spot, and servers on loopback.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use native_tls::{Certificate, Identity, TlsAcceptor, TlsStream};
use openssl::ssl::{SslAcceptor, SslAcceptorBuilder, SslFiletype, SslMethod};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{ClientCertificate, Connector, Endpoint, Security, TlsOptions};

/// Long enough for any handshake on a busy machine.
pub(super) const AMPLE: Duration = Duration::from_secs(60);

/// A certificate authority that nobody but its own file vouches for.
pub(super) struct Authority {
    directory: TempDir,
}

impl Authority {
    pub(super) fn new() -> Self {
        let authority = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        authority.openssl(&[
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-subj",
            "/CN=An authority",
        ]);
        authority
    }

    pub(super) fn ca_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// A server's certificate and key, made out to `names` (such as `DNS:localhost`).
    pub(super) fn identity(&self, names: &str) -> Identity {
        let names = format!("subjectAltName={names}");
        let leaf = "basicConstraints=critical,CA:FALSE";
        let signer = ["-CA", "ca.pem", "-CAkey", "ca.key"];
        let files = ["-keyout", "server.key", "-out", "server.pem"];
        let content = ["-subj", "/CN=A server", "-addext", leaf, "-addext", &names];
        self.openssl(&[&signer[..], &files, &content].concat());
        let read = |name| std::fs::read(self.directory.path().join(name)).unwrap();
        Identity::from_pkcs8(&read("server.pem"), &read("server.key")).unwrap()
    }

    /// What accepts a handshake, to be built, with a certificate for `names`.
    pub(super) fn acceptor(&self, names: &str) -> SslAcceptorBuilder {
        self.identity(names);
        let file = |name| self.directory.path().join(name);
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        acceptor
            .set_private_key_file(file("server.key"), SslFiletype::PEM)
            .unwrap();
        acceptor
            .set_certificate_file(file("server.pem"), SslFiletype::PEM)
            .unwrap();
        acceptor
    }

    /// The SHA-256 digest of the last server's certificate.
    pub(super) fn digest(&self) -> [u8; 32] {
        let pem = std::fs::read(self.directory.path().join("server.pem")).unwrap();
        let der = Certificate::from_pem(&pem).unwrap().to_der().unwrap();
        Sha256::digest(der).into()
    }

    /// A client's certificate and key.
    pub(super) fn client_certificate(&self) -> ClientCertificate {
        let signer = ["-CA", "ca.pem", "-CAkey", "ca.key"];
        let files = ["-keyout", "client.key", "-out", "client.pem"];
        let leaf = "basicConstraints=critical,CA:FALSE";
        let content = ["-subj", "/CN=ann", "-addext", leaf];
        self.openssl(&[&signer[..], &files, &content].concat());
        ClientCertificate {
            certificate: self.directory.path().join("client.pem"),
            key: self.directory.path().join("client.key"),
        }
    }

    fn openssl(&self, arguments: &[&str]) {
        let common = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
        let output = Command::new("openssl")
            .args(common.split(' '))
            .args(arguments)
            .current_dir(self.directory.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// A server on this machine.
pub(super) fn endpoint(port: u16, security: Security) -> Endpoint {
    Endpoint {
        host: "localhost".into(),
        port,
        security,
    }
}

/// What connects to it, and trusts this authority alone.
pub(super) fn connector(port: u16, security: Security, authority: Option<&Authority>) -> Connector {
    let options = TlsOptions {
        ca_file: authority.map(Authority::ca_file),
        ..TlsOptions::default()
    };
    Connector::new(endpoint(port, security), &options).unwrap()
}

/// Serves one connection; its port, and what became of `serve`.
pub(super) fn serve<T: Send + 'static>(
    serve: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (u16, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (
        port,
        thread::spawn(move || serve(listener.accept().unwrap().0)),
    )
}

/// The server's side of a handshake; nothing where the client would not have it.
pub(super) fn accept_tls(socket: TcpStream, identity: Identity) -> Option<TlsStream<TcpStream>> {
    TlsAcceptor::new(identity).unwrap().accept(socket).ok()
}
