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
use super::super::terms::Terms;

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
    terms: Terms,
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
    pub fn begin(catalog: &Catalog, doubtful: &BTreeSet<MessageId>, terms: Terms) -> Option<Self> {
        let target = |(id, message): (MessageId, &Message)| {
            let unique_id = text::printable(message.unique_id());
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
            terms,
            problem: None,
        })
    }

    /// Somebody else asks for it, on these terms.
    pub fn join(&mut self, terms: Terms) {
        self.terms = self.terms.and(terms);
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
                    listed.contains(&(message.unique_id(), message.listed))
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
            last: self.terms.is_last,
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
        .map(|(_, message)| (message.unique_id(), message.listed))
        .collect()
}

/// Whether as many messages as before, or more, have the unique-id of one that is gone.
fn is_listed_anew(message: &Message, catalog: &Catalog, suffix: &str) -> bool {
    catalog
        .named(&names::file_name(
            message.unique_id(),
            message.sharers,
            suffix,
        ))
        .is_some()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::super::reconcile::{Listed, reconcile};
    use super::*;
    use crate::pop3::{Connection, Event};

    const A: MessageId = MessageId(0);
    const B: MessageId = MessageId(1);
    const C: MessageId = MessageId(2);

    fn reply(line: &str) -> Reply {
        let mut connection = Connection::new(());
        let line = format!("{line}\r\n");
        match connection.poll(&mut line.as_bytes()) {
            Ok(Some(Event::End {
                reply: Some(reply), ..
            })) => reply,
            other => panic!("{other:?}"),
        }
    }

    fn ok() -> Reply {
        reply("+OK")
    }

    fn no() -> Reply {
        reply("-ERR no")
    }

    fn list(catalog: &mut Catalog, mailbox: &[(&str, u64)]) {
        let listing: Vec<Listed> = mailbox
            .iter()
            .map(|&(unique_id, size)| Listed {
                unique_id: unique_id.as_bytes(),
                size,
            })
            .collect();
        reconcile(catalog, &listing, "", 0);
    }

    fn begin(catalog: &Catalog) -> Option<Transaction> {
        Transaction::begin(catalog, &BTreeSet::new(), Terms::default())
    }

    /// A maildrop of which the first and the third message are marked, and the transaction.
    fn begun() -> (Catalog, Transaction) {
        let mut catalog = Catalog::default();
        list(&mut catalog, &[("a", 1), ("b", 2), ("c", 3)]);
        catalog.place(A, Place::Deleted);
        catalog.place(C, Place::Deleted);
        let transaction = begin(&catalog).unwrap();
        (catalog, transaction)
    }

    /// The same with DELE on its way.
    fn deleting() -> (Catalog, Transaction) {
        let (catalog, mut transaction) = begun();
        assert_eq!(transaction.listed(&catalog, ""), Next::Delete(vec![A, C]));
        (catalog, transaction)
    }

    /// The same with QUIT on its way.
    fn quitting() -> (Catalog, Transaction) {
        let (catalog, mut transaction) = deleting();
        assert_eq!(transaction.deleted(A, &ok()), Next::Wait);
        assert_eq!(transaction.deleted(C, &ok()), Next::Quit);
        (catalog, transaction)
    }

    fn outcomes(transaction: Transaction) -> Vec<Outcome> {
        let report = transaction.report(None, 0, 0);
        report.messages.iter().map(|it| it.outcome).collect()
    }

    #[test]
    fn nothing_marked_is_no_transaction() {
        assert!(begin(&Catalog::default()).is_none());
    }

    #[test]
    fn all_accepted_and_confirmed_is_all_deleted() {
        let (_, mut transaction) = quitting();
        assert_eq!(transaction.quit(&ok()), Next::Record(vec![A, C]));
        assert!(transaction.is_recording());
        let report = transaction.report(None, 1, 7);
        assert!(report.complete && report.problem.is_none());
        assert_eq!((report.remaining, report.finished), (1, 7));
    }

    #[test]
    fn a_refusal_rolls_back_and_the_rest_is_tried_again() {
        let (_, mut transaction) = deleting();
        assert_eq!(transaction.deleted(A, &no()), Next::Wait);
        assert_eq!(transaction.deleted(C, &ok()), Next::Reset);
        assert_eq!(transaction.reset(&ok()), Next::Delete(vec![C]));
        assert_eq!(transaction.deleted(C, &ok()), Next::Quit);
        assert_eq!(transaction.quit(&ok()), Next::Record(vec![C]));
        let report = transaction.report(None, 2, 0);
        assert_eq!(report.messages[0].outcome, Outcome::Refused);
        assert_eq!(
            report.messages[0].reason.as_deref(),
            Some("the server said \"no\"")
        );
        assert!(!report.complete && report.problem.is_some());
    }

    #[test]
    fn where_all_is_refused_nothing_is_left_to_confirm() {
        let (_, mut transaction) = deleting();
        transaction.deleted(A, &no());
        assert_eq!(transaction.deleted(C, &no()), Next::Reset);
        assert_eq!(transaction.reset(&ok()), Next::Record(vec![]));
        assert_eq!(outcomes(transaction), [Outcome::Refused; 2]);
    }

    #[test]
    fn a_server_that_will_not_roll_back_is_left() {
        let (catalog, mut transaction) = deleting();
        transaction.deleted(A, &no());
        transaction.deleted(C, &ok());
        assert_eq!(transaction.reset(&no()), Next::Reconnect);
        assert_eq!(transaction.listed(&catalog, ""), Next::Delete(vec![C]));
    }

    #[test]
    fn rolling_back_comes_to_an_end() {
        let names: Vec<String> = (0..10).map(|number| number.to_string()).collect();
        let mailbox: Vec<(&str, u64)> = names.iter().map(|name| (&**name, 1)).collect();
        let mut catalog = Catalog::default();
        list(&mut catalog, &mailbox);
        (0..10).for_each(|index| drop(catalog.place(MessageId(index), Place::Deleted)));
        let mut transaction = begin(&catalog).unwrap();
        let mut next = transaction.listed(&catalog, "");
        for rollback in 1..=ROLLBACKS_MAX {
            let Next::Delete(ids) = next else {
                panic!("{next:?} at {rollback}");
            };
            for id in &ids[1..] {
                transaction.deleted(*id, &ok());
            }
            assert_eq!(transaction.deleted(ids[0], &no()), Next::Reset);
            next = transaction.reset(&ok());
        }
        assert_eq!(next, Next::Record(vec![]));
        assert!(transaction.report(None, 0, 0).problem.is_some());
    }

    #[test]
    fn a_link_lost_before_quit_has_deleted_nothing() {
        let (catalog, mut transaction) = deleting();
        transaction.deleted(A, &ok());
        assert_eq!(transaction.lost("gone"), Next::Reconnect);
        assert!(transaction.is_waiting());
        assert_eq!(transaction.listed(&catalog, ""), Next::Delete(vec![A, C]));
    }

    #[test]
    fn after_a_lost_or_refused_quit_the_listing_decides() {
        for refused in [false, true] {
            let (mut catalog, mut transaction) = quitting();
            let next = if refused {
                transaction.quit(&no())
            } else {
                transaction.lost("gone")
            };
            assert_eq!(next, Next::Reconnect);
            list(&mut catalog, &[("b", 2), ("c", 3)]);
            assert_eq!(transaction.listed(&catalog, ""), Next::Delete(vec![C]));
            transaction.deleted(C, &ok());
            assert_eq!(transaction.quit(&ok()), Next::Record(vec![A, C]));
            assert_eq!(outcomes(transaction), [Outcome::Deleted; 2]);
        }
    }

    #[test]
    fn in_doubt_and_all_gone_needs_no_more_session() {
        let (mut catalog, mut transaction) = quitting();
        transaction.lost("gone");
        list(&mut catalog, &[("b", 2)]);
        assert_eq!(transaction.listed(&catalog, ""), Next::Record(vec![A, C]));
        assert_eq!(outcomes(transaction), [Outcome::Deleted; 2]);
    }

    #[test]
    fn what_somebody_else_removed_is_gone_already() {
        let (mut catalog, mut transaction) = begun();
        list(&mut catalog, &[("b", 2), ("c", 3)]);
        assert_eq!(transaction.listed(&catalog, ""), Next::Delete(vec![C]));
        transaction.deleted(C, &ok());
        transaction.quit(&ok());
        assert_eq!(
            outcomes(transaction),
            [Outcome::AlreadyGone, Outcome::Deleted]
        );
    }

    #[test]
    fn another_message_with_the_unique_id_is_left_alone() {
        let (mut catalog, mut transaction) = begun();
        list(&mut catalog, &[("a", 9), ("b", 2), ("c", 3)]);
        assert_eq!(transaction.listed(&catalog, ""), Next::Delete(vec![C]));
        transaction.deleted(C, &ok());
        transaction.lost("gone before QUIT was answered");
        list(&mut catalog, &[("a", 9), ("b", 2), ("c", 9)]);
        assert_eq!(transaction.listed(&catalog, ""), Next::Record(vec![]));
        assert_eq!(outcomes(transaction), [Outcome::Kept, Outcome::Unknown]);
    }

    #[test]
    fn of_those_that_share_a_unique_id_the_size_tells_which_is_gone() {
        for (left, outcome) in [
            ([("x", 1), ("x", 2)], Outcome::AlreadyGone),
            ([("x", 2), ("x", 3)], Outcome::Kept),
        ] {
            let mut catalog = Catalog::default();
            list(&mut catalog, &[("x", 1), ("x", 2), ("x", 3)]);
            catalog.place(C, Place::Deleted);
            let mut transaction = begin(&catalog).unwrap();
            list(&mut catalog, &left);
            transaction.listed(&catalog, "");
            assert_eq!(outcomes(transaction), [outcome]);
        }
    }

    #[test]
    fn what_an_earlier_commit_may_have_deleted_is_in_doubt_until_it_is_listed() {
        let (catalog, mut transaction) = quitting();
        transaction.lost("gone");
        let doubtful = transaction.in_doubt();
        let mut again = Transaction::begin(&catalog, &doubtful, Terms::default()).unwrap();
        again.give_up("offline".to_owned());
        assert_eq!(outcomes(again), [Outcome::Unknown; 2]);
        let mut again = Transaction::begin(&catalog, &doubtful, Terms::default()).unwrap();
        assert_eq!(again.listed(&catalog, ""), Next::Delete(vec![A, C]));
        assert!(again.in_doubt().is_empty());
    }

    #[test]
    fn sessions_are_bounded() {
        let (catalog, mut transaction) = deleting();
        for _ in 1..SESSIONS_MAX {
            assert_eq!(transaction.lost("gone"), Next::Reconnect);
            transaction.listed(&catalog, "");
        }
        assert_eq!(transaction.lost("gone"), Next::Record(vec![]));
        let report = transaction.report(None, 3, 0);
        assert_eq!(report.problem.as_deref(), Some("gone"));
    }

    #[test]
    fn a_doubt_that_no_listing_has_settled_is_told() {
        let (_, mut transaction) = quitting();
        transaction.lost("gone");
        assert_eq!(
            transaction.give_up("offline".to_owned()),
            Next::Record(vec![])
        );
        assert_eq!(outcomes(transaction), [Outcome::Unknown; 2]);
    }

    #[test]
    fn what_comes_late_changes_nothing() {
        let (_, mut transaction) = begun();
        assert_eq!(transaction.lost("gone"), Next::Wait);
        assert_eq!(transaction.quit(&ok()), Next::Wait);
        assert_eq!(transaction.deleted(A, &ok()), Next::Wait);
        assert!(transaction.is_waiting());
        let (_, mut transaction) = quitting();
        transaction.quit(&ok());
        assert_eq!(transaction.lost("gone"), Next::Wait);
        assert!(transaction.is_recording());
    }

    #[test]
    fn a_mark_set_later_is_not_covered() {
        let (mut catalog, transaction) = begun();
        assert!(transaction.covers(&catalog));
        catalog.place(B, Place::Deleted);
        assert!(!transaction.covers(&catalog));
    }

    /// What becomes of a command: done and answered, refused, or the link lost under it.
    #[derive(Clone, Copy, Debug)]
    enum Fault {
        None,
        Refused,
        LostBefore,
        LostAfter,
    }

    fn fault() -> impl Strategy<Value = Fault> {
        prop_oneof![
            6 => Just(Fault::None),
            1 => Just(Fault::Refused),
            1 => Just(Fault::LostBefore),
            1 => Just(Fault::LostAfter),
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
    }

    impl Play {
        fn new(marked: &BTreeSet<u32>, faults: Vec<Fault>) -> Self {
            let mailbox = NAMES.map(|name| (name, 5)).to_vec();
            let mut catalog = Catalog::default();
            list(&mut catalog, &mailbox);
            for &index in marked {
                catalog.place(MessageId(index), Place::Deleted);
            }
            Self {
                mailbox,
                transaction: begin(&catalog).unwrap(),
                catalog,
                faults: faults.into_iter(),
                accepted: Vec::new(),
                sessions: 0,
            }
        }

        fn play(mut self) -> (CommitReport, Vec<&'static str>, u32) {
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
            let left = self.mailbox.iter().map(|(name, _)| *name).collect();
            (self.transaction.report(None, 0, 0), left, self.sessions)
        }

        fn fault(&mut self) -> Fault {
            self.faults.next().unwrap_or(Fault::None)
        }

        fn connect(&mut self) -> Next {
            self.sessions += 1;
            self.accepted.clear();
            list(&mut self.catalog, &self.mailbox);
            self.transaction.listed(&self.catalog, "")
        }

        fn delete(&mut self, ids: &[MessageId]) -> Next {
            let mut answers = ids.iter().map(|&id| match self.fault() {
                Fault::None => {
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
                Fault::None => {
                    self.accepted.clear();
                    self.transaction.reset(&ok())
                }
                Fault::Refused => self.transaction.reset(&no()),
                Fault::LostBefore | Fault::LostAfter => self.transaction.lost("gone"),
            }
        }

        fn quit(&mut self) -> Next {
            let fault = self.fault();
            if matches!(fault, Fault::None | Fault::LostAfter) {
                let accepted = self.accepted.drain(..);
                let gone: Vec<&str> = accepted.map(|id| NAMES[id.index() as usize]).collect();
                self.mailbox.retain(|(name, _)| !gone.contains(name));
            }
            match fault {
                Fault::None => self.transaction.quit(&ok()),
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
        ) {
            let (report, left, sessions) = Play::new(&marked, faults).play();
            prop_assert!(sessions <= SESSIONS_MAX);
            for message in &report.messages {
                let there = left.contains(&&*message.name);
                match message.outcome {
                    Outcome::Deleted | Outcome::AlreadyGone => prop_assert!(!there),
                    Outcome::Refused | Outcome::Kept => prop_assert!(there),
                    Outcome::Unknown => {}
                }
            }
            let is_marked = |name: &str| report.messages.iter().any(|message| message.name == name);
            for name in NAMES {
                prop_assert!(left.contains(&name) || is_marked(name));
                prop_assert!(!left.contains(&name) || !is_marked(name) || !report.complete);
            }
        }
    }
}
