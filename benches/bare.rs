//! The limit: a pipelined POP3 client that knows its server, sends without bound, and throws
//! everything away. What a mount costs is told as a multiple of it.

mod replies;
mod wire;

use std::fmt::{Arguments, Write};
use std::io;

use crate::account::Account;
use replies::{Shape, Tally};
use wire::Wire;

/// A session that has logged in.
pub struct Bare {
    wire: Wire,
}

/// Commands that go out in one write, and the shapes of their replies.
#[derive(Default)]
struct Burst {
    commands: String,
    shapes: Vec<Shape>,
}

impl Bare {
    /// Connects and logs in as a client must that has never met this server.
    pub fn connect(account: &Account) -> io::Result<Bare> {
        let mut wire = Wire::connect(account)?;
        wire.exchange("", &[Shape::Line])?;
        wire.exchange("CAPA\r\n", &[Shape::Lines])?;
        let login = format!("AUTH PLAIN {}\r\n", base64(&account.plain()));
        wire.exchange(&login, &[Shape::Line])?;
        Ok(Bare { wire })
    }

    /// Acknowledges what comes at once from now on, for servers that wait for that.
    pub fn acknowledge_at_once(&mut self) {
        self.wire.acknowledge_at_once();
    }

    /// Asks for everything a listing needs.
    pub fn list(&mut self) -> io::Result<Tally> {
        let shapes = [Shape::Line, Shape::Lines, Shape::Lines];
        self.wire.exchange("STAT\r\nUIDL\r\nLIST\r\n", &shapes)
    }

    /// Fetches messages by their numbers, all asked for before the first has come.
    pub fn retrieve(&mut self, numbers: impl IntoIterator<Item = usize>) -> io::Result<Tally> {
        let mut burst = Burst::default();
        for number in numbers {
            burst.ask(format_args!("RETR {number}"), Shape::Lines);
        }
        burst.exchange(&mut self.wire)
    }

    /// Fetches the headers and the first lines of messages, all asked for before the first has come.
    pub fn top(
        &mut self,
        numbers: impl IntoIterator<Item = usize>,
        lines: usize,
    ) -> io::Result<Tally> {
        let mut burst = Burst::default();
        for number in numbers {
            burst.ask(format_args!("TOP {number} {lines}"), Shape::Lines);
        }
        burst.exchange(&mut self.wire)
    }

    /// Deletes messages by their numbers and ends the session, which is what makes it so.
    pub fn delete(mut self, numbers: impl IntoIterator<Item = usize>) -> io::Result<Tally> {
        let mut burst = Burst::default();
        for number in numbers {
            burst.ask(format_args!("DELE {number}"), Shape::Line);
        }
        burst.ask(format_args!("QUIT"), Shape::Line);
        burst.exchange(&mut self.wire)
    }

    /// Ends the session and waits until the server says so.
    pub fn quit(mut self) -> io::Result<()> {
        self.wire.exchange("QUIT\r\n", &[Shape::Line]).map(drop)
    }
}

impl Burst {
    fn ask(&mut self, command: Arguments<'_>, shape: Shape) {
        // Writing to a string cannot fail.
        let _ = write!(self.commands, "{command}\r\n");
        self.shapes.push(shape);
    }

    fn exchange(&self, wire: &mut Wire) -> io::Result<Tally> {
        wire.exchange(&self.commands, &self.shapes)
    }
}

/// RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for triple in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, i| {
            bits << 8 | u32::from(*triple.get(i).unwrap_or(&0))
        });
        for (i, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let digit = char::from(ALPHABET[(bits >> shift & 63) as usize]);
            text.push(if i <= triple.len() { digit } else { '=' });
        }
    }
    text
}
