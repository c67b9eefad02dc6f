//! Open files.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::events::Watcher;
use crate::maildrop::{Body, OpenMessage, Presence};

/// What an open file reads from or writes to.
#[derive(Debug)]
pub(super) enum Handle {
    /// A message, and whether the kernel is to ask for its date once it is closed.
    Message {
        open: OpenMessage,
        is_date_due: bool,
    },
    /// A report, as it was when it was opened, so that one reader sees one state.
    Report(Body),
    /// `ctl`.
    Ctl,
    /// What happens from its opening on.
    Events(Watcher),
}

/// An open file, and that it makes the maildrop count as used.
type Open = (Arc<Handle>, Presence);

/// The open files of a mount, by the number the kernel has for each.
#[derive(Debug, Default)]
pub(super) struct Handles {
    last: AtomicU64,
    open: Mutex<HashMap<u64, Open>>,
}

impl Handles {
    /// Takes in an open file and gives it a number that was never used before.
    pub(super) fn insert(&self, handle: Handle, presence: Presence) -> u64 {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        self.open().insert(number, (Arc::new(handle), presence));
        number
    }

    /// The open file with a number.
    pub(super) fn find(&self, number: u64) -> Option<Arc<Handle>> {
        let open = self.open();
        open.get(&number).map(|(handle, _)| Arc::clone(handle))
    }

    /// Lets go of an open file, which is no longer locked where it is dropped: its body may be large.
    pub(super) fn remove(&self, number: u64) -> Option<Arc<Handle>> {
        let removed = self.open().remove(&number);
        removed.map(|(handle, _)| handle)
    }

    /// Nothing can be half done inside, so a poisoned lock is as good as any.
    fn open(&self) -> MutexGuard<'_, HashMap<u64, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_never_used_again() {
        let handles = Handles::default();
        let first = handles.insert(Handle::Ctl, Presence::default());
        handles.remove(first);
        let second = handles.insert(Handle::Ctl, Presence::default());
        assert_ne!(first, second);
        assert!(handles.find(first).is_none());
        assert!(handles.find(second).is_some());
    }

    #[test]
    fn a_read_under_way_keeps_the_file_when_it_is_closed() {
        let handles = Handles::default();
        let number = handles.insert(
            Handle::Report(Body::from(b"text".to_vec())),
            Presence::default(),
        );
        let reading = handles.find(number);
        handles.remove(number);
        assert!(matches!(reading.as_deref(), Some(Handle::Report(body)) if body.len() == 4));
    }
}
