//! Time as the engine is told it.

use std::ops::{Add, Sub};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

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

/// The clock of the machine, which goes on while the machine sleeps: servers do not sleep with it.
/// A simulation has another.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// When the machine was started; since 1970.
    started: Duration,
}

impl Clock {
    /// A clock that is set by the machine's idea of the time and date, now and never again.
    pub fn start() -> Self {
        let at = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            started: at.saturating_sub(uptime()),
        }
    }

    /// The present moment.
    pub fn now(&self) -> Moment {
        Moment(self.started + uptime())
    }
}

/// How long the machine has run, its sleep included.
fn uptime() -> Duration {
    // Neither clock can be missing; where both were, time would stand still.
    clock_gettime(ClockId::CLOCK_BOOTTIME)
        .or_else(|_| clock_gettime(ClockId::CLOCK_MONOTONIC))
        .map(Duration::from)
        .unwrap_or_default()
}

/// Notices that the machine has slept.
#[derive(Debug)]
pub(super) struct Slumber {
    looked: Readings,
}

/// The clock that goes on while the machine sleeps, and the one that does not.
#[derive(Clone, Copy, Debug)]
struct Readings {
    uptime: Duration,
    awake: Instant,
}

impl Readings {
    fn take() -> Self {
        Self {
            uptime: uptime(),
            awake: Instant::now(),
        }
    }

    /// How long the machine has slept since.
    fn slept_since(&self, earlier: &Self) -> Duration {
        let passed = self.uptime.saturating_sub(earlier.uptime);
        passed.saturating_sub(self.awake.saturating_duration_since(earlier.awake))
    }
}

impl Slumber {
    /// The clocks are compared from now on.
    pub fn new() -> Self {
        Self {
            looked: Readings::take(),
        }
    }

    /// How long the machine has slept since the last look.
    pub fn look(&mut self) -> Duration {
        let now = Readings::take();
        let before = std::mem::replace(&mut self.looked, now);
        now.slept_since(&before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_agrees_with_the_machine_s_and_goes_on() {
        let clock = Clock::start();
        let (first, second) = (clock.now(), clock.now());
        assert!(second >= first);
        let machine = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let difference = (Moment::since_1970(machine) - first).as_secs();
        assert!(difference < 60);
    }

    #[test]
    fn a_machine_has_slept_for_what_the_one_clock_is_ahead_of_the_other() {
        let before = Readings::take();
        let slept = |uptime, awake| {
            let later = Readings {
                uptime: before.uptime + Duration::from_secs(uptime),
                awake: before.awake + Duration::from_secs(awake),
            };
            later.slept_since(&before).as_secs()
        };
        assert_eq!([slept(10, 10), slept(10, 4), slept(10, 0)], [0, 6, 10]);
        assert_eq!(slept(4, 10), 0, "read one after the other");
    }
}
