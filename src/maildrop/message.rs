//! A message as the rest of the program sees it.

use std::sync::Arc;

/// One message for the life of a mount. Rises in listing order; never used again.
///
/// It is not the POP3 message-number, which is valid for one session only and never leaves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub(super) u32);

impl MessageId {
    /// The id's position: 0, 1, 2, ... in order of first listing.
    pub fn index(self) -> u32 {
        self.0
    }

    /// The id at a position, which need not be one that exists.
    pub fn from_index(index: u32) -> Self {
        Self(index)
    }
}

/// How long a message is, in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// What LIST said: an estimate (RFC 1939 section 5).
    Listed(u64),
    /// What RETR gave.
    Exact(u64),
}

impl Size {
    /// The size to show to programs. 0 is never shown for a size that is not known.
    pub fn shown(self) -> u64 {
        match self {
            Self::Listed(octets) => octets.max(1),
            Self::Exact(octets) => octets,
        }
    }

    /// Whether RETR has confirmed it.
    pub fn is_exact(self) -> bool {
        matches!(self, Self::Exact(_))
    }
}

/// Where a message is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the root.
    Root,
    /// In `.pop3fs/deleted/`: marked, to be deleted by the next commit.
    Deleted,
    /// Nowhere: it left the maildrop. It can still be held open.
    Gone,
}

/// A message's directory entry and attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which message.
    pub id: MessageId,
    /// Its file name, suffix included.
    pub name: Arc<str>,
    /// How long it is.
    pub size: Size,
    /// Its own date where known, else that of the listing; seconds since 1970.
    pub date: i64,
    /// Where it is shown.
    pub place: Place,
}

/// What the kernel must be told because what it was shown before RETR may be wrong: before a reader may
/// go on where it is the size, and else later, for then it is the date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correction {
    /// The message's last octet and its offset, where it may be longer than it was shown.
    pub last: Option<(u64, u8)>,
    /// Whether it is as long as it was shown.
    pub as_shown: bool,
}
