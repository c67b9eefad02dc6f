//! The scan listing and the unique-id listing of a session, joined by message-number.
//!
//! STAT, LIST and UIDL of real servers disagree; no message is hidden for that. One that UIDL
//! leaves out has no unique-id, one that LIST leaves out has the size 0.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::pop3::listing::{scan_line, unique_id_line};
use crate::pop3::{MessageNumber, text};

use super::super::reconcile::Listed;
use super::SessionError;

/// More messages than this, or more octets of unique-ids, are an attack on our memory, not a
/// maildrop.
const MESSAGES_MAX: usize = 5_000_000;
const UNIQUE_IDS_MAX: usize = 512 << 20;

/// The messages of one session, by number.
#[derive(Debug)]
pub(in super::super) struct Listing {
    messages: BTreeMap<MessageNumber, Line>,
    /// Messages, and octets of unique-ids, that may still come.
    room: (usize, usize),
    bad_lines: usize,
}

#[derive(Debug, Default)]
struct Line {
    unique_id: Option<Box<[u8]>>,
    size: Option<u64>,
}

impl Listing {
    /// Takes a line of UIDL's reply (RFC 1939 section 7).
    pub(super) fn unique_id(&mut self, line: &[u8]) -> Result<(), SessionError> {
        match unique_id_line(line) {
            Some(listed) => {
                take(&mut self.room.1, listed.unique_id.len())?;
                self.at(listed.number)?.unique_id = Some(listed.unique_id.into());
            }
            None => self.bad(line),
        }
        Ok(())
    }

    /// Takes a line of LIST's reply (RFC 1939 section 5).
    pub(super) fn size(&mut self, line: &[u8]) -> Result<(), SessionError> {
        match scan_line(line) {
            Some(listed) => self.at(listed.number)?.size = Some(listed.size),
            None => self.bad(line),
        }
        Ok(())
    }

    fn at(&mut self, number: MessageNumber) -> Result<&mut Line, SessionError> {
        match self.messages.entry(number) {
            Entry::Occupied(line) => Ok(line.into_mut()),
            Entry::Vacant(place) => {
                take(&mut self.room.0, 1)?;
                Ok(place.insert(Line::default()))
            }
        }
    }

    fn bad(&mut self, line: &[u8]) {
        if self.bad_lines == 0 {
            log::warn!(
                "the server lists something that is no message: \"{}\"",
                text::printable(line)
            );
        }
        self.bad_lines = self.bad_lines.saturating_add(1);
    }

    /// Whether no message is listed.
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The messages in order of number.
    pub(in super::super) fn into_messages(self) -> Vec<Listed> {
        let halves = self
            .messages
            .values()
            .filter(|line| line.unique_id.is_none() || line.size.is_none())
            .count();
        if halves > 0 {
            log::warn!("the server's listings disagree about {halves} messages");
        }
        let listed = |(number, line): (_, Line)| Listed {
            number,
            unique_id: line.unique_id.unwrap_or_default(),
            size: line.size.unwrap_or(0),
        };
        self.messages.into_iter().map(listed).collect()
    }
}

impl Default for Listing {
    fn default() -> Self {
        Self {
            messages: BTreeMap::new(),
            room: (MESSAGES_MAX, UNIQUE_IDS_MAX),
            bad_lines: 0,
        }
    }
}

fn take(room: &mut usize, much: usize) -> Result<(), SessionError> {
    *room = room
        .checked_sub(much)
        .ok_or(SessionError::TooManyMessages)?;
    Ok(())
}
