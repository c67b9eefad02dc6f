//! A relay between a client and the server.

use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use pop3fs_server::{Distance, Fate, Mishap, Relay, Server};

const GREETING: &str = "+OK pop3fs-server ready\r\n";

/// What a client reads of the greeting on a link to which this happens in the middle of it, and how
/// that ends.
fn heard(mishap: Mishap) -> (String, Option<ErrorKind>) {
    let server = Server::with_messages(Vec::new()).start().unwrap();
    let after = 10;
    let fate = move || Some(Fate { after, mishap });
    let relay = Relay::with_fates(server.port(), Distance::NONE, fate).unwrap();
    let client = TcpStream::connect((Ipv4Addr::LOCALHOST, relay.port())).unwrap();
    let mut greeting = Vec::new();
    let end = (&client)
        .take(GREETING.len() as u64)
        .read_to_end(&mut greeting);
    assert_eq!(relay.mishaps(), [mishap]);
    let greeting = String::from_utf8(greeting).unwrap();
    (greeting, end.err().map(|error| error.kind()))
}

#[test]
fn a_link_ends_at_an_octet() {
    let beginning = GREETING[..10].to_owned();
    let broken = Some(ErrorKind::ConnectionReset);
    assert_eq!(heard(Mishap::HangUp), (beginning.clone(), None));
    assert_eq!(heard(Mishap::Break), (beginning.clone(), broken));
    let silence = Mishap::HalfOpen(Duration::from_millis(1));
    assert_eq!(heard(silence), (beginning, broken));
}

#[test]
fn a_link_that_stalls_loses_nothing() {
    let stall = Mishap::Stall(Duration::from_millis(1));
    assert_eq!(heard(stall), (GREETING.to_owned(), None));
}
