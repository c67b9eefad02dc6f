//! Numbers that can be compared: all entrants run in turn, round after round, so that whatever
//! else the machine does falls on all of them.

use std::io;
use std::time::{Duration, Instant};

use crate::quantity::Quantity;

/// One way to do a task.
pub struct Entrant<'a> {
    who: String,
    run: Box<dyn FnMut() -> io::Result<Duration> + 'a>,
}

impl<'a> Entrant<'a> {
    /// An entrant whose every run tells how long the part of it took that counts.
    pub fn new(who: &str, run: impl FnMut() -> io::Result<Duration> + 'a) -> Entrant<'a> {
        Entrant {
            who: who.to_string(),
            run: Box::new(run),
        }
    }
}

/// What an entrant achieved: its numbers in rising order, or why there are none.
#[derive(Clone, Debug)]
pub struct Score {
    pub who: String,
    pub quantity: Quantity,
    pub numbers: Result<Vec<f64>, String>,
}

impl Score {
    /// Numbers, in seconds or octets where they are times or memory.
    pub fn of(who: &str, quantity: Quantity, mut numbers: Vec<f64>) -> Score {
        numbers.sort_by(f64::total_cmp);
        Score {
            who: who.to_string(),
            quantity,
            numbers: Ok(numbers),
        }
    }

    /// Times.
    pub fn of_times(who: &str, times: &[Duration]) -> Score {
        let seconds = times.iter().map(Duration::as_secs_f64).collect();
        Score::of(who, Quantity::Time, seconds)
    }

    /// What falls on each of so many.
    pub fn shared_by(&self, count: usize) -> Score {
        let share = |numbers: &Vec<f64>| numbers.iter().map(|n| n / count as f64).collect();
        Score {
            numbers: self.numbers.as_ref().map(share).map_err(String::clone),
            ..self.clone()
        }
    }

    /// The number in the middle.
    pub fn median(&self) -> Option<f64> {
        let numbers = self.numbers.as_ref().ok()?;
        numbers.get(numbers.len() / 2).copied()
    }

    /// The least and the greatest number.
    pub fn spread(&self) -> Option<(f64, f64)> {
        let numbers = self.numbers.as_ref().ok()?;
        Some((*numbers.first()?, *numbers.last()?))
    }
}

/// Runs all entrants, round after round, each round beginning with another. An entrant that
/// fails is out, with its reason.
pub fn race(runs: usize, mut entrants: Vec<Entrant>) -> Vec<Score> {
    let mut times: Vec<Result<Vec<Duration>, String>> =
        entrants.iter().map(|_| Ok(Vec::new())).collect();
    let field = entrants.len();
    for turn in (0..runs).flat_map(|round| (0..field).map(move |place| (round + place) % field)) {
        if let Ok(before) = &mut times[turn] {
            match (entrants[turn].run)() {
                Ok(time) => before.push(time),
                Err(error) => times[turn] = Err(error.to_string()),
            }
        }
    }
    let outcomes = entrants.iter().zip(times);
    outcomes
        .map(|(entrant, times)| score(&entrant.who, times))
        .collect()
}

fn score(who: &str, times: Result<Vec<Duration>, String>) -> Score {
    let mut score = Score::of_times(who, times.as_deref().unwrap_or_default());
    if let Err(reason) = times {
        score.numbers = Err(reason);
    }
    score
}

/// How long something takes, and what came of it.
pub fn timed<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<(Duration, T)> {
    let start = Instant::now();
    let result = work()?;
    Ok((start.elapsed(), result))
}
