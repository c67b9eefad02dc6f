//! The octets of a message while they arrive: in memory, or where they are too many, on disk.

use std::sync::Arc;

use super::catalog::Content;
use super::fingerprint::{Fingerprint, Growth};
use super::octets::{Body, Octets, Part, Whole};
use super::spill::{Spill, Write};

/// What a message may take in memory before it has proved to be that long.
const RESERVE_MAX: usize = 1 << 20;

/// What goes to the disk at once.
const PIECE: usize = 1 << 20;

/// What is kept of a message on disk to read its date from.
const HEAD: usize = 64 * 1024;

/// The octets that have come of a message.
#[derive(Default)]
pub(super) struct Growing {
    /// Those that are not on disk: whole blocks, and the last, unfinished one.
    octets: Vec<u8>,
    /// How many are on disk.
    moved: usize,
    /// The last one, wherever it is.
    last: Option<u8>,
    growth: Growth,
    disk: Option<Disk>,
}

struct Disk {
    spill: Arc<Spill>,
    head: Vec<u8>,
}

/// A message that has come to its end.
pub(super) struct Grown {
    pub whole: Whole,
    pub content: Content,
    /// What is still to be written.
    pub write: Option<Write>,
}

impl Growing {
    /// How many octets there are.
    pub fn length(&self) -> usize {
        self.moved + self.octets.len()
    }

    /// Takes some more, of about so many in all; whether it can still be the message of this
    /// fingerprint.
    pub fn append(&mut self, octets: &[u8], listed: u64, expected: Option<&Fingerprint>) -> bool {
        if self.length() == 0 {
            let listed = usize::try_from(listed).unwrap_or(RESERVE_MAX);
            self.octets.reserve(listed.min(RESERVE_MAX));
        }
        self.octets.extend_from_slice(octets);
        self.last = octets.last().copied().or(self.last);
        let before = self.growth.grow(self.moved, &self.octets);
        expected.is_none_or(|expected| expected.goes_on_with(&self.growth, before))
    }

    /// Whether it begins as this fingerprint does, as far as both go.
    pub fn agrees_with(&self, beginning: &Fingerprint) -> bool {
        beginning.goes_on_with(&self.growth, 0)
    }

    /// A part that lies within whole blocks, and not across the edge of what is on disk.
    pub fn part(&self, offset: u64, length: usize) -> Option<Part> {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(length)?;
        if let Some(disk) = self.disk.as_ref().filter(|_| end <= self.moved) {
            return Some(Part::Disk(disk.spill.clone(), offset, length));
        }
        let known = self.octets.get(..self.growth.octets() - self.moved)?;
        let part = known.get(start.checked_sub(self.moved)?..end - self.moved)?;
        Some(Part::Here(Octets::Copied(part.to_vec())))
    }

    /// What must leave memory, if a message of more than `limit` octets is not to be there.
    pub fn overflow(&mut self, listed: u64, limit: usize) -> Option<Write> {
        let is_long = listed > limit as u64 || self.octets.len() > limit;
        if self.disk.is_none()
            && is_long
            && let Some(head) = self.octets.get(..HEAD)
        {
            self.disk = Some(Disk {
                spill: Arc::default(),
                head: head.to_vec(),
            });
        }
        if self.octets.len() < PIECE {
            return None;
        }
        let spill = self.disk.as_ref()?.spill.clone();
        let rest = self.octets.split_off(self.growth.octets() - self.moved);
        let octets = std::mem::replace(&mut self.octets, rest);
        self.moved += octets.len();
        Some(Write::of(spill, octets))
    }

    /// The whole message.
    pub fn finish(self) -> Grown {
        let size = self.length() as u64;
        let last = self.last;
        let fingerprint = self.growth.finish(self.moved, &self.octets);
        let Some(Disk { spill, head }) = self.disk else {
            return Grown {
                content: Content::of(&self.octets, size, last, fingerprint),
                whole: Whole::Memory(self.octets.into()),
                write: None,
            };
        };
        Grown {
            content: Content::of(&head, size, last, fingerprint),
            whole: Whole::Disk(spill.clone(), size),
            write: Some(Write::of(spill, self.octets)),
        }
    }

    /// Its whole blocks, and their fingerprint.
    pub fn beginning(mut self) -> (Body, Growth) {
        self.octets.truncate(self.growth.octets());
        (self.octets.into(), self.growth)
    }

    /// The fingerprint of its whole blocks.
    pub fn into_growth(self) -> Growth {
        self.growth
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tempfile::tempfile;

    use super::*;

    #[test]
    fn the_last_octet_is_known_of_a_message_that_is_on_disk_to_the_end() {
        let message = vec![b'x'; PIECE + PIECE / 2];
        let mut growing = Growing::default();
        growing.append(&message, 0, None);
        growing
            .overflow(0, HEAD)
            .into_iter()
            .for_each(|write| write.carry_out(&tempfile));
        assert!(growing.octets.is_empty());
        assert_eq!(growing.finish().content.last, Some(b'x'));
    }

    proptest! {
        #[test]
        fn a_message_is_the_same_in_memory_and_on_disk(
            length in 0usize..4_000_000, step in 10_000usize..500_000, limit in prop::sample::select(vec![100_000, usize::MAX])
        ) {
            let message: Vec<u8> = (0..length).map(|at| (at * 31 % 251) as u8).collect();
            let mut growing = Growing::default();
            for piece in message.chunks(step) {
                prop_assert!(growing.append(piece, 0, None));
                if let Some(write) = growing.overflow(0, limit) {
                    write.carry_out(&tempfile);
                }
                let offset = growing.length() / 3;
                if let Some(part) = growing.part(offset as u64, 5000) {
                    prop_assert_eq!(&*part.load(&tempfile).unwrap(), &message[offset..offset + 5000]);
                }
            }
            let Grown { whole, content, write } = growing.finish();
            write.iter().for_each(|write| write.carry_out(&tempfile));
            prop_assert_eq!(whole.length(), length as u64);
            prop_assert_eq!(content.last, message.last().copied());
            prop_assert_eq!(content.fingerprint, Growth::default().finish(0, &message));
            prop_assert_eq!(whole.body().is_none(), limit < usize::MAX && length > limit);
            let all = whole.part(0, length + 10).load(&tempfile).unwrap();
            prop_assert!(*all == message[..]);
        }
    }
}
