//! What many runs have covered.

use std::collections::HashSet;
use std::fmt;

use crate::sightings::{Sighting, Tally};

/// An account of runs.
#[derive(Default)]
pub struct Account {
    runs: u64,
    tally: Tally,
    /// Digests of the order in which things happened, one for each run.
    schedules: HashSet<u64>,
    /// Digests of the states that they came through.
    states: HashSet<u64>,
}

impl Account {
    /// One run more.
    pub fn enter(&mut self, tally: &Tally, schedule: u64, states: impl IntoIterator<Item = u64>) {
        self.runs += 1;
        self.tally.add(tally);
        self.schedules.insert(schedule);
        self.states.extend(states);
    }

    /// The runs of another account.
    pub fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.tally.add(&other.tally);
        self.schedules.extend(other.schedules);
        self.states.extend(other.states);
    }

    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// What has never been come across.
    pub fn missing(&self) -> Vec<Sighting> {
        self.tally.missing()
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>9} runs", self.runs)?;
        writeln!(f, "{:>9} different schedules", self.schedules.len())?;
        writeln!(f, "{:>9} different states", self.states.len())?;
        self.tally.fmt(f)
    }
}
