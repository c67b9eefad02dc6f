//! From a server's name to a connection.

use std::net::TcpStream;
use std::time::Duration;

use super::deadline::Deadline;
use super::patience::set_patience;
use super::reach::reach;
use super::socket::Socket;
use super::tls::Tls;
use super::{Endpoint, NetError, Proxy, Route, Security, Stream, TlsOptions, socks};

/// How long a link may be dead before it is given up, unless told otherwise. The system itself goes on
/// for a quarter of an hour, or for ever where nothing was sent.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes connections to one server. It never changes, so one serves for all reconnections.
#[derive(Clone, Debug)]
pub struct Connector {
    endpoint: Endpoint,
    /// Nothing where TLS is never to be spoken.
    tls: Option<Tls>,
    route: Route,
    patience: Duration,
}

impl Connector {
    /// Prepares everything that needs no network, so that its errors come early.
    ///
    /// # Errors
    ///
    /// [`NetError::CaFile`] and [`NetError::ClientCertificate`] if they cannot be used,
    /// [`NetError::Handshake`] if the TLS library cannot be set up.
    pub fn new(endpoint: Endpoint, options: &TlsOptions) -> Result<Self, NetError> {
        let tls = match endpoint.security {
            Security::ImplicitTls | Security::StartTls => Some(Tls::new(&endpoint, options)?),
            Security::Cleartext => None,
        };
        Ok(Self {
            endpoint,
            tls,
            route: Route::Direct,
            patience: PATIENCE,
        })
    }

    /// Gives a link up, once made, over which nothing gets for so long, in whichever direction: the
    /// other end, or the way there, is gone.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The same on another way than the direct one.
    pub fn by(self, route: Route) -> Self {
        Self { route, ..self }
    }

    /// The server.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Connects, and makes the TLS handshake where TLS comes first. Blocks for no longer than
    /// `timeout`, which covers the handshake too, and the time the name takes to resolve on top:
    /// the system's resolver has time-outs of its own and cannot be cut short.
    ///
    /// # Errors
    ///
    /// Any [`NetError`] but `CaFile` and `ClientCertificate`.
    pub fn connect(&self, timeout: Duration) -> Result<Stream, NetError> {
        let (socket, deadline) = self.open(timeout)?;
        match self.endpoint.security {
            Security::ImplicitTls => self.secure(socket, &deadline),
            Security::StartTls | Security::Cleartext => Ok(Stream::clear(socket)),
        }
    }

    /// Makes the TLS handshake over a connection in clear, after the server agreed to STLS.
    /// Blocks for no longer than `timeout`. The caller makes sure that nothing it has read from
    /// the stream is left over (RFC 2595 section 4 and the plaintext injection it allows).
    ///
    /// # Errors
    ///
    /// [`NetError::Certificate`], [`NetError::Fingerprint`], [`NetError::Handshake`],
    /// [`NetError::TimedOut`].
    pub fn start_tls(&self, stream: Stream, timeout: Duration) -> Result<Stream, NetError> {
        match stream.into_clear_socket() {
            Some(socket) => self.secure(socket, &Deadline::after(timeout)),
            None => Err(self.no_handshake("the connection is in TLS already")),
        }
    }

    fn open(&self, timeout: Duration) -> Result<(Socket, Deadline), NetError> {
        let (socket, deadline) = match &self.route {
            Route::Direct => reach(&self.endpoint, timeout)?,
            Route::Proxy(proxy) => self.open_through(proxy, timeout)?,
            Route::Program(launcher) => {
                return Ok((launcher.start()?, Deadline::after(timeout)));
            }
        };
        set_patience(&socket, self.patience)?;
        Ok((Socket::Tcp(socket), deadline))
    }

    fn open_through(
        &self,
        proxy: &Proxy,
        timeout: Duration,
    ) -> Result<(TcpStream, Deadline), NetError> {
        let place = proxy.endpoint();
        let reached = reach(&place, timeout);
        let (mut socket, deadline) = reached.map_err(|error| NetError::NoProxy(Box::new(error)))?;
        match socks::connect(&mut socket, proxy, &self.endpoint, &deadline) {
            Ok(()) => Ok((socket, deadline)),
            Err(fault) => Err(NetError::Proxy {
                proxy: place,
                fault,
            }),
        }
    }

    fn secure(&self, socket: Socket, deadline: &Deadline) -> Result<Stream, NetError> {
        let Some(tls) = &self.tls else {
            return Err(self.no_handshake("TLS is turned off for this server"));
        };
        let program = socket.program().cloned();
        let secured = tls.handshake(&self.endpoint, socket, deadline);
        secured.map_err(|error| match program.and_then(|it| it.last_words()) {
            Some(words) => NetError::ProgramFailed(words),
            None => error,
        })
    }

    fn no_handshake(&self, reason: &str) -> NetError {
        NetError::Handshake {
            endpoint: self.endpoint.clone(),
            reason: reason.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_server::{AMPLE, Authority, accept_tls, connector, endpoint, serve};
    use super::super::{Fingerprint, Step, TlsVersion};
    use super::*;
    use native_tls::{Protocol, TlsAcceptor};
    use nix::sys::socket::{getsockopt, sockopt};
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Instant;

    #[test]
    fn a_refused_port_is_a_connect_error_that_names_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let error = connector(port, Security::Cleartext, None)
            .connect(AMPLE)
            .unwrap_err();
        assert!(matches!(error, NetError::Connect { .. }));
        assert!(
            error
                .to_string()
                .contains(&format!("localhost:{port}: Connection refused"))
        );
    }

    #[test]
    fn a_host_that_cannot_be_a_name_is_a_resolve_error() {
        let mut nowhere = endpoint(995, Security::Cleartext);
        nowhere.host = "no\0name".into();
        let connector = Connector::new(nowhere, &TlsOptions::default()).unwrap();
        let error = connector.connect(AMPLE).unwrap_err();
        assert!(matches!(error, NetError::Resolve { .. }));
    }

    #[test]
    fn a_missing_ca_file_is_found_before_any_connection() {
        let options = TlsOptions {
            ca_file: Some("/does/not/exist.pem".into()),
            ..TlsOptions::default()
        };
        let error = Connector::new(endpoint(995, Security::ImplicitTls), &options).unwrap_err();
        assert!(matches!(error, NetError::CaFile { .. }));
    }

    #[test]
    fn a_server_that_never_shakes_hands_is_given_up_in_time() {
        let (port, server) = serve(|mut socket| socket.read_to_end(&mut Vec::new()));
        let connector = connector(port, Security::ImplicitTls, None);
        let bound = Duration::from_millis(200);
        let start = Instant::now();
        let error = connector.connect(bound).unwrap_err();
        assert!(start.elapsed() >= bound);
        assert!(matches!(
            error,
            NetError::TimedOut {
                step: Step::Handshake,
                ..
            }
        ));
        server.join().unwrap().unwrap();
    }

    #[test]
    fn a_known_authority_and_the_right_name_make_a_tls_stream() {
        let authority = Authority::new();
        let identity = authority.identity("DNS:localhost");
        let (port, server) = serve(|socket| accept_tls(socket, identity).is_some());
        let stream = connector(port, Security::ImplicitTls, Some(&authority)).connect(AMPLE);
        assert!(stream.unwrap().is_tls());
        assert!(server.join().unwrap());
    }

    /// Providers of many names have a certificate for each (RFC 6066 section 3).
    #[test]
    fn the_server_is_called_by_its_name_in_the_handshake() {
        let (port, server) = serve(|mut socket| {
            let mut hello = [0; 4096];
            let length = socket.read(&mut hello).unwrap();
            hello[..length].to_vec()
        });
        let connected = connector(port, Security::ImplicitTls, None).connect(AMPLE);
        assert!(connected.is_err());
        let hello = server.join().unwrap();
        let name = b"localhost";
        assert!(hello.windows(name.len()).any(|octets| octets == name));
    }

    #[test]
    fn a_proxy_that_is_not_there_is_called_one() {
        let vacant = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = vacant.local_addr().unwrap().port();
        drop(vacant);
        let proxy = Proxy {
            host: "127.0.0.1".to_owned(),
            port,
            login: None,
        };
        let connector = connector(1, Security::Cleartext, None).by(Route::Proxy(proxy));
        let error = connector.connect(AMPLE).unwrap_err().to_string();
        let place = format!("(--proxy) cannot be reached: cannot connect to 127.0.0.1:{port}");
        assert!(error.contains(&place), "{error}");
    }

    /// The error of a handshake with a server whose certificate is made out to `names`.
    fn refusal(authority: &Authority, names: &str, trusted: bool) -> NetError {
        let identity = authority.identity(names);
        let (port, server) = serve(|socket| drop(accept_tls(socket, identity)));
        let trusted = trusted.then_some(authority);
        let error = connector(port, Security::ImplicitTls, trusted)
            .connect(AMPLE)
            .unwrap_err();
        server.join().unwrap();
        error
    }

    #[test]
    fn an_unknown_authority_is_a_certificate_error() {
        let error = refusal(&Authority::new(), "DNS:localhost", false);
        assert!(matches!(error, NetError::Certificate { .. }), "{error}");
        assert!(error.to_string().contains("--ca-file"));
    }

    #[test]
    fn a_certificate_for_another_name_is_a_certificate_error() {
        let error = refusal(&Authority::new(), "DNS:elsewhere.example.org", true);
        assert!(matches!(error, NetError::Certificate { .. }), "{error}");
        assert!(error.to_string().contains("--tls-server-name"), "{error}");
    }

    #[test]
    fn the_name_to_be_in_the_certificate_can_be_given() {
        let authority = Authority::new();
        let identity = authority.identity("DNS:elsewhere.example.org");
        let (port, server) = serve(|socket| accept_tls(socket, identity).is_some());
        let options = TlsOptions {
            ca_file: Some(authority.ca_file()),
            server_name: Some("elsewhere.example.org".into()),
            ..TlsOptions::default()
        };
        let connector = Connector::new(endpoint(port, Security::ImplicitTls), &options).unwrap();
        assert!(connector.connect(AMPLE).unwrap().is_tls());
        assert!(server.join().unwrap());
    }

    /// What comes of a certificate by its fingerprint, `flipped` having its bits turned over.
    fn pinned(flipped: u8, ca: bool, names: &str) -> Result<Stream, NetError> {
        let authority = Authority::new();
        let identity = authority.identity(names);
        let (port, server) = serve(|socket| drop(accept_tls(socket, identity)));
        let options = TlsOptions {
            ca_file: ca.then(|| authority.ca_file()),
            fingerprint: Some(Fingerprint(authority.digest().map(|octet| octet ^ flipped))),
            ..TlsOptions::default()
        };
        let connector = Connector::new(endpoint(port, Security::ImplicitTls), &options).unwrap();
        let outcome = connector.connect(AMPLE);
        server.join().unwrap();
        outcome
    }

    #[test]
    fn a_fingerprint_alone_vouches_for_a_certificate() {
        assert!(
            pinned(0, false, "DNS:elsewhere.example.org")
                .unwrap()
                .is_tls()
        );
        let error = pinned(1, false, "DNS:localhost").unwrap_err();
        assert!(
            matches!(error, NetError::Fingerprint { found: Some(_), .. }),
            "{error}"
        );
    }

    #[test]
    fn with_a_ca_file_the_certificate_must_be_good_besides() {
        assert!(pinned(0, true, "DNS:localhost").unwrap().is_tls());
        let error = pinned(1, true, "DNS:localhost").unwrap_err();
        assert!(matches!(error, NetError::Fingerprint { .. }), "{error}");
        let error = pinned(0, true, "DNS:elsewhere.example.org").unwrap_err();
        assert!(matches!(error, NetError::Certificate { .. }), "{error}");
    }

    #[test]
    fn the_server_is_told_the_name_it_is_called_by() {
        let (port, server) = serve(|mut socket| {
            let mut hello = [0; 2000];
            let length = socket.read(&mut hello).unwrap();
            hello[..length]
                .windows(9)
                .any(|window| window == b"localhost")
        });
        let connector = connector(port, Security::ImplicitTls, None);
        assert!(connector.connect(AMPLE).is_err());
        assert!(server.join().unwrap());
    }

    #[test]
    fn an_older_version_than_the_oldest_is_not_spoken() {
        let authority = Authority::new();
        for (minimum, spoken) in [(TlsVersion::Tls12, true), (TlsVersion::Tls13, false)] {
            let identity = authority.identity("DNS:localhost");
            let (port, server) = serve(move |socket| {
                let mut acceptor = TlsAcceptor::builder(identity);
                acceptor.max_protocol_version(Some(Protocol::Tlsv12));
                acceptor.build().unwrap().accept(socket).is_ok()
            });
            let options = TlsOptions {
                ca_file: Some(authority.ca_file()),
                minimum,
                ..TlsOptions::default()
            };
            let endpoint = endpoint(port, Security::ImplicitTls);
            let stream = Connector::new(endpoint, &options).unwrap().connect(AMPLE);
            assert_eq!((stream.is_ok(), server.join().unwrap()), (spoken, spoken));
            if let Err(error) = stream {
                assert!(error.to_string().contains("--tls-min"), "{error}");
            }
        }
    }

    #[test]
    fn an_address_can_be_in_the_certificate() {
        let authority = Authority::new();
        let identity = authority.identity("IP:127.0.0.1");
        let (port, server) = serve(|socket| accept_tls(socket, identity).is_some());
        let options = TlsOptions {
            ca_file: Some(authority.ca_file()),
            ..TlsOptions::default()
        };
        let mut by_address = endpoint(port, Security::ImplicitTls);
        by_address.host = "127.0.0.1".into();
        let connector = Connector::new(by_address, &options).unwrap();
        assert!(connector.connect(AMPLE).unwrap().is_tls());
        assert!(server.join().unwrap());
    }

    #[test]
    fn a_server_that_speaks_in_clear_is_a_handshake_error() {
        let (port, server) = serve(|mut socket| socket.write_all(b"+OK hello, this is POP3\r\n"));
        let error = connector(port, Security::ImplicitTls, None)
            .connect(AMPLE)
            .unwrap_err();
        assert!(matches!(error, NetError::Handshake { .. }), "{error}");
        server.join().unwrap().unwrap();
    }

    #[test]
    fn tls_can_start_on_a_connection_in_clear() {
        let authority = Authority::new();
        let identity = authority.identity("DNS:localhost");
        let (port, server) = serve(|socket| accept_tls(socket, identity).is_some());
        let connector = connector(port, Security::StartTls, Some(&authority));
        let stream = connector.connect(AMPLE).unwrap();
        assert!(!stream.is_tls());
        assert!(connector.start_tls(stream, AMPLE).unwrap().is_tls());
        assert!(server.join().unwrap());
    }

    #[test]
    fn a_link_whose_other_end_is_gone_is_given_up_in_time() {
        let (port, server) = serve(drop);
        let connector = connector(port, Security::Cleartext, None);
        let connector = connector.with_patience(Duration::from_secs(7));
        let stream = connector.connect(AMPLE).unwrap();
        let Some(Socket::Tcp(socket)) = stream.into_clear_socket() else {
            panic!("no socket");
        };
        assert_eq!(getsockopt(&socket, sockopt::TcpUserTimeout), Ok(7000));
        assert_eq!(getsockopt(&socket, sockopt::KeepAlive), Ok(true));
        let asked = [
            getsockopt(&socket, sockopt::TcpKeepIdle),
            getsockopt(&socket, sockopt::TcpKeepInterval),
            getsockopt(&socket, sockopt::TcpKeepCount),
        ];
        assert_eq!(asked, [Ok(3), Ok(1), Ok(4)]);
        server.join().unwrap();
    }

    #[test]
    fn tls_never_starts_where_it_is_turned_off() {
        let (port, server) = serve(drop);
        let connector = connector(port, Security::Cleartext, None);
        let stream = connector.connect(AMPLE).unwrap();
        let error = connector.start_tls(stream, AMPLE).unwrap_err();
        assert!(matches!(error, NetError::Handshake { .. }));
        server.join().unwrap();
    }
}
