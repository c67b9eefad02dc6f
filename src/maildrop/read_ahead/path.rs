//! The ways on which one can walk through all messages.

/// In what order the messages are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sequence {
    /// As the server lists them.
    Listing,
    /// By file name, octet by octet.
    Name,
    /// By file name, as most languages collate.
    Collation,
}

impl Sequence {
    /// Every one; it takes longest to find out about the last.
    pub const ALL: [Self; 3] = [Self::Listing, Self::Name, Self::Collation];
}

/// A sequence, forwards or backwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    pub sequence: Sequence,
    pub backwards: bool,
}

impl Path {
    /// How many positions one lies ahead of another, or none if it lies behind.
    pub fn length(self, from: usize, to: usize) -> Option<usize> {
        if self.backwards {
            from.checked_sub(to)
        } else {
            to.checked_sub(from)
        }
    }

    /// The position that lies so far ahead of another.
    pub fn ahead(self, rank: usize, length: usize) -> Option<usize> {
        if self.backwards {
            rank.checked_sub(length)
        } else {
            rank.checked_add(length)
        }
    }

    /// Whether a position lies ahead of another.
    pub fn is_beyond(self, rank: usize, other: usize) -> bool {
        self.length(other, rank).is_some_and(|length| length > 0)
    }

    /// A position that none lies ahead of.
    pub fn end(self) -> usize {
        if self.backwards { 0 } else { usize::MAX }
    }
}
