//! How fast the link is.

use std::time::Duration;

/// Nothing can be timed more finely than this.
pub(super) const TICK: Duration = Duration::from_millis(1);

/// Shorter messages show nothing, in octets: they may come at once, in two records of TLS.
const SAMPLE_MIN: u64 = 32 * 1024;

/// What the link carries, as the last long messages came: some of them may have come in one burst, and
/// others between two.
#[derive(Debug, Default)]
pub(super) struct Rate {
    octets: f64,
    seconds: f64,
}

impl Rate {
    /// A message of so many octets has come in that time. It counts for twice as much as the one before.
    pub fn came(&mut self, octets: u64, spent: Duration) {
        if octets >= SAMPLE_MIN {
            self.octets = self.octets / 2.0 + octets as f64;
            self.seconds = self.seconds / 2.0 + spent.max(TICK).as_secs_f64();
        }
    }

    /// How many octets come in that time; 0 if nothing is known.
    pub fn within(&self, span: Duration) -> u64 {
        let seconds = self.seconds.max(TICK.as_secs_f64());
        // A float as large as it likes becomes the largest integer.
        (self.octets / seconds * span.as_secs_f64()) as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rate(messages: &[(u64, Duration)]) -> u64 {
        let mut rate = Rate::default();
        for &(octets, spent) in messages {
            rate.came(octets, spent);
        }
        rate.within(SECOND)
    }

    #[test]
    fn short_messages_show_nothing() {
        assert_eq!(rate(&[]), 0);
        assert_eq!(rate(&[(SAMPLE_MIN - 1, SECOND)]), 0);
        assert_eq!(rate(&[(SAMPLE_MIN, SECOND)]), SAMPLE_MIN);
    }

    #[test]
    fn a_message_that_came_in_a_burst_does_not_make_the_link_fast() {
        let burst = rate(&[(100_000, SECOND), (100_000, Duration::ZERO)]);
        assert!(burst < 310_000, "{burst}");
    }

    #[test]
    fn a_link_that_has_become_slow_is_known_as_that_soon() {
        let slow = (100_000, SECOND);
        let slowed = rate(&[(100_000_000, SECOND), slow, slow, slow]);
        assert!(slowed < 10_000_000, "{slowed}");
    }

    proptest! {
        #[test]
        fn the_rate_lies_between_those_of_the_messages(
            spent in prop::collection::vec(1u64..100_000, 1..20), octets in SAMPLE_MIN..1 << 40
        ) {
            let messages = spent.iter().map(|&it| (octets, Duration::from_millis(it)));
            let alone = |message| rate(&[message]) as f64;
            let rates: Vec<f64> = messages.clone().map(alone).collect();
            let rate = rate(&messages.collect::<Vec<_>>()) as f64;
            let (least, most) = rates.iter().fold((f64::MAX, 0.0_f64), |(a, b), &it| (a.min(it), b.max(it)));
            prop_assert!(least * 0.999 - 1.0 <= rate && rate <= most * 1.001 + 1.0);
        }
    }
}
