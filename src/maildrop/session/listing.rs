//! The scan listing and the unique-id listing of a session, joined by message-number as they come.
//!
//! STAT, LIST and UIDL of real servers disagree; no message is hidden for that. One that UIDL
//! leaves out has no unique-id, one that LIST leaves out has the size 0.

use std::mem;

use crate::pop3::MessageNumber;
use crate::pop3::listing::{scan_line, unique_id_line};

use super::super::roll::{Listed, Roll};
use super::SessionError;

/// More messages than this, or more octets of unique-ids, are an attack on our memory, not a
/// maildrop.
const MESSAGES_MAX: usize = 5_000_000;
const UNIQUE_IDS_MAX: usize = 512 << 20;

/// What a session lists, while it comes: UIDL's reply, then LIST's.
#[derive(Debug)]
pub(in super::super) struct Listing {
    /// The numbers of the messages on the roll.
    numbers: Vec<MessageNumber>,
    roll: Roll,
    /// Where on the roll the message of LIST's next line should be: behind that of the last.
    next: usize,
    /// Messages, and octets of unique-ids, that may still come.
    room: (usize, usize),
    has_bad_lines: bool,
}

impl Listing {
    /// One of messages whose names end in this suffix.
    pub(super) fn new(suffix: &str) -> Self {
        Self {
            numbers: Vec::new(),
            roll: Roll::new(suffix),
            next: 0,
            room: (MESSAGES_MAX, UNIQUE_IDS_MAX),
            has_bad_lines: false,
        }
    }

    /// Takes a line of UIDL's reply (RFC 1939 section 7).
    pub(super) fn unique_id(&mut self, line: &[u8]) -> Result<(), SessionError> {
        let Some(listed) = unique_id_line(line) else {
            self.bad();
            return Ok(());
        };
        take(&mut self.room.1, listed.unique_id.len())?;
        self.add(listed.number, Some(listed.unique_id), None)
    }

    /// Takes a line of LIST's reply (RFC 1939 section 5).
    pub(super) fn size(&mut self, line: &[u8]) -> Result<(), SessionError> {
        let Some(listed) = scan_line(line) else {
            self.bad();
            return Ok(());
        };
        if self.numbers.get(self.next) == Some(&listed.number) {
            self.roll.set_size(self.next, listed.size);
        } else {
            // It may be elsewhere on the roll; that is found when all have come.
            self.next = self.numbers.len();
            self.add(listed.number, None, Some(listed.size))?;
        }
        self.next += 1;
        Ok(())
    }

    fn add(
        &mut self,
        number: MessageNumber,
        unique_id: Option<&[u8]>,
        size: Option<u64>,
    ) -> Result<(), SessionError> {
        take(&mut self.room.0, 1)?;
        self.numbers.push(number);
        self.roll.add(unique_id, size);
        Ok(())
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
        self.numbers.is_empty()
    }

    /// Whether messages are listed, and UIDL has named none of them.
    pub(super) fn lacks_unique_ids(&self) -> bool {
        let mut listed = self.roll.listed().iter();
        !self.is_empty() && listed.all(|listed| listed.given_unique_id().is_none())
    }

    /// The messages, now that all lines have come, and their numbers, rising.
    pub(in super::super) fn into_parts(self) -> (Roll, Vec<MessageNumber>) {
        let (roll, numbers) = in_order(self.roll, self.numbers);
        let halves = roll.listed().iter().filter(|it| it.is_half()).count();
        if halves > 0 {
            log::warn!("the server's listings disagree about {halves} messages");
        }
        (roll, numbers)
    }
}

impl Default for Listing {
    fn default() -> Self {
        Self::new("")
    }
}

/// The roll as it is where the server has kept to the order of numbers; else one that is sorted, on
/// which each message stands once, with what was said last of it.
fn in_order(roll: Roll, numbers: Vec<MessageNumber>) -> (Roll, Vec<MessageNumber>) {
    if numbers.is_sorted_by(|number, next| number < next) {
        return (roll, numbers);
    }
    let (listed, mut roll) = roll.disband();
    let mut rows: Vec<(MessageNumber, Listed)> = numbers.into_iter().zip(listed).collect();
    rows.sort_by(|(number, _), (other, _)| number.cmp(other));
    rows.dedup_by(|(later, said), (number, listed)| {
        let is_same = later == number;
        if is_same {
            correct(listed, said);
        }
        is_same
    });
    let add = |(number, listed): (MessageNumber, Listed)| {
        roll.add(listed.given_unique_id(), listed.size);
        number
    };
    let numbers = rows.into_iter().map(add).collect();
    (roll, numbers)
}

/// Takes in what was said of the same message later.
fn correct(listed: &mut Listed, said: &mut Listed) {
    let size = said.size.or(listed.size);
    if said.given_unique_id().is_some() {
        mem::swap(listed, said);
    }
    listed.size = size;
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
        let (roll, numbers) = listing.into_parts();
        let told = |(number, listed): (&MessageNumber, &Listed)| {
            let unique_id = String::from_utf8_lossy(listed.unique_id()).into_owned();
            (number.to_string(), unique_id, listed.size())
        };
        numbers.iter().zip(roll.listed()).map(told).collect()
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
    fn a_message_of_both_listings_is_added_once_where_they_have_the_same_order() {
        let mut listing = Listing::default();
        for line in ["1 a", "2 b", "3 c"] {
            listing.unique_id(line.as_bytes()).unwrap();
        }
        for line in ["1 10", "2 20", "3 30"] {
            listing.size(line.as_bytes()).unwrap();
        }
        assert_eq!(listing.roll.listed().len(), 3);
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
            prop_assert!(listing.into_parts().1.len() <= unique_ids.len() + sizes.len());
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
