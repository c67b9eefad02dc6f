//! The bytes of messages, in memory or on disk.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::error::Error;
use super::spill::{Spill, Storage};

/// A message's octets, whole and unchanging.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(Arc<Vec<u8>>);

impl Body {
    /// At most `length` octets from `offset` on; fewer, or none, at the end.
    pub fn slice(&self, offset: u64, length: usize) -> &[u8] {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = self.0.get(start..).unwrap_or_default();
        rest.get(..length).unwrap_or(rest)
    }

    /// Whether anybody but the one who asks holds it.
    pub(super) fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

impl From<Vec<u8>> for Body {
    /// Without a copy, which would take long for a large message.
    fn from(mut octets: Vec<u8>) -> Self {
        octets.shrink_to_fit();
        Self(Arc::new(octets))
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// Mail is private: only the length is shown.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} octets)", self.0.len())
    }
}

/// A message that has come to its end.
#[derive(Clone, Debug)]
pub(super) enum Whole {
    /// It is in memory.
    Memory(Body),
    /// It is on disk, and has so many octets.
    Disk(Arc<Spill>, u64),
}

impl Whole {
    /// How long it is, in octets.
    pub fn length(&self) -> u64 {
        match self {
            Self::Memory(body) => body.len() as u64,
            Self::Disk(_, length) => *length,
        }
    }

    /// Its bytes, where they are in memory.
    pub fn body(&self) -> Option<&Body> {
        match self {
            Self::Memory(body) => Some(body),
            Self::Disk(..) => None,
        }
    }

    /// At most `length` octets from `offset` on; fewer, or none, at the end.
    pub fn part(&self, offset: u64, length: usize) -> Part {
        match self {
            Self::Memory(body) => Part::Here(Octets::Shared {
                body: body.clone(),
                offset,
                length,
            }),
            Self::Disk(spill, end) => {
                let offset = offset.min(*end);
                let rest = usize::try_from(end - offset).unwrap_or(usize::MAX);
                Part::Disk(spill.clone(), offset, length.min(rest))
            }
        }
    }
}

/// The octets that answer one read, or where they are.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// They are here.
    Here(Octets),
    /// They are on disk: this many, from an offset on.
    Disk(Arc<Spill>, u64, usize),
}

impl Part {
    /// The octets; those on disk may have to be waited for.
    pub fn load(self, storage: &Storage) -> Result<Octets, Error> {
        match self {
            Self::Here(octets) => Ok(octets),
            Self::Disk(spill, offset, length) => spill.read(offset, length, storage),
        }
    }
}

/// The octets that answer one read.
#[derive(Clone, Debug)]
pub enum Octets {
    /// A part of a message that is whole in memory.
    Shared {
        /// The whole message.
        body: Body,
        /// Where the read starts.
        offset: u64,
        /// How much was asked for.
        length: usize,
    },
    /// A copy, made while the message was still arriving.
    Copied(Vec<u8>),
}

impl Deref for Octets {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Shared {
                body,
                offset,
                length,
            } => body.slice(*offset, *length),
            Self::Copied(octets) => octets,
        }
    }
}
