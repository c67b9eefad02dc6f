//! What each message is, octet for octet, and where it must be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use fastrand::Rng;

use crate::support::corpus::Letter;

/// Where a message must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// On its way into the mailbox.
    Arriving,
    /// In the root, and on the server.
    Present,
    /// Somebody is removing it.
    Removing,
    /// Removed: marked, or gone from the server.
    Marked,
    /// Somebody is bringing it back.
    Restoring,
    /// The mount ended while somebody was at it.
    Unclear,
    /// Gone from the server.
    Gone,
}

/// A message at some time.
#[derive(Clone)]
pub struct Sighting {
    pub name: String,
    pub octets: Arc<Vec<u8>>,
    pub standing: Standing,
    /// Whether a listing has shown it.
    pub shown: bool,
    /// How often its standing has changed.
    changes: u64,
}

impl Sighting {
    fn stand(&mut self, standing: Standing) {
        self.standing = standing;
        self.changes += 1;
        if standing == Standing::Gone {
            // Nobody reads it any more, and a long run sees very many.
            self.octets = Arc::default();
        }
    }
}

/// All messages there ever were.
#[derive(Default)]
pub struct Ledger {
    messages: Mutex<BTreeMap<String, Sighting>>,
}

impl Ledger {
    /// A message is about to arrive.
    pub fn announce(&self, letter: &Letter) {
        let sighting = Sighting {
            name: letter.name.clone(),
            octets: Arc::new(letter.as_sent()),
            standing: Standing::Arriving,
            shown: false,
            changes: 0,
        };
        self.lock().insert(letter.name.clone(), sighting);
    }

    /// All messages as they are now.
    pub fn all(&self) -> Vec<Sighting> {
        self.lock().values().cloned().collect()
    }

    /// Those that stand so.
    pub fn standing(&self, standing: Standing) -> BTreeSet<String> {
        let all = self.all().into_iter();
        let alike = all.filter(|it| it.standing == standing);
        alike.map(|it| it.name).collect()
    }

    /// One of those that stand so and have been shown.
    pub fn pick(&self, standing: Standing, rng: &mut Rng) -> Option<Sighting> {
        let messages = self.lock();
        let alike: Vec<_> = messages
            .values()
            .filter(|it| it.standing == standing && it.shown)
            .collect();
        rng.choice(alike).cloned()
    }

    /// A message by its name.
    pub fn find(&self, name: &str) -> Option<Sighting> {
        self.lock().get(name).cloned()
    }

    /// Whether nothing has happened to it since.
    pub fn is_unchanged(&self, sighting: &Sighting) -> bool {
        let now = self.find(&sighting.name);
        now.is_some_and(|now| now.changes == sighting.changes)
    }

    /// It stands otherwise from now on, if it still is as it was seen.
    pub fn claim(&self, sighting: &Sighting, standing: Standing) -> bool {
        let mut messages = self.lock();
        let message = messages.get_mut(&sighting.name);
        let unchanged = message.filter(|it| it.changes == sighting.changes);
        unchanged.map(|it| it.stand(standing)).is_some()
    }

    /// It stands otherwise from now on.
    pub fn settle(&self, name: &str, standing: Standing) {
        if let Some(message) = self.lock().get_mut(name) {
            message.stand(standing);
        }
    }

    /// A listing has shown these.
    pub fn show(&self, names: &BTreeSet<String>) {
        let mut messages = self.lock();
        for name in names {
            if let Some(message) = messages.get_mut(name) {
                message.shown = true;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Sighting>> {
        self.messages.lock().expect("no panic")
    }
}
