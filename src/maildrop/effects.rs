//! What comes of a step that is taken under the lock.

use super::Change;
use super::event::EventKind;
use super::reader::Due;
use super::spill::Write;

/// What is to be done once the lock is released.
#[derive(Default)]
pub(super) struct Effects {
    pub answers: Vec<Due>,
    pub changes: Vec<Change>,
    pub events: Vec<EventKind>,
    /// Octets for the disk.
    pub writes: Vec<Write>,
}
