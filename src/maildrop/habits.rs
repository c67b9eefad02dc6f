//! What a server's listings have shown of its ways.

use super::coverage::Coverage;

/// The ways of a server, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Habits {
    /// Whether the unique-ids of the last listing were its message-numbers. In another session they
    /// may stand for other messages, then.
    pub is_numbered: bool,
    pub coverage: Coverage,
    /// Whether messages grow between sessions.
    pub messages_grow: bool,
}
