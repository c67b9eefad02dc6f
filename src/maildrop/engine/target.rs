//! One message that a commit is to delete, and what becomes of it.

use crate::pop3::{Reply, text};

use super::super::catalog::Message;
use super::super::report::{MessageReport, OUT_OF_SIGHT, Outcome};

/// A message that is to be deleted.
pub(super) struct Target {
    name: String,
    pub unique_id: Box<[u8]>,
    pub sharers: u32,
    pub size: u64,
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
            sharers: message.standing.sharers,
            size: message.listed,
            fate,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether nobody knows what became of it.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self.fate, Fate::InDoubt | Fate::Confirmed)
    }

    /// Whether none but another client can have deleted it.
    pub fn is_untouched(&self) -> bool {
        matches!(self.fate, Fate::Open | Fate::Settled(Outcome::Refused, _))
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

    /// It is not listed any more. Then it was refused because another client had deleted it.
    pub fn is_gone(&mut self) {
        match self.fate {
            Fate::Settled(Outcome::Refused, _) => self.settle(Outcome::AlreadyGone, None),
            Fate::Settled(..) => {}
            Fate::InDoubt | Fate::Confirmed => self.settle(Outcome::Deleted, None),
            Fate::Open => self.settle(Outcome::AlreadyGone, None),
        }
    }

    /// It is not listed as it was, and another that is listed may be it.
    pub fn may_be_another(&mut self, reason: &str) {
        match self.fate {
            Fate::Settled(..) => {}
            Fate::InDoubt | Fate::Confirmed => self.settle(Outcome::Unknown, Some(reason)),
            Fate::Open => self.settle(Outcome::Kept, Some(reason)),
        }
    }

    /// It is not listed any more, and may be there nevertheless.
    pub fn is_out_of_sight(&mut self) {
        match self.fate {
            Fate::Settled(..) => {}
            Fate::Confirmed => self.settle(Outcome::Deleted, None),
            Fate::Open | Fate::InDoubt => self.settle(Outcome::Unknown, Some(OUT_OF_SIGHT)),
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
