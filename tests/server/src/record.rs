//! What clients did.

use std::collections::HashMap;

/// Counts and the log of commands.
#[derive(Default)]
pub(crate) struct Record {
    commands: Vec<String>,
    verbs: HashMap<String, usize>,
    retrieved: HashMap<Vec<u8>, usize>,
    logins: usize,
}

/// The log keeps its first lines only: a demonstration may run for days.
const MOST_COMMANDS: usize = 1_000_000;

impl Record {
    pub(crate) fn command(&mut self, verb: &str, redacted: String) {
        *self.verbs.entry(verb.to_owned()).or_default() += 1;
        if self.commands.len() < MOST_COMMANDS {
            self.commands.push(redacted);
        }
    }

    pub(crate) fn retrieval(&mut self, unique_id: &[u8]) {
        *self.retrieved.entry(unique_id.to_vec()).or_default() += 1;
    }

    /// Counts a login, and gives its number.
    pub(crate) fn login(&mut self) -> usize {
        self.logins += 1;
        self.logins
    }

    pub(crate) fn commands(&self) -> Vec<String> {
        self.commands.clone()
    }

    pub(crate) fn count(&self, verb: &str) -> usize {
        self.verbs
            .get(&verb.to_ascii_uppercase())
            .copied()
            .unwrap_or_default()
    }

    pub(crate) fn retrieved(&self, unique_id: &[u8]) -> usize {
        self.retrieved.get(unique_id).copied().unwrap_or_default()
    }

    pub(crate) fn logins(&self) -> usize {
        self.logins
    }
}
