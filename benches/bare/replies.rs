//! Finds where replies end, as fast as lines can be found, and keeps nothing but counts.

use std::io::{self, BufRead};

/// Whether a reply is its first line, or goes on until a line with a lone dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Line,
    Lines,
}

/// What the replies amounted to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Replies that said `+OK`.
    pub accepted: usize,
    /// Everything that came, in octets.
    pub octets: u64,
}

/// The replies still expected.
pub struct Replies<'a> {
    expected: std::slice::Iter<'a, Shape>,
    place: Place,
    tally: Tally,
}

/// What the next byte belongs to.
enum Place {
    /// The first line of a reply, whose beginning may be in hand.
    Status,
    /// A line after the first, at its beginning.
    Line,
    /// A line after the first, which cannot be the lone dot any more.
    Inside,
}

impl<'a> Replies<'a> {
    /// Replies to commands, in their order.
    pub fn new(expected: &'a [Shape]) -> Replies<'a> {
        Replies {
            expected: expected.iter(),
            place: Place::Status,
            tally: Tally::default(),
        }
    }

    /// The counts, once the last reply has ended.
    pub fn outcome(&self) -> Option<Tally> {
        let ended = matches!(self.place, Place::Status) && self.expected.len() == 0;
        ended.then_some(self.tally)
    }

    /// Counts bytes, and tells how many it is done with; the rest, part of a line, has to be
    /// shown again with what follows it.
    pub fn take(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while !rest.is_empty() && self.outcome().is_none() {
            let before = rest.len();
            match self.place {
                Place::Status => self.status(&mut rest)?,
                Place::Line | Place::Inside => self.lines(&mut rest)?,
            }
            if rest.len() == before {
                break;
            }
        }
        let taken = bytes.len() - rest.len();
        self.tally.octets += taken as u64;
        Ok(taken)
    }

    /// Takes the first line of a reply if all of it is there.
    fn status(&mut self, rest: &mut &[u8]) -> io::Result<()> {
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            return Ok(());
        };
        let (line, after) = rest.split_at(end + 1);
        if !line.starts_with(b"+") {
            let words = String::from_utf8_lossy(line).trim_end().to_string();
            return Err(io::Error::other(format!("the server said {words:?}")));
        }
        self.tally.accepted += 1;
        if self.expected.next() == Some(&Shape::Lines) {
            self.place = Place::Line;
        }
        *rest = after;
        Ok(())
    }

    /// Takes lines up to the lone dot, or all there are.
    fn lines(&mut self, rest: &mut &[u8]) -> io::Result<()> {
        loop {
            if matches!(self.place, Place::Line) {
                if let Some(after) = rest.strip_prefix(b".\r\n") {
                    *rest = after;
                    self.place = Place::Status;
                    return Ok(());
                }
                if b".\r\n".starts_with(rest) {
                    return Ok(());
                }
            }
            // The standard library's own search for a byte is the fastest at hand.
            let line = *rest;
            let skipped = rest.skip_until(b'\n')?;
            self.place = if line[..skipped].ends_with(b"\n") {
                Place::Line
            } else {
                Place::Inside
            };
            if rest.is_empty() {
                return Ok(());
            }
        }
    }
}
