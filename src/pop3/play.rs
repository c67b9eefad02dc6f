//! A client that takes notes, and a server that plays a script, for tests.

use proptest::prelude::*;

use super::sasl::{Account, Authentication};
use super::{Command, CommandError, Connection, Event, MessageNumber, ProtocolError, Secret};

/// An event without what it borrows. `Octets` that follow each other are one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Accepted(usize, String),
    Line(usize, Vec<u8>),
    Octets(usize, Vec<u8>),
    End(usize, Option<(bool, String)>),
}

/// Sends commands as soon as it may, tagged 1, 2, ... (the greeting has 0), and takes notes.
pub(super) struct Client<'a> {
    pub(super) connection: Connection<usize>,
    commands: &'a [Command<'a>],
    pub(super) heard: Vec<Heard>,
}

impl<'a> Client<'a> {
    pub(super) fn new(commands: &'a [Command<'a>]) -> Self {
        Self {
            connection: Connection::new(0),
            commands,
            heard: Vec::new(),
        }
    }

    /// A client that has been greeted, with nothing in flight.
    pub(super) fn greeted() -> Self {
        let mut client = Self::new(&[]);
        client.feed(b"+OK\r\n").unwrap();
        client
    }

    pub(super) fn feed(&mut self, mut input: &[u8]) -> Result<(), ProtocolError> {
        while let Some(event) = self.connection.poll(&mut input)? {
            note(&mut self.heard, event);
            self.send_all();
        }
        assert!(input.is_empty());
        Ok(())
    }

    fn send_all(&mut self) {
        while let Some((command, rest)) = self.commands.split_first() {
            let tag = self.sent_so_far() + 1;
            if self.connection.send(command, tag) == Err(CommandError::NotYet) {
                return;
            }
            self.commands = rest;
        }
    }

    fn sent_so_far(&self) -> usize {
        let ended = |it: &&Heard| matches!(it, Heard::End(..));
        self.heard.iter().filter(ended).count() + self.connection.in_flight() - 1
    }
}

fn note(heard: &mut Vec<Heard>, event: Event<'_, usize>) {
    match event {
        Event::Accepted { tag, reply } => {
            heard.push(Heard::Accepted(*tag, reply.text().to_owned()));
        }
        Event::Line { tag, line } => heard.push(Heard::Line(*tag, line.to_vec())),
        Event::Octets { tag, octets } => {
            assert!(!octets.is_empty());
            match heard.last_mut() {
                Some(Heard::Octets(_, body)) => body.extend_from_slice(octets),
                _ => heard.push(Heard::Octets(*tag, octets.to_vec())),
            }
        }
        Event::End { tag, reply } => {
            let reply = reply.map(|it| (it.is_ok(), it.text().to_owned()));
            heard.push(Heard::End(tag, reply));
        }
    }
}

pub(super) fn number() -> MessageNumber {
    MessageNumber::parse(b"7").unwrap()
}

pub(super) fn plain(secret: &Secret) -> Command<'_> {
    let login = "ann";
    Command::Auth(Authentication::Plain(Account { login, secret }))
}

pub(super) fn ok(text: &str) -> Option<(bool, String)> {
    Some((true, text.to_owned()))
}

pub(super) fn err(text: &str) -> Option<(bool, String)> {
    Some((false, text.to_owned()))
}

/// What the server says to one command.
#[derive(Clone, Debug)]
pub(super) enum Script {
    Single(bool, String),
    Lines(Vec<Vec<u8>>),
    Message(Vec<u8>),
}

impl Script {
    pub(super) fn command<'a>(&self, number: &'a MessageNumber) -> Command<'a> {
        match self {
            Self::Single(true, _) => Command::Noop,
            Self::Single(false, _) | Self::Message(_) => Command::Retr(number),
            Self::Lines(_) => Command::Uidl,
        }
    }

    pub(super) fn wire(&self) -> Vec<u8> {
        match self {
            Self::Single(ok, text) => {
                format!("{} {text}\r\n", if *ok { "+OK" } else { "-ERR" }).into()
            }
            Self::Lines(lines) => multi_line(lines.iter().map(Vec::as_slice)),
            Self::Message(body) => multi_line(crlf_lines(body)),
        }
    }

    pub(super) fn heard(&self, tag: usize) -> Vec<Heard> {
        let body = match self {
            Self::Single(ok, text) => return vec![Heard::End(tag, Some((*ok, text.clone())))],
            Self::Lines(lines) => lines
                .iter()
                .map(|it| Heard::Line(tag, it.clone()))
                .collect(),
            Self::Message(body) if body.is_empty() => Vec::new(),
            Self::Message(body) => vec![Heard::Octets(tag, body.clone())],
        };
        let mut heard = vec![Heard::Accepted(tag, String::new())];
        heard.extend(body);
        heard.push(Heard::End(tag, None));
        heard
    }
}

fn multi_line<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut wire = b"+OK\r\n".to_vec();
    for line in lines {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b".\r\n");
    wire
}

/// The lines of a message that ends with CRLF; only CRLF ends one.
fn crlf_lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = body;
    std::iter::from_fn(move || {
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let line = &rest[..end];
        rest = &rest[end + 2..];
        Some(line)
    })
}

pub(super) fn script() -> impl Strategy<Value = Script> {
    let octet = prop_oneof![Just(b'.'), Just(b'\r'), Just(b'\n'), any::<u8>()];
    let body = prop::collection::vec(octet, 0..60).prop_map(|mut body| {
        if !body.is_empty() {
            body.extend_from_slice(b"\r\n");
        }
        body
    });
    let line = prop::collection::vec(any::<u8>(), 0..20)
        .prop_filter("a line holds no LF", |line| !line.contains(&b'\n'));
    prop_oneof![
        (any::<bool>(), "([a-z0-9]( ?[a-z0-9]){0,20})?")
            .prop_map(|(ok, text)| Script::Single(ok, text)),
        prop::collection::vec(line, 0..5).prop_map(Script::Lines),
        body.prop_map(Script::Message),
    ]
}
