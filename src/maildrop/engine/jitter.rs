//! Chance, from a seed: the same one makes the same choices.

use std::time::Duration;

/// Spreads pauses, so that not all who have lost a server come back to it at the same moment.
#[derive(Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    /// Chance that begins with a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A part of the pause: at least half.
    pub fn shorten(&mut self, pause: Duration) -> Duration {
        let half = pause / 2;
        let span = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
        half + Duration::from_millis(self.next() % span.saturating_add(1))
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(10);

    fn pauses(seed: u64) -> Vec<Duration> {
        let mut jitter = Jitter::new(seed);
        (0..100).map(|_| jitter.shorten(PAUSE)).collect()
    }

    #[test]
    fn pauses_differ_and_the_same_seed_gives_the_same() {
        assert_eq!(pauses(1), pauses(1));
        assert_ne!(pauses(1), pauses(2));
        let spread = pauses(1).iter().max().unwrap().abs_diff(PAUSE / 2);
        assert!(spread > PAUSE / 3);
    }

    proptest! {
        #[test]
        fn a_pause_is_never_longer_nor_less_than_half(seed: u64, pause in any::<Duration>()) {
            let shortened = Jitter::new(seed).shorten(pause);
            prop_assert!(shortened >= pause / 2 && shortened <= pause);
        }
    }
}
