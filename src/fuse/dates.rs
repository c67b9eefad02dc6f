//! Dates of messages that have been read, of which the kernel has still to ask.
//!
//! It asks for each by itself when somebody looks at the file, or for all with the directory, if it
//! has no listing of that any more.

use std::sync::atomic::{AtomicU64, Ordering};

/// So many entries of a directory are read in the time that it takes to ask for one file.
const ENTRIES_FOR_ONE: u64 = 16;

/// How many dates there are since the directory was last to be read anew.
#[derive(Default)]
pub(super) struct Dates(AtomicU64);

impl Dates {
    /// There is another one.
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether a directory of so many entries is to be read anew now: that takes less time than to be
    /// asked for each date, should somebody look at all files.
    pub(super) fn are_many(&self, entries: u64) -> bool {
        let dates = self.0.load(Ordering::Relaxed);
        let many = dates.saturating_mul(ENTRIES_FOR_ONE) > entries;
        if many {
            self.0.store(0, Ordering::Relaxed);
        }
        many
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_directory_is_not_read_anew_for_a_few_dates() {
        let dates = Dates::default();
        assert!(!dates.are_many(0));
        dates.add();
        assert!(!dates.are_many(16));
        dates.add();
        assert!(dates.are_many(31));
        assert!(!dates.are_many(0));
    }
}
