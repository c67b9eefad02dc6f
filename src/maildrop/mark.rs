//! A mark as it is written down: what finds a message again in a later session, and nothing that
//! is valid for one session only.

use std::fmt;
use std::str::FromStr;

use super::catalog::{Catalog, Message};
use super::header::HeaderDigest;
use super::message::{MessageId, Place};
use super::names;
use super::standing::Standing;

/// A message marked for deletion.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The unique-id, raw.
    pub unique_id: Box<[u8]>,
    /// Which it is of those that share it. Where that has changed, the mark holds no longer.
    pub standing: Standing,
    /// The listed size, in octets; for a unique-id can be given anew to another message.
    pub size: u64,
    /// What its header was, where that was at hand; for the other may be as long.
    pub header: Option<HeaderDigest>,
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The message was marked.
    Marked(Mark),
    /// The mark was taken off.
    Unmarked(Mark),
}

impl Mark {
    /// The mark of a message that has this header, as far as is known.
    pub(super) fn of(message: &Message, header: Option<HeaderDigest>) -> Self {
        Self {
            unique_id: message.unique_id().into(),
            standing: message.standing,
            size: message.listed,
            header,
        }
    }

    /// As much of it as a listing shows: in a journal, two marks that agree in that are one.
    pub fn listed(&self) -> Self {
        Self {
            header: None,
            ..self.clone()
        }
    }

    fn is_for(&self, message: &Message) -> bool {
        Self::of(message, self.header) == *self
    }

    /// The file name of the message.
    pub(super) fn file_name(&self, suffix: &str) -> String {
        names::file_name(&self.unique_id, self.standing.occurrence, suffix)
    }

    /// The message in the root that this mark is for.
    pub(super) fn find(&self, catalog: &Catalog, suffix: &str) -> Option<MessageId> {
        let id = catalog.named(&self.file_name(suffix))?;
        let message = catalog.message(id)?;
        (message.place == Place::Root && self.is_for(message)).then_some(id)
    }
}

impl Record {
    /// The record that takes this one back.
    pub(super) fn inverse(self) -> Self {
        match self {
            Self::Marked(mark) => Self::Unmarked(mark),
            Self::Unmarked(mark) => Self::Marked(mark),
        }
    }
}

/// `SIZE STANDING UNIQUE-ID`, or `SIZE STANDING/HEADER UNIQUE-ID`; the unique-id escaped.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            unique_id,
            standing,
            size,
            header,
        } = self;
        write!(f, "{size} {standing}")?;
        if let Some(header) = header {
            write!(f, "/{header}")?;
        }
        write!(f, " {}", names::escaped(unique_id))
    }
}

impl FromStr for Mark {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parse = || {
            let (size, rest) = text.split_once(' ')?;
            let (place, unique_id) = rest.split_once(' ')?;
            let place: Vec<&str> = place.split('/').collect();
            // The numbers of a standing come in pairs.
            let (standing, header) = place.split_at(place.len() / 2 * 2);
            Some(Self {
                unique_id: names::unescaped(unique_id)?.into(),
                standing: Standing::parse(standing)?,
                size: size.parse().ok()?,
                header: header.first().map(|it| it.parse()).transpose().ok()?,
            })
        };
        // What says the same in other words, as `07` does, was not written by us.
        parse().filter(|mark| mark.to_string() == text).ok_or(())
    }
}

/// `+ MARK` or `- MARK`.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Marked(mark) => write!(f, "+ {mark}"),
            Self::Unmarked(mark) => write!(f, "- {mark}"),
        }
    }
}

impl FromStr for Record {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        match line.split_at_checked(2) {
            Some(("+ ", mark)) => mark.parse().map(Self::Marked),
            Some(("- ", mark)) => mark.parse().map(Self::Unmarked),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
impl Mark {
    /// A mark of some message that has a unique-id to itself.
    pub(super) fn sample(unique_id: &str) -> Self {
        Self {
            unique_id: unique_id.as_bytes().into(),
            standing: Standing::ALONE,
            size: 7,
            header: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_mark_is_written_in_one_way_only() {
        let header = "00112233445566778899aabbccddeeff";
        for standing in ["1/1", "2/3", "2/3/1/2", "1/2/1/2"] {
            for place in [standing.to_owned(), format!("{standing}/{header}")] {
                assert!(
                    format!("+ 7 {place} a").parse::<Record>().is_ok(),
                    "{place}"
                );
            }
        }
        for line in [
            "+ 07 1/1 a",
            "+ +7 1/1 a",
            "+ 7 01/1 a",
            "+ 7 1/+1 a",
            "+ 7 1 a",
            "+ 7 2/3/1/1 a",
            "+ 7 2/3/1/2/1/2 a",
            "+ 7 1/1 %61",
            "+ 7 1/1/ a",
            "+ 7 1/1/7 a",
            "+ 7 1/1/+0112233445566778899aabbccddeeff a",
            "+ 7 1/1/00112233445566778899AABBCCDDEEFF a",
            "+ 7 1/1/00112233445566778899aabbccddeeff/7 a",
        ] {
            assert_eq!(line.parse::<Record>(), Err(()), "{line}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            unique_id: Vec<u8>, numbers: [u32; 4], size: u64, header: Option<Vec<u8>>, marked: bool
        ) {
            let [occurrence, sharers, copy, copies] = numbers;
            let standing = Standing { occurrence, sharers, copy, copies };
            let header = header.and_then(|words| HeaderDigest::of(&[b"From:", &words[..]].concat()));
            let mark = Mark { unique_id: unique_id.into(), standing, size, header };
            let record = if marked { Record::Marked(mark) } else { Record::Unmarked(mark) };
            prop_assert_eq!(record.to_string().parse(), Ok(record));
        }

        #[test]
        fn a_line_is_a_record_or_refused(line: String) {
            if let Ok(record) = line.parse::<Record>() {
                prop_assert_eq!(record.to_string(), line);
            }
        }
    }
}
