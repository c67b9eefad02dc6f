//! How much to have in flight: the bandwidth-delay product, measured as the session goes.
//!
//! Less leaves the link idle; more only makes a message that somebody waits for queue behind
//! guesses. Twice the product keeps the link busy while the estimate is a little low. As long as
//! more in flight has brought more through, the product is not known yet, and the window grows by
//! a factor for each round trip.

use std::time::Duration;

use super::clock::Moment;

/// In flight before anything is known, and at least: a hundredth of a second at 50 Mbit/s.
const WINDOW_MIN: u64 = 64 * 1024;

/// A rate is measured over at least so long: the clock and the scheduler are coarser below.
const SPAN_MIN: Duration = Duration::from_millis(4);

/// Products in flight once the rate has stopped growing, and before.
const STEADY_GAIN: u32 = 2;
const GROWING_GAIN: u32 = 4;

/// The rate grows as long as a measurement is better than the best one by a quarter.
const GROWTH: f64 = 1.25;

/// How slowly a rate that is no longer reached is forgotten.
const DECAY: f64 = 0.95;

/// The measurements of one session.
#[derive(Debug, Default)]
pub(super) struct Pace {
    round_trip: Option<Duration>,
    /// Octets a second.
    rate: f64,
    growing: bool,
    asked: Option<Moment>,
    span: Option<Span>,
}

#[derive(Debug)]
struct Span {
    since: Moment,
    octets: u64,
}

impl Pace {
    /// A command goes out while nothing was in flight: its answer shows the round trip.
    pub fn asked(&mut self, now: Moment) {
        self.asked = Some(now);
        self.span = None;
    }

    /// Octets came.
    pub fn arrived(&mut self, now: Moment, octets: usize) {
        if let Some(asked) = self.asked.take() {
            let taken = now - asked;
            self.round_trip = Some(
                self.round_trip
                    .map_or(taken, |shortest| shortest.min(taken)),
            );
        }
        let span = self.span.get_or_insert(Span {
            since: now,
            octets: 0,
        });
        let elapsed = now - span.since;
        span.octets += octets as u64;
        if elapsed >= self.round_trip.unwrap_or_default().max(SPAN_MIN) {
            let sample = span.octets as f64 / elapsed.as_secs_f64();
            self.span = Some(Span {
                since: now,
                octets: 0,
            });
            self.sampled(sample);
        }
    }

    fn sampled(&mut self, rate: f64) {
        self.growing = rate > self.rate * GROWTH;
        self.rate = rate.max(self.rate * DECAY);
    }

    /// How many octets to have in flight.
    pub fn window(&self) -> u64 {
        let gain = if self.growing {
            GROWING_GAIN
        } else {
            STEADY_GAIN
        };
        let product = self.rate * self.round_trip.unwrap_or_default().as_secs_f64();
        // A float beyond the range of u64 becomes its end.
        ((product * f64::from(gain)) as u64).max(WINDOW_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A link of this rate and delay, used with what the pace says; the window at the end.
    fn settled(rate: f64, delay: Duration, seconds: f64) -> u64 {
        let mut pace = Pace::default();
        let mut now = Moment::since_1970(Duration::ZERO);
        pace.asked(now);
        now = now + delay;
        pace.arrived(now, 1);
        let end = now + Duration::from_secs_f64(seconds);
        while now < end {
            // What was in flight arrives within a round trip, or as long as the link takes for it.
            let window = pace.window() as f64;
            let taken = delay.as_secs_f64().max(window / rate);
            for _ in 0..32 {
                now = now + Duration::from_secs_f64(taken / 32.0);
                pace.arrived(now, (window / 32.0) as usize);
            }
        }
        pace.window()
    }

    #[test]
    fn a_long_fat_link_gets_its_product_within_a_second() {
        let window = settled(50e6, Duration::from_millis(100), 1.0);
        assert!((5_000_000..=21_000_000).contains(&window), "{window}");
    }

    #[test]
    fn a_thin_link_is_not_flooded() {
        let window = settled(1.25e6, Duration::from_millis(20), 3.0);
        assert!(window <= 128 * 1024, "{window}");
        assert_eq!(settled(125e3, Duration::from_millis(20), 3.0), WINDOW_MIN);
    }

    #[test]
    fn a_link_without_distance_needs_no_window() {
        assert_eq!(settled(100e6, Duration::from_micros(50), 1.0), WINDOW_MIN);
    }

    #[test]
    fn an_idle_time_between_two_messages_is_no_slow_link() {
        let mut pace = Pace::default();
        let mut now = Moment::since_1970(Duration::ZERO);
        for _ in 0..10 {
            pace.asked(now);
            now = now + Duration::from_millis(10);
            pace.arrived(now, 1000);
            now = now + Duration::from_millis(10);
            pace.arrived(now, 1_000_000);
            now = now + Duration::from_secs(60);
        }
        assert!(pace.window() > 1_000_000);
    }
}
