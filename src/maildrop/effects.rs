//! What comes of a step that is taken under the lock.

use std::sync::Arc;

use super::Change;
use super::engine::{Order, Step};
use super::event::{Event, EventKind};
use super::handle::Maildrop;
use super::reader::Due;
use super::spill::Write;

/// What is to be done once the lock is released.
#[derive(Default)]
pub(super) struct Effects {
    pub answers: Vec<Due>,
    pub changes: Vec<Change>,
    pub events: Vec<EventKind>,
    /// Octets for the disk.
    pub writes: Vec<Write>,
}

impl Maildrop {
    /// Tells and answers all that a step of the engine has come to, now that no lock is held.
    /// What is left are the orders, to be carried out one after the other before the next step.
    pub fn release(&self, step: Step) -> Vec<Order> {
        let Step { orders, effects } = step;
        effects
            .changes
            .into_iter()
            .for_each(&self.0.surroundings.tell);
        let events = effects.events.into_iter();
        events.for_each(|kind| self.announce(kind));
        effects.writes.into_iter().for_each(|it| self.write(it));
        for answer in effects.answers {
            answer();
        }
        orders
    }

    pub(super) fn announce(&self, kind: EventKind) {
        let time = self.now().unix_seconds();
        (self.0.surroundings.announce)(Event { time, kind });
    }

    fn write(&self, write: Write) {
        let shared = Arc::clone(&self.0);
        shared.backlog.grow(write.octets());
        (self.0.surroundings.disk)(Box::new(move || {
            write.carry_out(&*shared.surroundings.storage);
            if shared.backlog.shrink(write.octets()) {
                (shared.surroundings.wake)();
            }
        }));
    }

    /// Whether no more is to be taken from the server for now, as it could not be kept; the engine is
    /// woken when it can.
    pub(super) fn is_disk_behind(&self) -> bool {
        self.0.backlog.is_too_long()
    }
}
