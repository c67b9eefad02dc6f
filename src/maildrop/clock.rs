//! Time as the engine is told it.

use std::ops::{Add, Sub};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A point in time: the time since 1970 at the start of the program, advanced by a clock that
/// never jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// The moment this long after the beginning of 1970.
    pub fn since_1970(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// Whole seconds since 1970.
    pub fn unix_seconds(self) -> i64 {
        i64::try_from(self.0.as_secs()).unwrap_or(i64::MAX)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

impl Sub for Moment {
    type Output = Duration;

    /// The time from `earlier` to `self`; nothing if it is not earlier.
    fn sub(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// The clock of the machine. A simulation has another.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    at: Duration,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        let at = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            started: Instant::now(),
            at,
        }
    }

    /// The present moment.
    pub fn now(&self) -> Moment {
        Moment(self.at + self.started.elapsed())
    }
}
