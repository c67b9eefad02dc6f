//! What wakes the driver in time.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use super::clock::Moment;

/// The kernel takes no time at all for "never".
const SHORTEST: Duration = Duration::from_nanos(1);

/// An alarm, to be polled. Where the machine sleeps beyond its time, it goes off at once when the
/// machine wakes; the time-out of poll(2) would start from where it was.
#[derive(Debug)]
pub(super) struct Alarm {
    timer: TimerFd,
    set: Option<Moment>,
}

impl Alarm {
    /// An alarm that is not set.
    ///
    /// # Errors
    /// The system has no descriptor left.
    pub fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        Ok(Self {
            timer: TimerFd::new(ClockId::CLOCK_BOOTTIME, flags)?,
            set: None,
        })
    }

    /// It is to go off by then. One that is set for earlier is left as it is: to wake too early
    /// costs less than to set it again for each reply.
    ///
    /// # Errors
    /// The system refused, which it does not do for such times.
    pub fn set(&mut self, moment: Moment, now: Moment) -> io::Result<()> {
        if self.set.is_some_and(|set| set <= moment) {
            return Ok(());
        }
        let left = TimeSpec::from_duration((moment - now).max(SHORTEST));
        self.timer
            .set(Expiration::OneShot(left), TimerSetTimeFlags::empty())?;
        self.set = Some(moment);
        Ok(())
    }

    /// It may have gone off: then it is set no longer.
    pub fn acknowledge(&mut self) {
        if self.timer.wait().is_ok() {
            self.set = None;
        }
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;

    const AMPLE: PollTimeout = PollTimeout::MAX;

    fn at(milliseconds: u64) -> Moment {
        Moment::since_1970(Duration::from_millis(milliseconds))
    }

    fn rings(alarm: &Alarm, timeout: PollTimeout) -> bool {
        let mut alarm = [PollFd::new(alarm.as_fd(), PollFlags::POLLIN)];
        poll(&mut alarm, timeout).unwrap() > 0
    }

    #[test]
    fn it_goes_off_once_and_can_be_set_again() {
        let mut alarm = Alarm::new().unwrap();
        for _ in 0..2 {
            assert!(!rings(&alarm, PollTimeout::ZERO));
            alarm.set(at(1), at(0)).unwrap();
            assert!(rings(&alarm, AMPLE));
            alarm.acknowledge();
        }
        assert!(!rings(&alarm, PollTimeout::ZERO));
    }

    #[test]
    fn a_time_that_has_passed_is_now() {
        let mut alarm = Alarm::new().unwrap();
        alarm.set(at(0), at(1000)).unwrap();
        assert!(rings(&alarm, AMPLE));
    }

    #[test]
    fn the_earlier_time_counts() {
        let mut alarm = Alarm::new().unwrap();
        alarm.set(at(3_600_000), at(0)).unwrap();
        alarm.acknowledge();
        assert!(!rings(&alarm, PollTimeout::ZERO));
        alarm.set(at(1), at(0)).unwrap();
        alarm.set(at(7_200_000), at(0)).unwrap();
        assert!(rings(&alarm, AMPLE));
    }
}
