//! Where a message stands among those that share its unique-id: what tells them apart.

use std::fmt;

/// The place of a message among its likes, in the order of the listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing {
    /// Which of the messages that share the unique-id, counted from 1.
    pub occurrence: u32,
    /// How many share it.
    pub sharers: u32,
    /// Which of those that are listed with the same size, too, counted from 1: nothing else tells
    /// these apart.
    pub copy: u32,
    /// How many those are.
    pub copies: u32,
}

impl Standing {
    /// That of a message that has its unique-id to itself.
    pub const ALONE: Self = Self {
        occurrence: 1,
        sharers: 1,
        copy: 1,
        copies: 1,
    };

    /// What these words say, as `Display` writes them.
    pub(super) fn parse(words: &[&str]) -> Option<Self> {
        let numbers: Result<Vec<u32>, _> = words.iter().map(|word| word.parse()).collect();
        let (occurrence, sharers, copy, copies) = match numbers.ok()?[..] {
            [occurrence, sharers] => (occurrence, sharers, 1, 1),
            [occurrence, sharers, copy, copies] => (occurrence, sharers, copy, copies),
            _ => return None,
        };
        Some(Self {
            occurrence,
            sharers,
            copy,
            copies,
        })
    }
}

/// `OCCURRENCE/SHARERS`, or `OCCURRENCE/SHARERS/COPY/COPIES` where there are copies.
impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            occurrence,
            sharers,
            copy,
            copies,
        } = self;
        write!(f, "{occurrence}/{sharers}")?;
        match (copy, copies) {
            (1, 1) => Ok(()),
            _ => write!(f, "/{copy}/{copies}"),
        }
    }
}
