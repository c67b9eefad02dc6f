//! What is asked of the server about a message.

use super::message::MessageId;

/// A message to be fetched, or its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Fetch {
    pub id: MessageId,
    pub extent: Extent,
}

/// How much of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Extent {
    /// All of it, by RETR.
    Whole,
    /// As much as somebody waits for, by TOP.
    Beginning,
}

impl Fetch {
    pub fn whole(id: MessageId) -> Self {
        let extent = Extent::Whole;
        Self { id, extent }
    }

    pub fn beginning(id: MessageId) -> Self {
        let extent = Extent::Beginning;
        Self { id, extent }
    }

    pub fn is_whole(self) -> bool {
        self.extent == Extent::Whole
    }
}
