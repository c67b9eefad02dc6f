//! SOCKS, version 5 (RFC 1928), with login and password (RFC 1929).
//!
//! ```text
//! C: 5, methods            S: 5, method
//! C: 1, login, password    S: 1, 0                 where that is the method
//! C: 5, CONNECT, host      S: 5, 0, an address     then everything is passed on
//! ```

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, TcpStream};

use zeroize::Zeroizing;

use super::deadline::Deadline;
use super::{Endpoint, Proxy};

const VERSION: u8 = 5;
const VERSION_OF_LOGIN: u8 = 1;
const NO_LOGIN: u8 = 0;
const LOGIN: u8 = 2;
const NO_METHOD: u8 = 0xff;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;
const GRANTED: u8 = 0;

/// Why a proxy does not pass anything on.
#[derive(Debug)]
pub enum ProxyFault {
    /// It speaks something else.
    NotSocks,
    /// It wants a login in some way that we do not have, or have not been given.
    LoginWanted,
    /// It wants a password, and there is none.
    NoPassword(io::Error),
    /// It does not take the login.
    LoginRefused,
    /// Login, password or host are too long for it to be told.
    TooLong,
    /// It did not connect to the server; the number that says why.
    NotConnected(u8),
    /// It hung up, or the link to it broke.
    Link(io::Error),
    /// It did not answer in time.
    TimedOut,
}

/// Asks a proxy to pass everything on to a server. Not an octet of the server's is taken.
///
/// The proxy looks up the server's name, so that nobody here learns it.
pub(super) fn connect(
    socket: &mut TcpStream,
    proxy: &Proxy,
    server: &Endpoint,
    deadline: &Deadline,
) -> Result<(), ProxyFault> {
    let mut dialogue = Dialogue { socket, deadline };
    match dialogue.method(proxy.login.is_some())? {
        NO_LOGIN => {}
        LOGIN => dialogue.log_in(proxy)?,
        _ => return Err(ProxyFault::LoginWanted),
    }
    dialogue.connect(server)
}

struct Dialogue<'a> {
    socket: &'a mut TcpStream,
    deadline: &'a Deadline,
}

impl Dialogue<'_> {
    /// Offers to go without a login, and with one if there is one.
    fn method(&mut self, has_login: bool) -> Result<u8, ProxyFault> {
        match has_login {
            true => self.say(&[VERSION, 2, NO_LOGIN, LOGIN])?,
            false => self.say(&[VERSION, 1, NO_LOGIN])?,
        }
        match self.hear()? {
            [VERSION, LOGIN] if !has_login => Ok(NO_METHOD),
            [VERSION, method] => Ok(method),
            _ => Err(ProxyFault::NotSocks),
        }
    }

    fn log_in(&mut self, proxy: &Proxy) -> Result<(), ProxyFault> {
        let login = proxy.login.as_ref().ok_or(ProxyFault::LoginWanted)?;
        let password = (login.password)().map_err(ProxyFault::NoPassword)?;
        let (login, password) = (login.name.as_bytes(), password.expose().as_bytes());
        let mut request = Zeroizing::new(Vec::with_capacity(3 + login.len() + password.len()));
        request.push(VERSION_OF_LOGIN);
        request.push(length(login)?);
        request.extend_from_slice(login);
        request.push(length(password)?);
        request.extend_from_slice(password);
        self.say(&request)?;
        match self.hear()? {
            [VERSION_OF_LOGIN, GRANTED] => Ok(()),
            [VERSION_OF_LOGIN, _] => Err(ProxyFault::LoginRefused),
            _ => Err(ProxyFault::NotSocks),
        }
    }

    fn connect(&mut self, server: &Endpoint) -> Result<(), ProxyFault> {
        let mut request = vec![VERSION, CONNECT, 0];
        match server.host.parse() {
            Ok(IpAddr::V4(address)) => {
                request.push(IPV4);
                request.extend(address.octets());
            }
            Ok(IpAddr::V6(address)) => {
                request.push(IPV6);
                request.extend(address.octets());
            }
            Err(_) => {
                request.extend([NAME, length(server.host.as_bytes())?]);
                request.extend(server.host.as_bytes());
            }
        }
        request.extend(server.port.to_be_bytes());
        self.say(&request)?;
        self.granted()
    }

    /// The address that follows says where the proxy connects from, which nobody needs.
    fn granted(&mut self) -> Result<(), ProxyFault> {
        let kind = match self.hear()? {
            [VERSION, GRANTED, _, kind] => kind,
            [VERSION, reason, _, _] => return Err(ProxyFault::NotConnected(reason)),
            _ => return Err(ProxyFault::NotSocks),
        };
        match kind {
            IPV4 => self.hear::<6>().map(drop),
            IPV6 => self.hear::<18>().map(drop),
            NAME => {
                let [length] = self.hear()?;
                let mut name = vec![0; usize::from(length) + 2];
                self.hear_exactly(&mut name)
            }
            _ => Err(ProxyFault::NotSocks),
        }
    }

    /// What is said is far smaller than a send buffer, so it never waits.
    fn say(&mut self, octets: &[u8]) -> Result<(), ProxyFault> {
        self.socket.write_all(octets).map_err(ProxyFault::Link)
    }

    fn hear<const N: usize>(&mut self) -> Result<[u8; N], ProxyFault> {
        let mut octets = [0; N];
        self.hear_exactly(&mut octets)?;
        Ok(octets)
    }

    fn hear_exactly(&mut self, mut room: &mut [u8]) -> Result<(), ProxyFault> {
        while !room.is_empty() {
            let readable = self.deadline.wait_readable(&*self.socket);
            if !readable.map_err(ProxyFault::Link)? {
                return Err(ProxyFault::TimedOut);
            }
            match self.socket.read(room) {
                Ok(0) => return Err(ProxyFault::Link(ErrorKind::UnexpectedEof.into())),
                Ok(count) => room = room.split_at_mut(count).1,
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(ProxyFault::Link(error)),
            }
        }
        Ok(())
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn length(octets: &[u8]) -> Result<u8, ProxyFault> {
    u8::try_from(octets.len()).map_err(|_| ProxyFault::TooLong)
}

impl fmt::Display for ProxyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSocks => "it does not speak SOCKS 5",
            Self::LoginWanted => {
                "it wants a login: write socks5://LOGIN@HOST, and see --proxy-password-file"
            }
            Self::NoPassword(error) => return error.fmt(f),
            Self::LoginRefused => "it refuses the login",
            Self::TooLong => "login, password or host are longer than 255 octets",
            Self::NotConnected(1) => "it failed to connect to the server",
            Self::NotConnected(2) => "its rules do not allow the server",
            Self::NotConnected(3) => "it cannot reach the server's network",
            Self::NotConnected(4) => "it cannot reach the server's host",
            Self::NotConnected(5) => "the server refuses its connection",
            Self::NotConnected(6) => "it did not reach the server in time",
            Self::NotConnected(reason) => {
                return write!(f, "it did not connect to the server (reason {reason})");
            }
            Self::Link(error) => return write!(f, "the link to it broke: {error}"),
            Self::TimedOut => "it did not answer in time",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_server::{AMPLE, serve};
    use super::super::{ProxyLogin, Security};
    use super::*;
    use crate::pop3::Secret;
    use std::sync::Arc;
    use std::time::Duration;

    /// A conversation: what the client must say, and what the proxy answers.
    type Turns = &'static [(&'static [u8], &'static [u8])];

    const GREETED: (&[u8], &[u8]) = (&[5, 1, 0], &[5, 0]);
    const BY_NAME: &[u8] = b"\x05\x01\x00\x03\x0fpop.example.org\x03\xe3";
    const DONE: &[u8] = &[5, 0, 0, 1, 10, 0, 0, 1, 4, 56];

    fn proxy(login: Option<(&str, &'static str)>) -> Proxy {
        Proxy {
            host: "localhost".into(),
            port: 0,
            login: login.map(|(name, password)| ProxyLogin {
                name: name.into(),
                password: Arc::new(move || Ok(Secret::new(password.into()))),
            }),
        }
    }

    fn endpoint(host: &str) -> Endpoint {
        Endpoint {
            host: host.into(),
            port: 995,
            security: Security::ImplicitTls,
        }
    }

    fn tried(
        host: &str,
        login: Option<(&str, &'static str)>,
        turns: Turns,
    ) -> Result<(), ProxyFault> {
        let (port, server) = serve(move |mut socket| {
            for (question, answer) in turns {
                let mut said = vec![0; question.len()];
                socket.read_exact(&mut said).unwrap();
                assert_eq!(said, *question);
                // In single octets, and as much of it as the client takes.
                let _ = answer
                    .iter()
                    .try_for_each(|octet| socket.write_all(&[*octet]));
            }
        });
        let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let deadline = Deadline::after(AMPLE);
        let outcome = connect(&mut socket, &proxy(login), &endpoint(host), &deadline);
        drop(socket);
        server.join().unwrap();
        outcome
    }

    fn fault(login: Option<(&str, &'static str)>, turns: Turns) -> ProxyFault {
        tried("pop.example.org", login, turns).unwrap_err()
    }

    #[test]
    fn the_proxy_looks_up_the_name() {
        tried("pop.example.org", None, &[GREETED, (BY_NAME, DONE)]).unwrap();
    }

    #[test]
    fn addresses_go_as_they_are() {
        let v4 = &[GREETED, (&[5, 1, 0, 1, 192, 0, 2, 1, 3, 227], DONE)];
        tried("192.0.2.1", None, v4).unwrap();
        let v6: Turns = &[
            GREETED,
            (
                b"\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x03\xe3",
                b"\x05\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            ),
        ];
        tried("2001:db8::1", None, v6).unwrap();
    }

    #[test]
    fn a_login_is_given_where_it_is_wanted() {
        let login = Some(("ann", "sesame"));
        let wanted: Turns = &[
            (&[5, 2, 0, 2], &[5, 2]),
            (b"\x01\x03ann\x06sesame", &[1, 0]),
            (BY_NAME, b"\x05\0\0\x03\x01x\0\0"),
        ];
        tried("pop.example.org", login, wanted).unwrap();
        let unwanted: Turns = &[(&[5, 2, 0, 2], &[5, 0]), (BY_NAME, DONE)];
        tried("pop.example.org", login, unwanted).unwrap();
    }

    #[test]
    fn not_an_octet_of_the_servers_is_taken() {
        let (port, server) = serve(|mut socket| {
            socket.read_exact(&mut [0; 3]).unwrap();
            socket.write_all(&[5, 0]).unwrap();
            socket.read_exact(&mut vec![0; BY_NAME.len()]).unwrap();
            socket
                .write_all(&[DONE, b"+OK hello\r\n"].concat())
                .unwrap();
        });
        let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let deadline = Deadline::after(AMPLE);
        let server_there = endpoint("pop.example.org");
        connect(&mut socket, &proxy(None), &server_there, &deadline).unwrap();
        socket.set_nonblocking(false).unwrap();
        let mut greeting = String::new();
        socket.read_to_string(&mut greeting).unwrap();
        assert_eq!(greeting, "+OK hello\r\n");
        server.join().unwrap();
    }

    #[test]
    fn refusals_are_told_apart() {
        assert!(matches!(
            fault(None, &[(&[5, 1, 0], b"+OK POP3 here\r\n")]),
            ProxyFault::NotSocks
        ));
        let strange: [Turns; 2] = [&[(&[5, 1, 0], &[5, 0xff])], &[(&[5, 1, 0], &[5, 2])]];
        for turns in strange {
            assert!(matches!(fault(None, turns), ProxyFault::LoginWanted));
        }
        let refused: Turns = &[(&[5, 2, 0, 2], &[5, 2]), (b"\x01\x03ann\x05wrong", &[1, 1])];
        let login = Some(("ann", "wrong"));
        assert!(matches!(fault(login, refused), ProxyFault::LoginRefused));
        let unreachable: Turns = &[GREETED, (BY_NAME, &[5, 4, 0, 1, 0, 0, 0, 0, 0, 0])];
        assert!(matches!(
            fault(None, unreachable),
            ProxyFault::NotConnected(4)
        ));
    }

    #[test]
    fn a_proxy_that_hangs_up_is_noticed() {
        let cut: Turns = &[(&[5, 1, 0], &[5])];
        assert!(matches!(fault(None, cut), ProxyFault::Link(_)));
    }

    #[test]
    fn a_proxy_that_says_nothing_is_given_up_in_time() {
        let (port, server) = serve(|mut socket| socket.read_to_end(&mut Vec::new()));
        let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let deadline = Deadline::after(Duration::from_millis(50));
        let outcome = connect(&mut socket, &proxy(None), &endpoint("h"), &deadline);
        assert!(matches!(outcome, Err(ProxyFault::TimedOut)));
        drop(socket);
        server.join().unwrap().unwrap();
    }
}
