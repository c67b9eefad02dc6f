//! A line on which all that the server says takes its time.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::super::clock::Moment;
use super::super::super::locked;
use super::super::script::Response;
use super::{Reply, Rig};

/// As many octets arrive at once.
const PIECE: usize = 8 * 1024;

/// A line of some length and width.
pub(in crate::maildrop) struct Line {
    pub round_trip: Duration,
    /// Octets in a second.
    pub rate: f64,
    /// What is on its way, and when it will be here.
    coming: VecDeque<(Moment, String)>,
}

impl Line {
    /// Nothing is on its way.
    pub fn new(round_trip: Duration, rate: f64) -> Self {
        Self {
            round_trip,
            rate,
            coming: VecDeque::new(),
        }
    }

    /// The answer to what is said now sets out, behind all others.
    pub(super) fn carry(&mut self, response: &Response, now: Moment) {
        let mut rest = &*response.words;
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(rest.len().min(PIECE));
            let free = self.coming.back().map(|(arrives, _)| *arrives);
            let begins = free.map_or(now + self.round_trip, |free| {
                free.max(now + self.round_trip)
            });
            let arrives = begins + Duration::from_secs_f64(piece.len() as f64 / self.rate);
            self.coming.push_back((arrives, piece.to_owned()));
            rest = more;
        }
    }
}

impl Rig {
    /// From now on the server is this far away.
    pub fn move_away(&mut self, line: Line) {
        self.line = Some(line);
    }

    /// What is given once enough has arrived.
    pub fn wait_for<T>(&mut self, reply: &Reply<T>) -> T {
        loop {
            if let Some(given) = reply.given() {
                return given.expect("no error");
            }
            self.arrive();
        }
    }

    /// Lets the time pass until more arrives.
    fn arrive(&mut self) {
        let coming = self.line.as_mut().and_then(|line| line.coming.pop_front());
        let (arrives, words) = coming.expect("something that is on its way");
        *locked(&self.now) = arrives;
        self.take(Response {
            words,
            hangs_up: false,
        });
        self.run();
    }
}
