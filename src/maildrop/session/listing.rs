//! The scan listing and the unique-id listing of a session, joined by message-number.
//!
//! STAT, LIST and UIDL of real servers disagree; no message is hidden for that. One that UIDL
//! leaves out has no unique-id, one that LIST leaves out has the size 0.

use std::collections::BTreeMap;

use crate::pop3::listing::{scan_line, unique_id_line};
use crate::pop3::{MessageNumber, text};

use super::super::reconcile::Listed;
use super::SessionError;

/// More messages than this are an attack on our memory, not a maildrop.
const MESSAGES_MAX: usize = 5_000_000;

/// The messages of one session, by number.
#[derive(Debug, Default)]
pub(in super::super) struct Listing {
    messages: BTreeMap<MessageNumber, Line>,
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
            Some(listed) => self.at(listed.number)?.unique_id = Some(listed.unique_id.into()),
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
        if self.messages.len() >= MESSAGES_MAX {
            return Err(SessionError::TooManyMessages);
        }
        Ok(self.messages.entry(number).or_default())
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
