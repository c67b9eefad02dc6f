//! One message that a commit is to delete, and what becomes of it.

use std::collections::{BTreeMap, HashMap};

use crate::pop3::{Reply, text};

use super::super::catalog::{Catalog, Message};
use super::super::report::{MessageReport, Outcome};

/// A message that is to be deleted.
pub(super) struct Target {
    name: String,
    pub unique_id: Box<[u8]>,
    sharers: u32,
    size: u64,
    pub fate: Fate,
}

/// How far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Still to be deleted.
    Open,
    /// DELE has been accepted, and QUIT not answered well.
    InDoubt,
    /// QUIT has been answered well; no listing has been held against that yet.
    Confirmed,
    /// Nothing more will be done for it.
    Settled(Outcome, Option<String>),
}

impl Target {
    pub fn new(message: &Message, fate: Fate) -> Self {
        Self {
            name: message.name.to_string(),
            unique_id: message.unique_id().into(),
            sharers: message.sharers,
            size: message.listed,
            fate,
        }
    }

    /// Whether others had its unique-id, too.
    pub fn is_shared(&self) -> bool {
        self.sharers > 1
    }

    /// Whether nobody knows what became of it.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self.fate, Fate::InDoubt | Fate::Confirmed)
    }

    /// DELE has been answered.
    pub fn answered(&mut self, reply: &Reply) {
        self.fate = if reply.is_ok() {
            Fate::InDoubt
        } else {
            let reason = format!("the server said \"{}\"", reply.text());
            Fate::Settled(Outcome::Refused, Some(reason))
        };
    }

    /// It is listed, as it was.
    pub fn is_there(&mut self) {
        match self.fate {
            Fate::Open | Fate::Settled(..) => {}
            Fate::InDoubt => self.fate = Fate::Open,
            Fate::Confirmed => {
                let reason = "the server confirmed its deletion, and still lists it";
                self.settle(Outcome::Kept, Some(reason));
            }
        }
    }

    /// It is not listed any more, or not as it was.
    pub fn is_gone(&mut self, is_listed_anew: bool) {
        const ANEW: Option<&str> =
            Some("a message with its unique-id is listed, but not as it was: left alone");
        match (&self.fate, is_listed_anew) {
            (Fate::Settled(..), _) => {}
            (Fate::InDoubt | Fate::Confirmed, true) => self.settle(Outcome::Unknown, ANEW),
            (Fate::InDoubt | Fate::Confirmed, false) => self.settle(Outcome::Deleted, None),
            (Fate::Open, true) => self.settle(Outcome::Kept, ANEW),
            (Fate::Open, false) => self.settle(Outcome::AlreadyGone, None),
        }
    }

    fn settle(&mut self, outcome: Outcome, reason: Option<&str>) {
        self.fate = Fate::Settled(outcome, reason.map(str::to_owned));
    }

    pub fn report(self) -> MessageReport {
        let (outcome, reason) = match self.fate {
            Fate::Open => (Outcome::Kept, None),
            Fate::InDoubt => (Outcome::Unknown, None),
            Fate::Confirmed => {
                let reason = "the server confirmed its deletion, but it could not be verified";
                (Outcome::Unknown, Some(reason.to_owned()))
            }
            Fate::Settled(outcome, reason) => (outcome, reason),
        };
        MessageReport {
            name: self.name,
            unique_id: text::printable(&self.unique_id),
            outcome,
            reason,
        }
    }
}

/// How many messages have a unique-id and a size in common. Nothing else tells copies of one mail
/// apart, so when some are gone, their number tells whether those are ours.
#[derive(Clone)]
pub(super) struct Copies(HashMap<Box<[u8]>, BTreeMap<u64, usize>>);

impl Copies {
    /// The copies of the targets that are listed.
    pub fn listed<'a>(catalog: &Catalog, targets: impl Iterator<Item = &'a Target>) -> Self {
        let unique_ids = targets.map(|target| (target.unique_id.clone(), BTreeMap::new()));
        let mut copies: HashMap<Box<[u8]>, BTreeMap<u64, usize>> = unique_ids.collect();
        for (_, message) in catalog.present() {
            if let Some(sizes) = copies.get_mut(message.unique_id()) {
                *sizes.entry(message.listed).or_default() += 1;
            }
        }
        Self(copies)
    }

    /// Those that are left if of the targets all are gone of which nothing is certain yet.
    pub fn without<'a>(&self, targets: impl Iterator<Item = &'a Target>) -> Self {
        let mut left = self.clone();
        for target in targets.filter(|target| !matches!(target.fate, Fate::Settled(..))) {
            let sizes = left.0.get_mut(&target.unique_id);
            if let Some(copies) = sizes.and_then(|sizes| sizes.get_mut(&target.size)) {
                *copies = copies.saturating_sub(1);
            }
        }
        left
    }

    /// How many copies of this one there are, itself included.
    pub fn of(&self, target: &Target) -> usize {
        let sizes = self.0.get(&target.unique_id);
        sizes
            .and_then(|sizes| sizes.get(&target.size))
            .copied()
            .unwrap_or(0)
    }
}
