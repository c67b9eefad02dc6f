//! The driver's part: it hands the engine what happens, and does what the engine orders.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;
use std::sync::Arc;
use std::time::Duration;

use pop3fs::maildrop::{CommitReport, Input, Order, SessionStatus};

use crate::ledger::Deletion;
use crate::mail::MailId;
use crate::sightings::Sighting;
use crate::trace::tell;
use crate::world::World;

impl World {
    /// The engine makes a step, and what it orders is done; all that it has changed is held against the truth.
    pub fn step(&mut self, input: Input<'_>) {
        let now = self.now();
        let Some(daemon) = &mut self.daemon else {
            return;
        };
        let (marked, report) = (daemon.marked(), daemon.maildrop.last_commit());
        let before: BTreeSet<MailId> = marked.values().copied().collect();
        let is_asked = daemon.errands_taken(&before);
        tell!(kind & discriminant(&input), "step");
        let step = daemon.engine.step(now, input);
        let orders = daemon.maildrop.release(step);
        daemon.engine.think();
        let status = daemon.maildrop.status();
        self.listed(&status.link);
        let marked_now = self.hold_marks(None);
        if is_asked && self.ledger.commit.is_none() {
            let targets = marked.into_iter().chain(marked_now.clone()).collect();
            self.ledger.commit = Some(Deletion::of(targets));
        }
        self.take_answers();
        self.follow_commit(report, marked_now);
        self.states.insert(self.likeness(&status));
        for order in orders {
            if !self.is_healed && self.dice.one_in(40) {
                self.interfere();
            }
            self.carry_out(order);
        }
    }

    /// A commit may have ended, and another one begun at once with what is marked.
    fn follow_commit(
        &mut self,
        before: Option<Arc<CommitReport>>,
        marked: BTreeMap<String, MailId>,
    ) {
        let Some(daemon) = &self.daemon else {
            return;
        };
        let last = daemon.maildrop.last_commit();
        let has_ended = last.as_ref().map(Arc::as_ptr) != before.as_ref().map(Arc::as_ptr);
        if !daemon.is_committing() {
            self.ledger.commit = None;
        } else if has_ended {
            self.ledger.commit = Some(Deletion::of(marked));
        }
    }

    fn carry_out(&mut self, order: Order) {
        let Some(daemon) = &mut self.daemon else {
            return;
        };
        tell!(kind & discriminant(&order), "order: {order:?}");
        match order {
            Order::Connect => self.connect(),
            Order::StartTls => self.begin_handshake(),
            Order::Disconnect => {
                if daemon.maildrop.status().link.session == SessionStatus::Parked {
                    self.tally.see(Sighting::Parked);
                }
                self.disconnect();
            }
            Order::WriteJournal => daemon.write_journal(),
        }
    }

    fn connect(&mut self) {
        assert!(
            self.network.live.is_none() && self.network.connecting.is_none(),
            "a second link was ordered"
        );
        let patience = match self.dice.one_in(12) {
            true => Duration::from_secs(30),
            false => self.dice.span(0..2000),
        };
        self.network.connecting = Some(self.now() + patience);
    }
}
