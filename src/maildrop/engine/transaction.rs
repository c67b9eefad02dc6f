//! A commit, as one transaction: in a fresh session, DELE for every mark, QUIT, its answer.
//!
//! ```text
//! Waiting -(listed)-> Deleting -(all accepted)-> Quitting -(+OK)-> Recording
//!                        |  ^                       |
//!               refused  v  | without the refused   | link lost, or -ERR: the outcome is open
//!                   RollingBack                     v
//!                                Waiting: the next listing tells what is gone; the rest is tried again
//! ```
//!
//! DELE alone deletes nothing (RFC 1939 section 6), so a link lost before QUIT was sent leaves all
//! as it was. No network, clock or disk here: the engine is told what comes next, and does it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::pop3::{Reply, text};

use super::super::catalog::{Catalog, Message};
use super::super::message::{MessageId, Place};
use super::super::names;
use super::super::report::{CommitReport, MessageReport, Outcome};

/// Sessions that one commit may take.
const SESSIONS_MAX: u32 = 3;

/// Times that one commit may roll back; some servers hang up after a handful of refusals.
const ROLLBACKS_MAX: u32 = 3;

/// The transaction.
pub(super) struct Transaction {
    targets: BTreeMap<MessageId, Target>,
    stage: Stage,
    sessions: u32,
    rollbacks: u32,
    problem: Option<String>,
}

struct Target {
    name: String,
    unique_id: String,
    fate: Fate,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    /// Still to be deleted.
    Open,
    /// DELE has been accepted, and QUIT not answered well.
    InDoubt,
    /// Nothing more will be done for it.
    Settled(Outcome, Option<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Deleting { unanswered: usize, refused: bool },
    RollingBack,
    Quitting,
    Recording,
}

/// What the engine must do for the transaction.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Wait for an answer.
    Wait,
    /// Send DELE for these.
    Delete(Vec<MessageId>),
    /// Send RSET.
    Reset,
    /// Send QUIT.
    Quit,
    /// Give up this session, and make another.
    Reconnect,
    /// These are gone: take them out of the catalog, and write the journal.
    Record(Vec<MessageId>),
}

impl Transaction {
    /// A transaction over all that is marked now; none if nothing is. An earlier one has left open
    /// what became of the `doubtful`.
    pub fn begin(catalog: &Catalog, doubtful: &BTreeSet<MessageId>) -> Option<Self> {
        let target = |(id, message): (MessageId, &Message)| {
            let unique_id = text::printable(&message.unique_id);
            (
                id,
                Target {
                    name: message.name.to_string(),
                    unique_id,
                    fate: if doubtful.contains(&id) {
                        Fate::InDoubt
                    } else {
                        Fate::Open
                    },
                },
            )
        };
        let targets: BTreeMap<MessageId, Target> = catalog.marked().map(target).collect();
        let stage = Stage::Waiting;
        (!targets.is_empty()).then_some(Self {
            targets,
            stage,
            sessions: 0,
            rollbacks: 0,
            problem: None,
        })
    }

    /// Whether it is about all that is marked now.
    pub fn covers(&self, catalog: &Catalog) -> bool {
        catalog
            .marked()
            .all(|(id, _)| self.targets.contains_key(&id))
    }

    /// Whether it needs a session in which nothing has been done.
    pub fn is_waiting(&self) -> bool {
        self.stage == Stage::Waiting
    }

    /// Whether only the journal is still to be written.
    pub fn is_recording(&self) -> bool {
        self.stage == Stage::Recording
    }

    /// A fresh session is listed, and the catalog up to date with it.
    pub fn listed(&mut self, catalog: &Catalog, suffix: &str) -> Next {
        self.sessions += 1;
        let listed = sizes(catalog);
        for (&id, target) in &mut self.targets {
            let Some(message) = catalog.message(id) else {
                continue;
            };
            if message.place == Place::Gone {
                target.fate = std::mem::replace(&mut target.fate, Fate::Open).gone(
                    listed.contains(&(&*message.unique_id, message.listed))
                        || is_listed_anew(message, catalog, suffix),
                );
            } else if target.fate == Fate::InDoubt {
                target.fate = Fate::Open;
            }
        }
        self.burst()
    }

    /// DELE of a message has been answered.
    pub fn deleted(&mut self, id: MessageId, reply: &Reply) -> Next {
        let Stage::Deleting {
            unanswered,
            refused,
        } = &mut self.stage
        else {
            return Next::Wait;
        };
        *unanswered = unanswered.saturating_sub(1);
        *refused |= !reply.is_ok();
        if let Some(target) = self.targets.get_mut(&id) {
            target.fate = if reply.is_ok() {
                Fate::InDoubt
            } else {
                Fate::Settled(
                    Outcome::Refused,
                    Some(format!("the server said \"{}\"", reply.text())),
                )
            };
        }
        match (*unanswered, *refused) {
            (0, false) => self.advance(Stage::Quitting, Next::Quit),
            (0, true) => self.advance(Stage::RollingBack, Next::Reset),
            _ => Next::Wait,
        }
    }

    /// RSET has been answered.
    pub fn reset(&mut self, reply: &Reply) -> Next {
        if !reply.is_ok() {
            return self.lost(&format!(
                "the server refused to roll back: \"{}\"",
                reply.text()
            ));
        }
        self.reopen();
        self.rollbacks += 1;
        if self.rollbacks < ROLLBACKS_MAX {
            self.burst()
        } else {
            self.give_up("the server refused too many deletions".to_owned())
        }
    }

    /// QUIT has been answered.
    pub fn quit(&mut self, reply: &Reply) -> Next {
        if self.stage != Stage::Quitting {
            return Next::Wait;
        }
        if !reply.is_ok() {
            return self.lost(&format!(
                "the server answered QUIT with \"{}\"",
                reply.text()
            ));
        }
        for target in self
            .targets
            .values_mut()
            .filter(|target| target.fate == Fate::InDoubt)
        {
            target.fate = Fate::Settled(Outcome::Deleted, None);
        }
        self.record()
    }

    /// The session has ended under it.
    pub fn lost(&mut self, why: &str) -> Next {
        match self.stage {
            Stage::Waiting | Stage::Recording => return Next::Wait,
            Stage::Quitting => {}
            Stage::Deleting { .. } | Stage::RollingBack => self.reopen(),
        }
        self.stage = Stage::Waiting;
        if self.sessions < SESSIONS_MAX {
            Next::Reconnect
        } else {
            self.give_up(why.to_owned())
        }
    }

    /// It cannot be brought to an end now.
    pub fn give_up(&mut self, problem: String) -> Next {
        self.problem.get_or_insert(problem);
        self.record()
    }

    /// The messages of which nobody knows what became of them.
    pub fn in_doubt(&self) -> BTreeSet<MessageId> {
        self.targets
            .iter()
            .filter(|(_, target)| target.fate == Fate::InDoubt)
            .map(|(&id, _)| id)
            .collect()
    }

    /// The journal has been written, or could not be.
    pub fn report(
        mut self,
        journal: Option<String>,
        remaining: u64,
        finished: i64,
    ) -> CommitReport {
        let problem = self.problem.take().or(journal);
        let messages: Vec<MessageReport> = self.targets.into_values().map(Target::report).collect();
        let gone = |message: &MessageReport| {
            matches!(message.outcome, Outcome::Deleted | Outcome::AlreadyGone)
        };
        let left = messages.iter().filter(|message| !gone(message)).count();
        let problem = problem.or_else(|| {
            (left > 0).then(|| format!("{left} of the marked messages were not deleted"))
        });
        CommitReport {
            finished,
            complete: left == 0,
            problem,
            remaining,
            messages,
        }
    }

    fn burst(&mut self) -> Next {
        let open: Vec<MessageId> = self
            .targets
            .iter()
            .filter(|(_, target)| target.fate == Fate::Open)
            .map(|(&id, _)| id)
            .collect();
        if open.is_empty() {
            return self.record();
        }
        self.advance(
            Stage::Deleting {
                unanswered: open.len(),
                refused: false,
            },
            Next::Delete(open),
        )
    }

    /// What was not confirmed by QUIT has not happened.
    fn reopen(&mut self) {
        for target in self
            .targets
            .values_mut()
            .filter(|target| target.fate == Fate::InDoubt)
        {
            target.fate = Fate::Open;
        }
    }

    fn record(&mut self) -> Next {
        let gone = |fate: &Fate| {
            matches!(
                fate,
                Fate::Settled(Outcome::Deleted | Outcome::AlreadyGone, _)
            )
        };
        let ids = self
            .targets
            .iter()
            .filter(|(_, target)| gone(&target.fate))
            .map(|(&id, _)| id)
            .collect();
        self.advance(Stage::Recording, Next::Record(ids))
    }

    fn advance(&mut self, stage: Stage, next: Next) -> Next {
        self.stage = stage;
        next
    }
}

impl Fate {
    /// The message is not listed any more, at least not as it was.
    fn gone(self, listed_anew: bool) -> Self {
        let anew = || {
            Some("a message with its unique-id is listed, but not as it was: left alone".to_owned())
        };
        match self {
            Self::Settled(..) => self,
            Self::InDoubt if listed_anew => Self::Settled(Outcome::Unknown, anew()),
            Self::InDoubt => Self::Settled(Outcome::Deleted, None),
            Self::Open if listed_anew => Self::Settled(Outcome::Kept, anew()),
            Self::Open => Self::Settled(Outcome::AlreadyGone, None),
        }
    }
}

impl Target {
    fn report(self) -> MessageReport {
        let (outcome, reason) = match self.fate {
            Fate::Open => (Outcome::Kept, None),
            Fate::InDoubt => (Outcome::Unknown, None),
            Fate::Settled(outcome, reason) => (outcome, reason),
        };
        MessageReport {
            name: self.name,
            unique_id: self.unique_id,
            outcome,
            reason,
        }
    }
}

/// The unique-ids that are listed, with the sizes. Where messages share one and some of them are
/// gone, the sizes tell which.
fn sizes(catalog: &Catalog) -> HashSet<(&[u8], u64)> {
    catalog
        .present()
        .map(|(_, message)| (&*message.unique_id, message.listed))
        .collect()
}

/// Whether as many messages as before, or more, have the unique-id of one that is gone.
fn is_listed_anew(message: &Message, catalog: &Catalog, suffix: &str) -> bool {
    catalog
        .named(&names::file_name(
            &message.unique_id,
            message.sharers,
            suffix,
        ))
        .is_some()
}
