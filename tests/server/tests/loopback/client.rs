//! A few-line client for the server's own tests: it checks nothing and repairs nothing.

use native_tls::{Certificate, TlsConnector};
use pop3fs_server::{Identity, Server};
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A connection, its greeting read.
pub struct Client {
    stream: Box<dyn ReadWrite>,
    socket: TcpStream,
    pub greeting: String,
}

pub trait ReadWrite: Read + Write {}

impl<T: Read + Write> ReadWrite for T {}

impl Client {
    pub fn connect(server: &Server) -> Self {
        let mut client = Self::silent(server);
        client.greeting = client.line();
        client
    }

    /// Without waiting for a greeting.
    pub fn silent(server: &Server) -> Self {
        let socket = TcpStream::connect(server.address()).unwrap();
        socket.set_nodelay(true).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Self {
            stream: Box::new(socket.try_clone().unwrap()),
            socket,
            greeting: String::new(),
        }
    }

    pub fn logged_in(server: &Server) -> Self {
        let mut client = Self::connect(server);
        client.log_in();
        client
    }

    pub fn log_in(&mut self) {
        assert_starts(&self.ask("USER ann"), "+OK");
        assert_starts(&self.ask("PASS secret"), "+OK");
    }

    pub fn start_tls(&mut self, identity: &Identity) {
        let ca = fs::read(identity.ca_file().unwrap()).unwrap();
        let connector = TlsConnector::builder()
            .disable_built_in_roots(true)
            .add_root_certificate(Certificate::from_pem(&ca).unwrap())
            .build()
            .unwrap();
        let socket = self.socket.try_clone().unwrap();
        self.stream = Box::new(connector.connect("localhost", socket).unwrap());
    }

    pub fn send(&mut self, octets: &str) {
        self.stream.write_all(octets.as_bytes()).unwrap();
        self.stream.flush().unwrap();
    }

    /// One line, without its line end; what there is of it if the link ends.
    pub fn line(&mut self) -> String {
        let line = self.until(b"\n").unwrap_or_else(|cut| cut);
        String::from_utf8_lossy(&line).trim_end().to_owned()
    }

    /// The reply to a command, its first line.
    pub fn ask(&mut self, command: &str) -> String {
        self.send(&format!("{command}\r\n"));
        self.line()
    }

    /// The lines of a multi-line reply, un-stuffed; its status line must be `+OK`.
    pub fn lines(&mut self, command: &str) -> Vec<String> {
        let body = String::from_utf8(self.body(command)).unwrap();
        body.split_terminator("\r\n").map(str::to_owned).collect()
    }

    /// The octets of a multi-line reply, un-stuffed.
    pub fn body(&mut self, command: &str) -> Vec<u8> {
        assert_starts(&self.ask(command), "+OK");
        self.rest_of_body()
    }

    pub fn rest_of_body(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let line = self.until(b"\n").expect("the body ends with a lone dot");
            match line.as_slice() {
                b".\r\n" => return body,
                [b'.', rest @ ..] => body.extend_from_slice(rest),
                line => body.extend_from_slice(line),
            }
        }
    }

    /// All that still comes until the link ends.
    pub fn rest(&mut self) -> String {
        let rest = self.until(b"no such end").unwrap_err();
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// Reads octet by octet, so that nothing is taken that belongs to what comes next.
    fn until(&mut self, end: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let mut octets = Vec::new();
        let mut octet = [0];
        while !octets.ends_with(end) {
            match self.stream.read(&mut octet) {
                Ok(1) => octets.push(octet[0]),
                Ok(_) => return Err(octets),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    panic!("no octet came for 20 s after {octets:?}")
                }
                Err(_) => return Err(octets),
            }
        }
        Ok(octets)
    }
}

#[track_caller]
pub fn assert_starts(line: &str, start: &str) {
    assert!(line.starts_with(start), "{line:?} starts with {start:?}");
}
