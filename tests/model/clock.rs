//! Time that passes only when a run lets it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pop3fs::maildrop::Moment;

/// When all runs begin; milliseconds since 1970.
const BEGINNING: u64 = 1_700_000_000_000;

/// The clock of a run; all clones are the same one.
#[derive(Clone)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(BEGINNING)))
    }

    pub fn now(&self) -> Moment {
        Moment::since_1970(Duration::from_millis(self.0.load(Ordering::Relaxed)))
    }

    /// It is that late now; it never goes back.
    pub fn set(&self, moment: Moment) {
        let ahead = moment - self.now();
        // Whole milliseconds are enough as long as no deadline is missed by rounding down.
        let milliseconds = u64::try_from(ahead.as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
        self.0.fetch_add(milliseconds, Ordering::Relaxed);
    }
}
