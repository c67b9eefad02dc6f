//! The lock on the maildrop (RFC 1939 section 4).

use crate::guarded::Guarded;
use crate::shared::ConnectionId;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a login waits for a session whose client has left to notice that.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it looks.
const GLANCE: Duration = Duration::from_millis(1);

/// The lock on the maildrop: which connection has it.
#[derive(Default)]
pub(crate) struct Occupancy(Guarded<Option<ConnectionId>>);

impl Occupancy {
    /// Takes the lock; whether it could be had.
    ///
    /// A session whose client has left counts as ended, so that a client may come back at once.
    pub(crate) fn take(&self, taker: ConnectionId, is_left: impl Fn(ConnectionId) -> bool) -> bool {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.take_if_free(taker) {
                None => return true,
                Some(holder) if is_left(holder) && Instant::now() < deadline => sleep(GLANCE),
                Some(_) => return false,
            }
        }
    }

    fn take_if_free(&self, taker: ConnectionId) -> Option<ConnectionId> {
        let mut holder = self.0.lock();
        if holder.is_none() {
            *holder = Some(taker);
            return None;
        }
        *holder
    }

    pub(crate) fn free(&self, holder: ConnectionId) {
        let mut held = self.0.lock();
        if *held == Some(holder) {
            *held = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_holder_frees_the_lock() {
        let occupancy = Occupancy::default();
        assert!(occupancy.take(1, |_| false));
        occupancy.free(2);
        assert!(!occupancy.take(2, |_| false));
        occupancy.free(1);
        assert!(occupancy.take(2, |_| false));
    }

    #[test]
    fn a_session_left_by_its_client_is_waited_for() {
        let occupancy = Occupancy::default();
        assert!(occupancy.take(1, |_| false));
        let ends_meanwhile = |holder| {
            occupancy.free(holder);
            true
        };
        assert!(occupancy.take(2, ends_meanwhile));
    }
}
