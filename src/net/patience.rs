//! When a link whose other end says nothing is given up.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};

/// Has a link given up when nothing has come over it for so long: neither an acknowledgement of what
/// was sent nor, where nothing is to be acknowledged, an answer to the question whether the other end
/// is still there.
pub(super) fn set_patience(socket: &TcpStream, patience: Duration) -> io::Result<()> {
    let milliseconds = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
    setsockopt(socket, sockopt::TcpUserTimeout, &milliseconds)?;
    let questions = Questions::within(patience);
    setsockopt(socket, sockopt::TcpKeepIdle, &questions.idle)?;
    setsockopt(socket, sockopt::TcpKeepInterval, &questions.interval)?;
    setsockopt(socket, sockopt::TcpKeepCount, &questions.count)?;
    Ok(setsockopt(socket, sockopt::KeepAlive, &true)?)
}

/// When the other end of a silent link is asked whether it is still there; in whole seconds, as the
/// system counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Questions {
    /// Before the first one: half the patience, for most silence has its reason.
    idle: u32,
    /// Between two of them: a tenth, so that no single lost packet ends the link.
    interval: u32,
    /// How many go unanswered.
    count: u32,
}

impl Questions {
    fn within(patience: Duration) -> Self {
        let seconds = u32::try_from(patience.as_secs()).unwrap_or(u32::MAX);
        let idle = (seconds / 2).max(1);
        let interval = (seconds / 10).max(1);
        let count = (seconds.saturating_sub(idle) / interval).max(1);
        Self {
            idle,
            interval,
            count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn questions(seconds: u64) -> (u32, u32, u32) {
        let it = Questions::within(Duration::from_secs(seconds));
        (it.idle, it.interval, it.count)
    }

    #[test]
    fn a_silent_link_is_asked_from_half_time_on() {
        assert_eq!(questions(5), (2, 1, 3));
        assert_eq!(questions(10), (5, 1, 5));
        assert_eq!(questions(30), (15, 3, 5));
    }

    #[test]
    fn the_last_question_goes_unanswered_in_time() {
        for seconds in 2..=300 {
            let (idle, interval, count) = questions(seconds);
            assert!(count >= 1 && u64::from(idle + interval * count) <= seconds);
        }
    }

    #[test]
    fn something_is_asked_however_short_the_patience_is() {
        assert_eq!(questions(0), (1, 1, 1));
    }
}
