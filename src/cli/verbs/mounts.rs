//! What the verbs ask of the system about mounts. Who runs them knows it; this room does not.

use std::io;
use std::path::Path;

/// How a mount is to be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// If nobody uses it.
    Plainly,
    /// From sight at once, and for good when nobody uses it any more.
    Lazily,
    /// The same, without a commit, and whatever the process that serves it is doing.
    Forcibly,
}

/// The system's mounts.
pub trait Mounts {
    /// Whether a mailbox is mounted there, served or not. Nothing that is mounted is asked.
    fn is_mailbox(&self, at: &Path) -> bool;

    /// Whether we may take the mount away: it is this user's, or we are root.
    fn is_ours(&self, at: &Path) -> bool;

    /// The process that serves the mount, which is not asked. None if it is not to be seen.
    fn server(&self, at: &Path) -> Option<u32>;

    /// Who uses the mount, a line for a person each, as far as that can be seen; none if nobody
    /// keeps it from being unmounted, for all that can be told beforehand.
    fn holders(&self, at: &Path) -> Option<Vec<String>>;

    /// Takes the mount away.
    ///
    /// # Errors
    ///
    /// What the system says; `ResourceBusy` if the mount is in use.
    fn unmount(&self, at: &Path, manner: Manner) -> io::Result<()>;
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};

    /// A system with one mount.
    pub(in super::super) struct Simulated {
        /// Whether it is a mailbox.
        pub is_mailbox: bool,
        /// Whether it is ours to take away.
        pub is_ours: bool,
        /// The process that serves it.
        pub server: Option<u32>,
        /// Who uses it.
        pub holders: Option<Vec<String>>,
        /// How often it is in use, and nobody to be seen who uses it, when it is asked for.
        pub passing_uses: Cell<u32>,
        /// What is said to one who unmounts it.
        pub refusal: Option<io::ErrorKind>,
        /// How it was to be unmounted, in order.
        pub unmounted: RefCell<Vec<Manner>>,
    }

    impl Default for Simulated {
        /// A mailbox of ours that nobody uses, nor serves.
        fn default() -> Self {
            Self {
                is_mailbox: true,
                is_ours: true,
                server: None,
                holders: None,
                passing_uses: Cell::default(),
                refusal: None,
                unmounted: RefCell::default(),
            }
        }
    }

    impl Simulated {
        fn is_passingly_used(&self) -> bool {
            let uses = self.passing_uses.get();
            self.passing_uses.set(uses.saturating_sub(1));
            uses > 0
        }
    }

    impl Mounts for Simulated {
        fn is_mailbox(&self, _: &Path) -> bool {
            self.is_mailbox
        }

        fn is_ours(&self, _: &Path) -> bool {
            self.is_ours
        }

        fn server(&self, _: &Path) -> Option<u32> {
            self.server
        }

        fn holders(&self, _: &Path) -> Option<Vec<String>> {
            if self.is_passingly_used() {
                return Some(Vec::new());
            }
            self.holders.clone()
        }

        fn unmount(&self, _: &Path, manner: Manner) -> io::Result<()> {
            self.unmounted.borrow_mut().push(manner);
            if self.is_passingly_used() {
                return Err(io::ErrorKind::ResourceBusy.into());
            }
            self.refusal.map_or(Ok(()), |kind| Err(kind.into()))
        }
    }
}
