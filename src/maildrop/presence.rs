//! Whether programs use the maildrop.

use std::sync::Arc;

/// That a program has something open. As long as one is held the maildrop counts as used.
#[derive(Clone, Debug, Default)]
pub struct Presence(Arc<()>);

/// What programs have done since the engine last looked.
#[derive(Debug, Default)]
pub(super) struct Attendance {
    presence: Presence,
    has_asked: bool,
    /// Whether the engine waits for the next one who asks.
    is_awaited: bool,
}

impl Attendance {
    /// That something is open, to be held as long as it is.
    pub fn presence(&self) -> Presence {
        self.presence.clone()
    }

    /// A program asks for something; whether the engine has waited for that.
    pub fn asks(&mut self) -> bool {
        self.has_asked = true;
        std::mem::take(&mut self.is_awaited)
    }

    /// Whether a program has asked for something since the last time, or has something open.
    pub fn look(&mut self) -> bool {
        let is_present = Arc::strong_count(&self.presence.0) > 1;
        std::mem::take(&mut self.has_asked) || is_present
    }

    /// The engine waits for the next one who asks, or no longer.
    pub fn await_next(&mut self, awaited: bool) {
        self.is_awaited = awaited;
    }

    /// Whether the engine waits.
    pub fn is_awaited(&self) -> bool {
        self.is_awaited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_is_seen_once_and_who_stays_is_seen_until_he_leaves() {
        let mut attendance = Attendance::default();
        assert!(!attendance.look());
        attendance.asks();
        assert!(attendance.look() && !attendance.look());
        let present = attendance.presence();
        assert!(attendance.look() && attendance.look());
        drop(present);
        assert!(!attendance.look());
    }

    #[test]
    fn only_the_first_who_asks_was_waited_for() {
        let mut attendance = Attendance::default();
        assert!(!attendance.asks());
        attendance.await_next(true);
        assert!(attendance.asks() && !attendance.asks());
    }
}
