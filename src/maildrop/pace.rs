//! How much to have in flight, measured as the session goes.
//!
//! Less than the bandwidth-delay product leaves the link idle; more only makes a message that
//! somebody waits for queue behind guesses. So the queue itself is watched: as long as RETR is
//! answered about as soon as on an idle link, the window grows with every message that fills it,
//! to a multiple in each round trip; where answers take a round trip longer, it shrinks.

use std::time::Duration;

use super::clock::Moment;
use super::rate::{Rate, TICK};

/// The window at first, where the listing shows no more: half a second of a link of 1 Mbit/s.
const WINDOW: u64 = 64 * 1024;

/// The window at first, at most: a listing is short, and may come in one burst out of a buffer. The
/// longer it is the more it shows.
const WINDOW_FIRST_MAX: u64 = 1 << 20;
const WINDOW_LISTED_MAX: u64 = 4 << 20;
const WORTH: u64 = 8;

/// The window at least: a few small messages.
const WINDOW_MIN: u64 = 16 * 1024;

/// What a message that came without queueing adds to the window, as a multiple of itself, before the
/// first sign of a queue and after it.
const GROWTH_FIRST: u64 = 3;
const GROWTH: u64 = 1;

/// How many times as large as what was in flight the window may become, before the first sign of a
/// queue and after it: what is not filled shows nothing.
const SURMISE_FIRST: u64 = 4;
const SURMISE: u64 = 2;

/// A message that comes in so much time, or in two round trips, keeps nobody waiting who asks for
/// another one.
const BLINK: Duration = Duration::from_millis(250);

/// Waiting below this is no queue, but the scheduling of two processes. It bounds what a demanded
/// message can lose to guesses where there is no distance.
const SLACK: Duration = Duration::from_millis(4);

/// What the way to the listing shows of the link.
#[derive(Debug)]
pub(super) struct Survey {
    round_trip: Duration,
    octets: u64,
    since: Option<Moment>,
}

impl Default for Survey {
    fn default() -> Self {
        Self {
            round_trip: Duration::MAX,
            octets: 0,
            since: None,
        }
    }
}

impl Survey {
    /// A command was answered after so long.
    pub fn answered(&mut self, waited: Duration) {
        self.round_trip = self.round_trip.min(waited);
    }

    /// So many octets of a listing came.
    pub fn listed(&mut self, octets: usize, now: Moment) {
        self.since.get_or_insert(now);
        self.octets = self.octets.saturating_add(octets as u64);
    }

    /// The pace to begin with, now that the listing is complete: as much in flight as came in a
    /// round trip.
    pub fn pace(&self, now: Moment) -> Pace {
        let spent = self.since.map_or(Duration::ZERO, |since| now - since);
        let round_trips = self.round_trip.as_secs_f64() / spent.max(TICK).as_secs_f64();
        // A float as large as it likes becomes the largest integer.
        let window = (self.octets as f64 * round_trips) as u64;
        let shown = self.octets.saturating_mul(WORTH);
        Pace {
            window: window.clamp(WINDOW, shown.clamp(WINDOW_FIRST_MAX, WINDOW_LISTED_MAX)),
            ..Pace::default()
        }
    }
}

/// The measurements of one session.
#[derive(Debug)]
pub(super) struct Pace {
    window: u64,
    round_trip: Duration,
    rate: Rate,
    /// Whether there has been a queue.
    queued: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            window: WINDOW,
            round_trip: Duration::MAX,
            rate: Rate::default(),
            queued: false,
        }
    }
}

impl Pace {
    /// How many octets to have in flight.
    pub fn window(&self) -> u64 {
        self.window
    }

    /// The longest message that may be fetched ahead, in octets: who asks for another one would have
    /// to wait for all of it.
    pub fn longest(&self) -> u64 {
        let span = self.round_trip.saturating_mul(2).max(BLINK);
        self.window.max(self.rate.within(span))
    }

    /// A message of so many octets begins to arrive, so long after it was asked for. `in_flight`
    /// octets were asked for then, itself included: a window that is not filled shows nothing.
    pub fn answered(&mut self, octets: u64, waited: Duration, in_flight: u64) {
        self.round_trip = self.round_trip.min(waited);
        self.queued |= waited > self.round_trip * 3 / 2 + SLACK;
        let (surmise, growth) = if self.queued {
            (SURMISE, GROWTH)
        } else {
            (SURMISE_FIRST, GROWTH_FIRST)
        };
        let is_filled = in_flight >= self.window / surmise;
        if waited > self.round_trip * 2 + SLACK {
            self.window = self.window.saturating_sub(octets / 2).max(WINDOW_MIN);
        } else if is_filled && in_flight > octets && waited <= self.round_trip * 3 / 2 + SLACK {
            // Of itself nothing has come yet.
            let growth = octets.min(self.window).saturating_mul(growth);
            self.window = self.window.saturating_add(growth);
        }
    }

    /// So many octets of a message have come in that time; nothing else was in flight when it was asked
    /// for, if it was alone. One more like that should be in flight, so that it is asked for before this
    /// one has ended, but not for longer than that.
    pub fn came(&mut self, octets: u64, spent: Duration, alone: bool) {
        self.rate.came(octets, spent);
        if alone {
            let product = self.rate.within(self.round_trip);
            let product = product.min(octets.saturating_mul(SURMISE_FIRST));
            self.window = self.window.max(product.saturating_add(product.min(octets)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A link of this rate (octets a second) and round trip, kept filled with messages of 4 KB for
    /// so many seconds; the window at the end, as seconds of the link's rate.
    fn queue(rate: f64, round_trip: f64, seconds: f64) -> f64 {
        const MESSAGE: f64 = 4096.0;
        let mut pace = Pace::default();
        let mut flight: std::collections::VecDeque<(f64, f64)> = [].into();
        let (mut now, mut in_flight, mut free) = (0.0_f64, 0.0, 0.0_f64);
        while now < seconds {
            while in_flight == 0.0 || in_flight + MESSAGE <= pace.window() as f64 {
                in_flight += MESSAGE;
                flight.push_back((now, in_flight));
            }
            let (asked, filled) = flight.pop_front().unwrap();
            let begins = free.max(asked + round_trip);
            free = begins + MESSAGE / rate;
            now = free;
            in_flight -= MESSAGE;
            let waited = Duration::from_secs_f64(begins - asked);
            pace.answered(MESSAGE as u64, waited, filled as u64);
        }
        pace.window() as f64 / rate
    }

    #[test]
    fn a_long_fat_link_is_filled_within_a_second_and_not_flooded() {
        let queued = queue(50e6, 0.1, 1.0);
        assert!((0.1..0.3).contains(&queued), "{queued}");
    }

    #[test]
    fn a_thin_link_is_not_flooded() {
        let queued = queue(1.25e6, 0.02, 5.0);
        assert!((0.02..0.08).contains(&queued), "{queued}");
        let queued = queue(125e3, 0.02, 5.0);
        assert!(queued <= WINDOW_MIN as f64 / 125e3 + 0.04, "{queued}");
    }

    #[test]
    fn without_distance_the_window_is_worth_a_few_milliseconds() {
        let queued = queue(80e6, 0.0001, 1.0);
        assert!((0.002..0.012).contains(&queued), "{queued}");
    }

    /// The first window after a listing of so many octets, at this rate and round trip.
    fn surveyed(octets: usize, rate: f64, round_trip: f64) -> u64 {
        let at = |seconds| Moment::since_1970(Duration::from_secs_f64(seconds));
        let mut survey = Survey::default();
        survey.answered(Duration::from_secs_f64(round_trip));
        survey.listed(octets / 2, at(0.0));
        survey.listed(octets / 2, at(octets as f64 / rate));
        survey.pace(at(octets as f64 / rate)).window()
    }

    #[test]
    fn the_first_window_is_what_the_listing_shows_within_bounds() {
        assert_eq!(surveyed(400_000, 4e6, 0.1), 400_000);
        assert_eq!(surveyed(20_000, 50e6, 0.1), WINDOW_FIRST_MAX);
        assert_eq!(surveyed(300_000, 50e6, 0.1), 300_000 * WORTH);
        assert_eq!(surveyed(1_000_000, 100e6, 0.1), WINDOW_LISTED_MAX);
        assert_eq!(surveyed(400_000, 125e3, 0.1), WINDOW);
        assert_eq!(surveyed(100, 50e6, 0.02), WINDOW);
        assert_eq!(
            Survey::default().pace(Moment::since_1970(TICK)).window(),
            WINDOW
        );
    }

    #[test]
    fn a_message_that_went_alone_shows_no_queue() {
        let mut pace = Pace::default();
        for _ in 0..100 {
            pace.answered(25_000_000, Duration::from_millis(20), 25_000_000);
        }
        assert_eq!(pace.window(), WINDOW);
    }

    #[test]
    fn a_long_message_counts_for_no_more_than_the_window() {
        let mut pace = Pace::default();
        pace.answered(25_000_000, Duration::from_millis(20), 25_300_000);
        assert_eq!(pace.window(), WINDOW * (1 + GROWTH_FIRST));
    }

    /// A link on which a message has come alone, from so far, in so much time.
    fn shown(octets: u64, round_trip: u64, spent: u64) -> Pace {
        let mut pace = Pace::default();
        pace.answered(octets, Duration::from_millis(round_trip), octets);
        pace.came(octets, Duration::from_millis(spent), true);
        pace
    }

    #[test]
    fn the_rate_of_a_long_message_is_that_of_the_link() {
        let long = 5_000_000;
        let window = |spent| shown(long, 100, spent).window();
        assert_eq!([50, 1, 200].map(window), [3 * long, 5 * long, long]);
        assert_eq!(window(100_000), WINDOW);
    }

    #[test]
    fn a_message_may_be_fetched_ahead_that_keeps_nobody_waiting() {
        let longest = |round_trip, spent| shown(1_000_000, round_trip, spent).longest();
        assert_eq!(longest(20, 1000), 250_000);
        assert_eq!(longest(200, 1000), 400_000);
        assert_eq!(longest(20, 100_000), WINDOW);
        assert_eq!(Pace::default().longest(), WINDOW);
    }

    #[test]
    fn a_window_that_is_not_filled_does_not_grow() {
        let mut pace = Pace::default();
        for _ in 0..1000 {
            pace.answered(1000, Duration::from_millis(20), 1000);
        }
        assert_eq!(pace.window(), WINDOW);
    }
}
