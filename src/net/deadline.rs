//! One bound over several steps that each may wait.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// A moment after which nothing more is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    start: Instant,
    bound: Duration,
}

impl Deadline {
    /// The moment `bound` from now.
    pub(super) fn after(bound: Duration) -> Self {
        Self {
            start: Instant::now(),
            bound,
        }
    }

    /// How long the whole was allowed to take.
    pub(super) fn bound(&self) -> Duration {
        self.bound
    }

    /// What is left, never zero; nothing once the moment has come.
    pub(super) fn remaining(&self) -> Option<Duration> {
        self.bound
            .checked_sub(self.start.elapsed())
            .filter(|left| !left.is_zero())
    }

    /// Waits until `fd` can be read, has failed, or the moment has come; whether it can be read.
    ///
    /// # Errors
    ///
    /// What `poll` fails with.
    pub(super) fn wait_readable(&self, fd: impl AsFd) -> io::Result<bool> {
        while let Some(left) = self.remaining() {
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout) {
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => return Ok(true),
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    #[test]
    fn nothing_remains_of_no_time() {
        assert_eq!(Deadline::after(Duration::ZERO).remaining(), None);
    }

    #[test]
    fn the_longest_bound_does_not_overflow() {
        assert!(Deadline::after(Duration::MAX).remaining().is_some());
    }

    #[test]
    fn waiting_ends_when_there_is_something_to_read() {
        let (near, mut far) = UnixStream::pair().unwrap();
        far.write_all(b"x").unwrap();
        assert!(Deadline::after(Duration::MAX).wait_readable(&near).unwrap());
    }

    #[test]
    fn waiting_ends_at_the_deadline() {
        let (near, _far) = UnixStream::pair().unwrap();
        let deadline = Deadline::after(Duration::from_millis(20));
        assert!(!deadline.wait_readable(&near).unwrap());
    }
}
