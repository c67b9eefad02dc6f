//! Transactions against a server that fails at random.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::catalog::Catalog;
use super::super::message::{MessageId, Place};
use super::super::report::{CommitReport, Outcome};
use super::super::settings::Settings;
use super::super::terms::Terms;
use super::rig::settings;
use super::samples::{list, no, ok};
use super::transaction::{LOSSES_MAX, Next, Transaction};

/// What becomes of a command: done and answered, refused, or the link lost under it; or QUIT is
/// answered well, and a message kept.
#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    Refused,
    LostBefore,
    LostAfter,
    Forgets,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        6 => Just(Fault::None),
        1 => Just(Fault::Refused),
        1 => Just(Fault::LostBefore),
        1 => Just(Fault::LostAfter),
        1 => Just(Fault::Forgets),
    ]
}

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// A maildrop whose server does to each command what the faults say.
struct Play {
    mailbox: Vec<(&'static str, u64)>,
    catalog: Catalog,
    transaction: Transaction,
    faults: std::vec::IntoIter<Fault>,
    /// Messages whose DELE was accepted in this session.
    accepted: Vec<MessageId>,
    sessions: u32,
    /// Whether the server has kept what it said to be deleted.
    is_forgetful: bool,
}

/// What has come of a transaction.
struct Outcomes {
    report: CommitReport,
    left: Vec<&'static str>,
    sessions: u32,
    is_forgetful: bool,
}

impl Play {
    fn new(marked: &BTreeSet<u32>, faults: Vec<Fault>, terms: Terms, settings: &Settings) -> Self {
        let mailbox = NAMES.map(|name| (name, 5)).to_vec();
        let mut catalog = Catalog::default();
        list(&mut catalog, &mailbox);
        for &index in marked {
            catalog.place(MessageId(index), Place::Deleted);
        }
        Self {
            mailbox,
            transaction: Transaction::begin(&catalog, &BTreeSet::new(), terms, settings),
            catalog,
            faults: faults.into_iter(),
            accepted: Vec::new(),
            sessions: 0,
            is_forgetful: false,
        }
    }

    fn play(mut self) -> Outcomes {
        let mut next = Next::Reconnect;
        while !matches!(next, Next::Record(_)) {
            next = match next {
                Next::Reconnect => self.connect(),
                Next::Delete(ids) => self.delete(&ids),
                Next::Reset => self.reset(),
                Next::Quit => self.quit(),
                Next::Wait | Next::Record(_) => panic!("it waits for nothing"),
            };
        }
        Outcomes {
            report: self.transaction.report(None, &self.catalog, 0),
            left: self.mailbox.iter().map(|(name, _)| *name).collect(),
            sessions: self.sessions,
            is_forgetful: self.is_forgetful,
        }
    }

    fn fault(&mut self) -> Fault {
        self.faults.next().unwrap_or(Fault::None)
    }

    fn connect(&mut self) -> Next {
        self.sessions += 1;
        self.accepted.clear();
        list(&mut self.catalog, &self.mailbox);
        self.transaction.listed(&self.catalog, "", true)
    }

    fn delete(&mut self, ids: &[MessageId]) -> Next {
        let mut answers = ids.iter().map(|&id| match self.fault() {
            Fault::None | Fault::Forgets => {
                self.accepted.push(id);
                self.transaction.deleted(id, &ok())
            }
            Fault::Refused => self.transaction.deleted(id, &no()),
            Fault::LostBefore | Fault::LostAfter => self.transaction.lost("gone"),
        });
        answers
            .find(|next| *next != Next::Wait)
            .unwrap_or(Next::Wait)
    }

    fn reset(&mut self) -> Next {
        match self.fault() {
            Fault::None | Fault::Forgets => {
                self.accepted.clear();
                self.transaction.reset(&ok())
            }
            Fault::Refused => self.transaction.reset(&no()),
            Fault::LostBefore | Fault::LostAfter => self.transaction.lost("gone"),
        }
    }

    fn quit(&mut self) -> Next {
        let fault = self.fault();
        if matches!(fault, Fault::Forgets) {
            self.is_forgetful |= self.accepted.pop().is_some();
        }
        if matches!(fault, Fault::None | Fault::LostAfter | Fault::Forgets) {
            let accepted = self.accepted.drain(..);
            let gone: Vec<&str> = accepted.map(|id| NAMES[id.index() as usize]).collect();
            self.mailbox.retain(|(name, _)| !gone.contains(name));
        }
        match fault {
            Fault::None | Fault::Forgets => self.transaction.quit(&ok()),
            Fault::Refused => self.transaction.quit(&no()),
            Fault::LostBefore | Fault::LostAfter => self.transaction.lost("gone"),
        }
    }
}

proptest! {
    #[test]
    fn whatever_the_server_does_the_end_comes_and_the_report_is_true(
        marked in prop::collection::btree_set(0u32..6, 1..6),
        faults in prop::collection::vec(fault(), 0..60),
        verify: bool,
        commit_every in prop::option::of(1u64..4),
    ) {
        let terms = Terms { verify: Some(verify), ..Terms::default() };
        let settings = Settings { commit_every, ..settings() };
        let outcomes = Play::new(&marked, faults, terms, &settings).play();
        let Outcomes { report, left, sessions, is_forgetful } = outcomes;
        // Each session but the last of a row either comes to its end or is lost.
        let ends = commit_every.map_or(1, |batch| marked.len().div_ceil(batch as usize)) + usize::from(verify);
        prop_assert!(sessions as usize <= (ends + 1) * LOSSES_MAX as usize, "{sessions}");
        for message in &report.messages {
            let there = left.contains(&&*message.name);
            match message.outcome {
                Outcome::Deleted if is_forgetful && !report.verified => {}
                Outcome::Deleted | Outcome::AlreadyGone => prop_assert!(!there),
                Outcome::Refused | Outcome::Kept => prop_assert!(there),
                Outcome::Unknown => {}
            }
        }
        let is_marked = |name: &str| report.messages.iter().any(|message| message.name == name);
        for name in NAMES {
            prop_assert!(left.contains(&name) || is_marked(name));
            let is_complete = report.complete && (report.verified || !is_forgetful);
            prop_assert!(!left.contains(&name) || !is_marked(name) || !is_complete);
        }
    }
}
