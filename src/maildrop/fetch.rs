//! What is asked of the server about a message.

use super::message::MessageId;

/// A message to be fetched, or its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Fetch {
    pub id: MessageId,
    pub part: Part,
}

/// How much of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// All of it, by RETR.
    Whole,
    /// As much as somebody waits for, by TOP.
    Beginning,
}

impl Fetch {
    pub fn whole(id: MessageId) -> Self {
        let part = Part::Whole;
        Self { id, part }
    }

    pub fn beginning(id: MessageId) -> Self {
        let part = Part::Beginning;
        Self { id, part }
    }

    pub fn is_whole(self) -> bool {
        self.part == Part::Whole
    }
}
