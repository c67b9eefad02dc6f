//! The scan listing and the unique-id listing of a session, joined by message-number as they come.
//!
//! STAT, LIST and UIDL of real servers disagree; no message is hidden for that. One that UIDL
//! leaves out has no unique-id, one that LIST leaves out has the size 0.
//!
//! A listing may be long, and all of it must have come before the first file can be shown: a line
//! costs no allocation, and a message 32 octets beside its unique-id.

use std::ops::Range;

use crate::pop3::MessageNumber;
use crate::pop3::listing::{scan_line, unique_id_line};

use super::super::reconcile::Listed;
use super::SessionError;

/// More messages than this, or more octets of unique-ids, are an attack on our memory, not a
/// maildrop.
const MESSAGES_MAX: usize = 5_000_000;
const UNIQUE_IDS_MAX: usize = 512 << 20;

/// What a session lists, while it comes.
#[derive(Debug)]
pub(in super::super) struct Listing {
    messages: Messages,
    /// The rows where the next line of UIDL's reply, and of LIST's, should belong: those behind
    /// the last.
    unique_id: usize,
    size: usize,
    /// Messages, and octets of unique-ids, that may still come.
    room: (usize, usize),
    has_bad_lines: bool,
}

/// The messages of one session.
#[derive(Debug, Default)]
pub(in super::super) struct Messages {
    rows: Vec<Row>,
    /// All unique-ids, one behind the other.
    unique_ids: Vec<u8>,
}

#[derive(Debug)]
struct Row {
    number: MessageNumber,
    unique_id: Option<Range<u32>>,
    size: Option<u64>,
}

impl Listing {
    /// Takes a line of UIDL's reply (RFC 1939 section 7).
    pub(super) fn unique_id(&mut self, line: &[u8]) -> Result<(), SessionError> {
        let Some(listed) = unique_id_line(line) else {
            self.bad();
            return Ok(());
        };
        take(&mut self.room.1, listed.unique_id.len())?;
        let unique_id = self.messages.keep(listed.unique_id);
        let at = self.row(listed.number, self.unique_id)?;
        self.unique_id = at + 1;
        if let Some(row) = self.messages.rows.get_mut(at) {
            row.unique_id = Some(unique_id);
        }
        Ok(())
    }

    /// Takes a line of LIST's reply (RFC 1939 section 5).
    pub(super) fn size(&mut self, line: &[u8]) -> Result<(), SessionError> {
        let Some(listed) = scan_line(line) else {
            self.bad();
            return Ok(());
        };
        let at = self.row(listed.number, self.size)?;
        self.size = at + 1;
        if let Some(row) = self.messages.rows.get_mut(at) {
            row.size = Some(listed.size);
        }
        Ok(())
    }

    /// The row of a message, which is likely `next`; otherwise a new one, even if there is one
    /// elsewhere.
    fn row(&mut self, number: MessageNumber, next: usize) -> Result<usize, SessionError> {
        let rows = &mut self.messages.rows;
        if rows.get(next).is_some_and(|row| row.number == number) {
            return Ok(next);
        }
        take(&mut self.room.0, 1)?;
        rows.push(Row {
            number,
            unique_id: None,
            size: None,
        });
        Ok(rows.len() - 1)
    }

    /// The line is not quoted: it may repeat a secret.
    fn bad(&mut self) {
        if !self.has_bad_lines {
            log::warn!("the server lists something that is no message");
        }
        self.has_bad_lines = true;
    }

    /// Whether no message is listed.
    pub(super) fn is_empty(&self) -> bool {
        self.messages.rows.is_empty()
    }

    /// Whether messages are listed, and UIDL has named none of them.
    pub(super) fn lacks_unique_ids(&self) -> bool {
        let rows = &self.messages.rows;
        !rows.is_empty() && rows.iter().all(|row| row.unique_id.is_none())
    }

    /// The messages, now that all lines have come.
    pub(in super::super) fn into_messages(self) -> Messages {
        let mut messages = self.messages;
        messages.put_in_order();
        messages.compare_listings();
        messages
    }
}

impl Messages {
    /// The messages in order of number.
    pub(in super::super) fn iter(&self) -> impl Iterator<Item = Listed<'_>> {
        self.rows.iter().map(|row| Listed {
            unique_id: self.unique_id(row),
            size: row.size.unwrap_or(0),
        })
    }

    /// Their numbers, rising.
    pub(in super::super) fn into_numbers(self) -> impl Iterator<Item = MessageNumber> {
        self.rows.into_iter().map(|row| row.number)
    }

    fn unique_id(&self, row: &Row) -> &[u8] {
        row.unique_id
            .as_ref()
            .and_then(|place| {
                self.unique_ids
                    .get(place.start as usize..place.end as usize)
            })
            .unwrap_or_default()
    }

    fn keep(&mut self, unique_id: &[u8]) -> Range<u32> {
        // There is no room for so many octets that their count would not fit.
        let end = |octets: &Vec<u8>| u32::try_from(octets.len()).unwrap_or(u32::MAX);
        let start = end(&self.unique_ids);
        self.unique_ids.extend_from_slice(unique_id);
        start..end(&self.unique_ids)
    }

    /// Sorts the rows where the server did not, and joins those of the same message; what was said
    /// last of it counts.
    fn put_in_order(&mut self) {
        if self.rows.is_sorted_by(|row, next| row.number < next.number) {
            return;
        }
        self.rows
            .sort_by(|row, other| row.number.cmp(&other.number));
        self.rows.dedup_by(|later, row| {
            let same = later.number == row.number;
            if same {
                row.unique_id = later.unique_id.take().or(row.unique_id.take());
                row.size = later.size.or(row.size);
            }
            same
        });
    }

    fn compare_listings(&self) {
        let is_half = |row: &&Row| row.unique_id.is_none() || row.size.is_none();
        let halves = self.rows.iter().filter(is_half).count();
        if halves > 0 {
            log::warn!("the server's listings disagree about {halves} messages");
        }
    }
}

impl Default for Listing {
    fn default() -> Self {
        Self {
            messages: Messages::default(),
            unique_id: 0,
            size: 0,
            room: (MESSAGES_MAX, UNIQUE_IDS_MAX),
            has_bad_lines: false,
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
    use std::collections::BTreeMap;

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
        let messages = listing.into_messages();
        let text = |listed: Listed| {
            let unique_id = String::from_utf8_lossy(listed.unique_id).into_owned();
            (unique_id, listed.size)
        };
        let texts: Vec<(String, u64)> = messages.iter().map(text).collect();
        let numbers = messages.into_numbers().map(|number| number.to_string());
        let told = numbers.zip(texts);
        told.map(|(number, (unique_id, size))| (number, unique_id, size))
            .collect()
    }

    fn texts(lines: &[String]) -> Vec<&str> {
        lines.iter().map(String::as_str).collect()
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
        assert_eq!(
            listed(&["1 a", "2 b", "1 c"], &["2 20", "1 10", "2 30"]),
            [message(1, "c", 10), message(2, "b", 30)]
        );
    }

    #[test]
    fn listings_in_the_same_order_take_one_row_a_message() {
        let mut listing = Listing::default();
        for line in ["1 a", "2 b", "3 c"] {
            listing.unique_id(line.as_bytes()).unwrap();
        }
        for line in ["1 10", "2 20", "3 30"] {
            listing.size(line.as_bytes()).unwrap();
        }
        assert_eq!(listing.messages.rows.len(), 3);
        assert_eq!(size_of::<Row>(), 32);
    }

    #[test]
    fn a_listing_takes_no_more_memory_than_it_may() {
        let room = |messages, octets| Listing {
            room: (messages, octets),
            ..Listing::default()
        };
        let mut listing = room(2, 100);
        for line in ["1 a", "2 b"] {
            assert!(listing.unique_id(line.as_bytes()).is_ok());
        }
        for line in ["1 10", "2 20"] {
            assert!(listing.size(line.as_bytes()).is_ok());
        }
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
            prop_assert!(listing.into_messages().iter().count() <= unique_ids.len() + sizes.len());
        }

        #[test]
        fn whatever_the_order_each_message_is_listed_once_with_what_was_said_last(
            unique_ids in prop::collection::vec((1u32..9, "[a-c]"), 0..12),
            sizes in prop::collection::vec((1u32..9, 1u64..4), 0..12),
        ) {
            let mut expected: BTreeMap<u32, (String, u64)> = BTreeMap::new();
            for (number, unique_id) in &unique_ids {
                expected.entry(*number).or_default().0 = unique_id.clone();
            }
            for (number, size) in &sizes {
                expected.entry(*number).or_default().1 = *size;
            }
            let lines = |(number, what): (u32, String)| format!("{number} {what}");
            let unique_ids: Vec<String> = unique_ids.into_iter().map(lines).collect();
            let sizes: Vec<String> = sizes.into_iter().map(|(number, size)| lines((number, size.to_string()))).collect();
            let joined = listed(&texts(&unique_ids), &texts(&sizes));
            let expected: Vec<_> = expected.into_iter().map(|(number, (unique_id, size))| message(number, &unique_id, size)).collect();
            prop_assert_eq!(joined, expected);
        }
    }
}
