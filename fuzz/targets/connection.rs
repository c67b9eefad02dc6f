//! A whole connection, greeting and all, whose server says anything.

use std::mem::discriminant;

use pop3fs::pop3::sasl::{Account, Authentication};
use pop3fs::pop3::{Command, CommandError, Connection, Event, ProtocolError, Reply, Secret};
use pop3fs::pop3::{MessageNumber, listing};

use super::pieces;
use super::printable::{PASSWORD, assert_no_secret, assert_printable};

/// What the caller of a connection hears and writes.
#[derive(Debug, Default)]
struct Talk {
    heard: Vec<Heard>,
    written: Vec<u8>,
    failure: Option<ProtocolError>,
    /// The first command that told the server the password, or a digest of it.
    confided: Option<usize>,
}

impl Talk {
    /// This may be shown of the reply to a command.
    fn assert_shown(&self, tag: usize, text: &str) {
        assert_printable(text);
        if self.confided.is_some_and(|confided| tag >= confided) {
            assert_no_secret(text);
        }
    }
}

/// An event without what it borrows. `Octets` that follow each other are one.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Accepted(usize, Reply),
    Line(usize, Vec<u8>),
    Octets(usize, Vec<u8>),
    End(usize, Option<Reply>),
}

/// The first line are commands, by letters; the rest is what the server says. Whatever they are:
///
/// - events, and what is written, are the same for any pieces that the octets come in;
/// - replies come in the order of the commands, one to each;
/// - the server's words are printable, and repeat no secret;
/// - every line that is written is whole and within its limit;
/// - after the first fault there is nothing but faults.
pub fn run(data: &[u8]) {
    let (letters, server) = match data.iter().position(|octet| *octet == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &b""[..]),
    };
    let talks = pieces::ways(server).map(|pieces| talk(letters, &pieces));
    talks.iter().for_each(check);
    for other in &talks[1..] {
        assert_eq!(talks[0].heard, other.heard);
        assert_eq!(talks[0].written, other.written);
        let kinds = [&talks[0], other].map(|talk| talk.failure.as_ref().map(discriminant));
        assert_eq!(kinds[0], kinds[1]);
    }
}

fn talk(letters: &[u8], pieces: &[&[u8]]) -> Talk {
    let mut connection = Connection::new(0);
    let mut talk = Talk::default();
    let mut letters = letters.iter();
    let mut sent = 0;
    let mut next = letters.next();
    for piece in pieces {
        let mut input = *piece;
        loop {
            match connection.poll(&mut input) {
                Ok(Some(event)) => note(&mut talk.heard, event),
                Ok(None) => break,
                Err(failure) => {
                    assert_poisoned(&mut connection);
                    if failure == ProtocolError::PlaintextAfterStls {
                        // The pieces decide whether STLS was accepted before, or came to nothing.
                        let is_stls =
                            |heard: &mut Heard| matches!(heard, Heard::End(tag, _) if *tag == sent);
                        talk.heard.pop_if(is_stls);
                    }
                    talk.failure = Some(failure);
                    talk.written = connection.outgoing().to_vec();
                    return talk;
                }
            }
            while let Some(letter) = next {
                match send(&mut connection, *letter, sent + 1) {
                    Ok(()) => {
                        sent += 1;
                        if b"plmxAP".contains(letter) {
                            talk.confided.get_or_insert(sent);
                        }
                    }
                    Err(CommandError::NotYet | CommandError::TlsPending) => break,
                    Err(_) => {}
                }
                next = letters.next();
            }
        }
        assert!(input.is_empty());
    }
    let over = talk
        .heard
        .iter()
        .filter(|heard| matches!(heard, Heard::End(..)));
    assert_eq!(over.count() + connection.in_flight(), sent + 1);
    talk.written = connection.outgoing().to_vec();
    talk
}

fn assert_poisoned(connection: &mut Connection<usize>) {
    assert_eq!(
        connection.poll(&mut &b"+OK\r\n"[..]),
        Err(ProtocolError::Poisoned)
    );
    assert_eq!(
        connection.send(&Command::Noop, 0),
        Err(CommandError::Poisoned)
    );
}

fn send(connection: &mut Connection<usize>, letter: u8, tag: usize) -> Result<(), CommandError> {
    let password = Secret::new(PASSWORD.to_owned());
    let account = Account {
        login: "ann",
        secret: &password,
    };
    let command = match letter {
        b'C' => Command::Capa,
        b'S' => Command::Stls,
        b'8' => Command::Utf8,
        b'G' => Command::Lang("de"),
        b'p' => Command::Auth(Authentication::Plain(account)),
        b'l' => Command::Auth(Authentication::Login(account)),
        b'm' => Command::Auth(Authentication::CramMd5(account)),
        b'x' => Command::Auth(Authentication::XOAuth2(account)),
        b'A' => Command::Apop {
            login: "ann",
            password: &password,
        },
        b'U' => Command::User("ann"),
        b'P' => Command::Pass(&password),
        b'#' => Command::Stat,
        b'I' => Command::Uidl,
        b'L' => Command::List,
        b'R' => Command::Retr(&number()),
        b'T' => Command::Top(&number(), 0),
        b'D' => Command::Dele(&number()),
        b'0' => Command::Rset,
        b'Q' => Command::Quit,
        _ => Command::Noop,
    };
    connection.send(&command, tag)
}

fn number() -> MessageNumber {
    listing::scan_line(b"1 1").expect("a line of LIST").number
}

fn note(heard: &mut Vec<Heard>, event: Event<'_, usize>) {
    let next = match event {
        Event::Accepted { tag, reply } => Heard::Accepted(*tag, reply),
        Event::Line { tag, line } => Heard::Line(*tag, line.to_vec()),
        Event::Octets { tag, octets } => {
            assert!(!octets.is_empty());
            if let Some(Heard::Octets(same, more)) = heard.last_mut()
                && same == tag
            {
                return more.extend_from_slice(octets);
            }
            Heard::Octets(*tag, octets.to_vec())
        }
        Event::End { tag, reply } => Heard::End(tag, reply),
    };
    heard.push(next);
}

fn check(talk: &Talk) {
    let mut due = 0;
    for heard in &talk.heard {
        let (tag, reply) = match heard {
            Heard::Accepted(tag, reply) => (tag, Some(reply)),
            Heard::End(tag, reply) => (tag, reply.as_ref()),
            Heard::Octets(tag, _) => (tag, None),
            Heard::Line(tag, line) => {
                assert!(!line.contains(&b'\n'));
                (tag, None)
            }
        };
        assert_eq!(*tag, due);
        due += usize::from(matches!(heard, Heard::End(..)));
        if let Some(reply) = reply {
            talk.assert_shown(*tag, reply.text());
        }
    }
    if let Some(failure) = &talk.failure {
        talk.assert_shown(due, &failure.to_string());
    }
    let lines = talk.written.strip_suffix(b"\r\n");
    for line in lines
        .into_iter()
        .flat_map(|lines| lines.split(|octet| *octet == b'\n'))
    {
        assert!(line.len() <= 255 && !line.contains(&0), "{line:?}");
    }
    assert!(talk.written.is_empty() || lines.is_some());
}
