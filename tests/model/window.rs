//! Servers that show a part of the mailbox.

use crate::mail::MailId;
use crate::world::World;

/// What a session shows at most, where it shows a part: as many as some large providers do.
pub const WINDOW: usize = 250;

/// How many messages there are beyond that at first, at most.
pub const BEYOND: usize = 60;

impl World {
    /// Whether the server has the mail and the last listing could not show it.
    pub fn is_out_of_sight(&self, id: MailId) -> bool {
        self.is_windowed && !self.ledger.view.shows(id)
    }

    /// What is marked is pushed out of sight by new mail before it is deleted.
    pub fn lose_sight(&mut self) {
        (0..8).for_each(|_| self.mark());
        self.deliver();
        self.commit();
    }

    /// How many come or go at once.
    pub fn crowd(&mut self) -> usize {
        match self.is_windowed {
            true => 1 + self.dice.below(WINDOW / 2),
            false => 1,
        }
    }
}
