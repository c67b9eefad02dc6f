//! A mount that lives for a day: programs come and go, mail too, links and sessions; the machine sleeps.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::daemon::Daemon;
use crate::footprint::Footprint;
use crate::trace::tell;
use crate::world::World;

const HOUR: Duration = Duration::from_secs(3600);

/// A session without work is seen to meanwhile.
const REST_OF_THE_DAY: Duration = Duration::from_secs(300);

/// More mail than this is not delivered in a day.
const MAILS_MAX: usize = 1000;

/// What is kept of a message that has gone, for its number is given to no other: its name, what RETR has shown of it,
/// and its row in a list that has room for as many again.
const GONE_OCTETS: isize = 400;

/// What may be larger at one time than at another, and does not grow: the report of the last commit, what the server
/// has said of itself, tables that are as large as chance has it.
const REST: Footprint = Footprint {
    blocks: 40,
    octets: 16 * 1024,
};

/// A body in memory, its place in the cache and who holds it.
const BODY_BLOCKS: isize = 3;

/// A mark whose message is not listed, and may be again, and what the last commit has said of it.
const UNLISTED_BLOCKS: isize = 3;

/// What is left of a mount when no mail is left.
#[derive(Debug)]
pub struct Remains {
    /// Without the blocks for bodies and for messages.
    held: Footprint,
    /// Messages that there ever were.
    seen: usize,
}

impl World {
    /// Lives for so many hours, in one process; at the end of each all is well for a while, and nothing may be wrong.
    pub fn live_for(&mut self, hours: usize) -> Remains {
        (self.endures, self.mails_max) = (true, MAILS_MAX);
        self.behave();
        self.start();
        self.have_a_session();
        for hour in 0..hours {
            tell!("hour {hour}");
            self.live_an_hour();
            self.take_stock();
        }
        self.lose_all_mail();
        self.remains()
    }

    fn live_an_hour(&mut self) {
        let end = self.now() + HOUR;
        while self.now() < end {
            match self.dice.below(1000) {
                0 => self.sleep(),
                1..10 => self.be_away(),
                _ => {
                    self.operate();
                    self.go_on();
                }
            }
        }
    }

    /// The machine sleeps for hours.
    fn sleep(&mut self) {
        let span = self.dice.span(1_000_000..20_000_000);
        self.doze_for(span);
    }

    /// Nobody uses the mount.
    fn be_away(&mut self) {
        self.close_all();
        let span = self.dice.span(0..2_000_000);
        self.wait(span);
    }

    /// Everything is there and can be read; then things may go wrong again.
    fn take_stock(&mut self) {
        self.heal();
        self.have_a_session();
        self.read_everything();
        self.close_all();
        self.is_healed = false;
    }

    /// Other clients delete all there is.
    fn lose_all_mail(&mut self) {
        self.heal();
        self.server.expunge_if(|_| true);
        self.ledger.expunged(&BTreeSet::new());
        self.have_a_session();
    }

    fn remains(&mut self) -> Remains {
        self.close_all();
        self.wait(REST_OF_THE_DAY);
        let daemon = self.daemon.take().expect("it lives to the end");
        let status = daemon.maildrop.status();
        let cached = status.cache;
        assert!(cached.used <= cached.limit, "{cached:?}");
        let known = self.blocks_of_messages(&daemon)
            + cached.messages as isize * BODY_BLOCKS
            + status.unlisted as isize * UNLISTED_BLOCKS;
        let held = Footprint::of((daemon.maildrop, daemon.engine));
        Remains {
            held: Footprint {
                blocks: held.blocks - known,
                octets: held.octets - cached.used as isize,
            },
            seen: daemon.mails.len(),
        }
    }

    /// For each message that ever was: its name, what RETR has shown of it, its unique-id where that is no part of the
    /// name.
    fn blocks_of_messages(&self, daemon: &Daemon) -> isize {
        let blocks = daemon.mails.iter().map(|(&id, &mail)| {
            let entry = daemon.maildrop.entry(id).expect("its number stays its own");
            let unique_id = &self.post.mails[mail].unique_id;
            let is_apart = !entry.name.as_bytes().starts_with(unique_id);
            1 + isize::from(entry.size.is_exact()) + isize::from(is_apart)
        });
        blocks.sum()
    }
}

impl Remains {
    /// Promise 5: nothing but what is known of messages has grown since.
    pub fn hold_against(&self, before: &Self) {
        let gone = (self.seen - before.seen) as isize;
        let blocks = before.held.blocks + REST.blocks;
        let octets = before.held.octets + gone * GONE_OCTETS + REST.octets;
        assert!(
            self.held.blocks <= blocks && self.held.octets <= octets,
            "{before:?} has grown to {self:?}"
        );
    }
}
