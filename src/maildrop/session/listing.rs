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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn listed(unique_ids: &[&str], sizes: &[&str]) -> Vec<(String, String, u64)> {
        let mut listing = Listing::default();
        for line in unique_ids {
            listing.unique_id(line.as_bytes()).unwrap();
        }
        for line in sizes {
            listing.size(line.as_bytes()).unwrap();
        }
        let text = |listed: Listed| {
            let unique_id = String::from_utf8_lossy(&listed.unique_id).into_owned();
            (listed.number.to_string(), unique_id, listed.size)
        };
        listing.into_messages().into_iter().map(text).collect()
    }

    fn message(number: u32, unique_id: &str, size: u64) -> (String, String, u64) {
        (number.to_string(), unique_id.to_owned(), size)
    }

    #[test]
    fn the_listings_are_joined_by_number() {
        assert_eq!(
            listed(&["2 b", "1 a"], &["1 10", "2 20"]),
            [message(1, "a", 10), message(2, "b", 20)]
        );
    }

    #[test]
    fn a_message_that_one_listing_leaves_out_is_not_hidden() {
        assert_eq!(
            listed(&["1 a", "3 c"], &["1 10", "2 20"]),
            [message(1, "a", 10), message(2, "", 20), message(3, "c", 0)]
        );
    }

    #[test]
    fn lines_that_name_no_message_are_skipped() {
        assert_eq!(
            listed(&["what?", "0 a", "1 a"], &["", "1 10"]),
            [message(1, "a", 10)]
        );
    }

    #[test]
    fn the_last_line_about_a_message_counts() {
        assert_eq!(
            listed(&["1 a", "1 b"], &["1 10", "1 20"]),
            [message(1, "b", 20)]
        );
    }

    #[test]
    fn a_listing_takes_no_more_memory_than_it_may() {
        let room = |messages, octets| Listing {
            room: (messages, octets),
            ..Listing::default()
        };
        let mut listing = room(2, 100);
        for line in ["1 a", "2 b", "1 c"] {
            assert!(listing.unique_id(line.as_bytes()).is_ok());
        }
        assert!(listing.size(b"2 20").is_ok());
        let full = listing.size(b"3 30");
        assert!(matches!(full, Err(SessionError::TooManyMessages)));
        let mut listing = room(100, 3);
        assert!(listing.unique_id(b"1 abc").is_ok());
        let full = listing.unique_id(b"1 d");
        assert!(matches!(full, Err(SessionError::TooManyMessages)));
    }

    proptest! {
        #[test]
        fn no_line_is_too_odd(unique_ids: Vec<Vec<u8>>, sizes: Vec<Vec<u8>>) {
            let mut listing = Listing::default();
            for line in &unique_ids {
                prop_assert!(listing.unique_id(line).is_ok());
            }
            for line in &sizes {
                prop_assert!(listing.size(line).is_ok());
            }
            prop_assert!(listing.into_messages().len() <= unique_ids.len() + sizes.len());
        }
    }
}
