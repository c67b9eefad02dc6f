//! Whether a reply gets on.

use std::time::Duration;

use super::super::clock::Moment;

/// Fewer octets than this in all the time that a server may be silent are no sign of life: at the
/// slowest modem's pace they take a second or two.
const OCTETS: usize = 512;

/// How long a server may take from its greeting to the end of its listing, though it shows life all
/// the time: long enough for a hundred thousand messages over a modem.
const SIGN_IN: Duration = Duration::from_secs(30 * 60);

/// How the replies of a session get on.
#[derive(Debug)]
pub(super) struct Progress {
    begun: Moment,
    since: Moment,
    octets: usize,
}

impl Progress {
    /// A link has just been made.
    pub fn new(now: Moment) -> Self {
        Self {
            begun: now,
            since: now,
            octets: 0,
        }
    }

    /// A reply has come to its end, or the first one is due.
    pub fn renew(&mut self, now: Moment) {
        self.since = now;
        self.octets = 0;
    }

    /// Octets of a reply have come.
    pub fn heard(&mut self, octets: usize, now: Moment) {
        self.octets = self.octets.saturating_add(octets);
        if self.octets >= OCTETS {
            self.renew(now);
        }
    }

    /// When a server that may be silent for so long is given up.
    pub fn deadline(&self, patience: Duration, is_signing_in: bool) -> Moment {
        let silent = self.since + patience;
        if is_signing_in {
            silent.min(self.begun + SIGN_IN)
        } else {
            silent
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(seconds: u64) -> Moment {
        Moment::since_1970(Duration::from_secs(seconds))
    }

    #[test]
    fn a_few_octets_are_no_sign_of_life() {
        let mut progress = Progress::new(at(0));
        for second in 1..50 {
            progress.heard(10, at(second));
        }
        assert_eq!(progress.deadline(MINUTE, false), at(60));
        progress.heard(OCTETS, at(51));
        assert_eq!(progress.deadline(MINUTE, false), at(111));
    }

    #[test]
    fn the_end_of_a_reply_is_one_however_short_it_was() {
        let mut progress = Progress::new(at(0));
        progress.heard(OCTETS - 1, at(10));
        progress.renew(at(10));
        progress.heard(OCTETS - 1, at(20));
        assert_eq!(progress.deadline(MINUTE, false), at(70));
    }

    #[test]
    fn no_server_takes_for_ever_to_let_one_in() {
        let mut progress = Progress::new(at(0));
        progress.renew(at(1799));
        assert_eq!(progress.deadline(MINUTE, true), at(1800));
        assert_eq!(progress.deadline(MINUTE, false), at(1859));
    }
}
