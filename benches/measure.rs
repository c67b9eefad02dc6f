//! Times that can be compared: all entrants run in turn, round after round, so that whatever
//! else the machine does falls on all of them.

use std::io;
use std::time::{Duration, Instant};

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

/// What an entrant achieved: its times in rising order, or why there are none.
#[derive(Debug)]
pub struct Score {
    pub who: String,
    pub times: io::Result<Vec<Duration>>,
}

impl Score {
    /// Times taken elsewhere.
    pub fn of(who: &str, mut times: Vec<Duration>) -> Score {
        times.sort();
        Score {
            who: who.to_string(),
            times: Ok(times),
        }
    }

    /// The time in the middle.
    pub fn median(&self) -> Option<Duration> {
        let times = self.times.as_ref().ok()?;
        times.get(times.len() / 2).copied()
    }

    /// The shortest and the longest time.
    pub fn spread(&self) -> Option<(Duration, Duration)> {
        let times = self.times.as_ref().ok()?;
        Some((*times.first()?, *times.last()?))
    }

    /// How many times as long as another.
    pub fn ratio(&self, yardstick: &Score) -> Option<f64> {
        Some(self.median()?.as_secs_f64() / yardstick.median()?.as_secs_f64())
    }
}

/// Runs all entrants, round after round, each round beginning with another. An entrant that
/// fails is out, with its reason.
pub fn race(runs: usize, mut entrants: Vec<Entrant>) -> Vec<Score> {
    let mut scores: Vec<Score> = entrants
        .iter()
        .map(|entrant| Score::of(&entrant.who, Vec::new()))
        .collect();
    let field = entrants.len();
    for turn in (0..runs).flat_map(|round| (0..field).map(move |place| (round + place) % field)) {
        let (score, entrant) = (&mut scores[turn], &mut entrants[turn]);
        if let Ok(times) = &mut score.times {
            match (entrant.run)() {
                Ok(time) => times.push(time),
                Err(error) => score.times = Err(error),
            }
        }
    }
    scores
        .iter_mut()
        .flat_map(|score| &mut score.times)
        .for_each(|times| times.sort());
    scores
}

/// How long something takes, and what came of it.
pub fn timed<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<(Duration, T)> {
    let start = Instant::now();
    let result = work()?;
    Ok((start.elapsed(), result))
}
