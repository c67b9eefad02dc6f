//! What the user, other clients, the network and the machine do, at random.

use std::time::Duration;

use pop3fs::maildrop::{Entry, Error, Place};

use crate::daemon::Daemon;
use crate::sightings::Sighting;
use crate::trace::tell;
use crate::world::World;

/// More mail than this is not delivered in one run.
const MAILS_MAX: usize = 24;

impl World {
    /// Something happens.
    pub fn operate(&mut self) {
        match self.dice.below(48) {
            0..6 => self.mark(),
            6..8 => self.unmark(),
            8..12 => self.open(),
            12..15 => self.walk(),
            15..23 => self.read_some(),
            23..25 => self.close_all(),
            25 => self.measure(),
            26..30 => self.commit(),
            30 => self.commit_in_trouble(),
            31 => self.leave(),
            32 => self.deliver(),
            33 => self.expunge(),
            34 => self.cut(),
            35 => self.die(),
            36 => self.fall_silent(),
            37 => self.refuse_connections(),
            38 => self.trouble_disk(),
            39 => self.crash(),
            40..46 => self.misbehave(),
            _ => self.behave(),
        }
        if self.daemon.is_none() && self.dice.one_in(2) {
            self.start();
        }
        self.take_answers();
        self.check_deadlines();
    }

    /// Time passes and octets move, or nothing yet.
    pub fn go_on(&mut self) {
        match self.dice.below(8) {
            0 => {}
            1 | 2 => {
                let moves = 1 + self.dice.below(20);
                self.stir(moves);
            }
            3 | 4 => self.settle_down(),
            5 => self.pass(0..500),
            6 => self.pass(0..6000),
            _ if self.dice.one_in(4) => self.pass(0..400_000),
            _ => self.pass(0..70_000),
        }
    }

    /// Something happens between a step of the engine and what the step has ordered.
    pub fn interfere(&mut self) {
        match self.dice.below(4) {
            0 => self.crash(),
            1 => self.unmark(),
            2 => self.measure(),
            _ => self.mark(),
        }
        self.take_answers();
    }

    fn pass(&mut self, milliseconds: std::ops::Range<u64>) {
        let span = self.dice.span(milliseconds);
        self.wait(span);
    }

    /// A daemon that serves its mount, and one of its messages in this place.
    fn mounted(&mut self, place: Place) -> Option<(&mut Daemon, Entry)> {
        let daemon = self.daemon.as_mut().filter(|daemon| daemon.is_mounted)?;
        let entry = self.dice.pick(&daemon.entries(place)).cloned()?;
        Some((daemon, entry))
    }

    /// The user marks a message.
    pub fn mark_one(&mut self) {
        self.mark();
    }

    fn mark(&mut self) {
        let Some((daemon, entry)) = self.mounted(Place::Root) else {
            return;
        };
        let (result, id) = (daemon.mark(entry.id), daemon.mails[&entry.id]);
        tell!("mark {id}: {result:?}");
        match result {
            Ok(()) => {
                self.ledger.mark(id);
                self.see(Sighting::Marked);
            }
            Err(Error::NoUniqueId) => self.see(Sighting::NoUniqueId),
            Err(Error::Journal(_)) => self.see(Sighting::Unwritten),
            Err(error) => panic!("cannot mark: {error}"),
        }
    }

    fn unmark(&mut self) {
        let Some((daemon, entry)) = self.mounted(Place::Deleted) else {
            return;
        };
        let (result, id) = (daemon.maildrop.unmark(&[entry.id]), daemon.mails[&entry.id]);
        tell!("unmark {id}: {result:?}");
        match result {
            Ok(()) => {
                self.ledger.unmark(id);
                self.see(Sighting::Unmarked);
            }
            Err(Error::Busy) => self.see(Sighting::HeldByCommit),
            Err(Error::Journal(_)) => {}
            Err(error) => panic!("cannot unmark: {error}"),
        }
    }

    fn open(&mut self) {
        let place = [Place::Root, Place::Root, Place::Deleted, Place::Gone][self.dice.below(4)];
        if let Some((daemon, entry)) = self.mounted(place) {
            daemon.open(entry.id);
        }
    }

    fn measure(&mut self) {
        if let Some((daemon, entry)) = self.mounted(Place::Root) {
            daemon.measure(entry.id);
        }
    }

    /// A program goes through some of the messages, in order.
    fn walk(&mut self) {
        let count = 2 + self.dice.below(4);
        let Some((daemon, entry)) = self.mounted(Place::Root) else {
            return;
        };
        let entries = daemon.entries(Place::Root).into_iter();
        let way = entries.skip_while(|other| other.id != entry.id);
        way.take(count).for_each(|entry| daemon.open(entry.id));
    }

    fn read_some(&mut self) {
        for _ in 0..1 + self.dice.below(4) {
            let open = self.daemon.as_ref().map(Daemon::readable);
            let (offset, length) = self.part();
            let open = open.unwrap_or_default();
            let handle = self.dice.pick(&open);
            if let (Some(daemon), Some(&handle)) = (&mut self.daemon, handle) {
                daemon.read(handle, offset, length);
            }
        }
    }

    /// A part of a message to read: whole, at its start, anywhere, beyond the end.
    fn part(&mut self) -> (u64, usize) {
        const KERNEL: usize = 128 * 1024;
        match self.dice.below(6) {
            0 => (0, 1 << 20),
            1 => (0, self.dice.below(500)),
            2 => (KERNEL as u64, KERNEL),
            3 => (self.dice.number(0..140_000), self.dice.below(KERNEL)),
            4 => (u64::MAX - self.dice.number(0..3), usize::MAX),
            _ => (self.dice.number(0..400), self.dice.below(400)),
        }
    }

    fn close_all(&mut self) {
        for handle in self
            .daemon
            .iter_mut()
            .flat_map(|daemon| &mut daemon.handles)
        {
            handle.open = None;
        }
    }

    fn commit(&mut self) {
        let patience = self.dice.span(1000..900_000);
        let is_within = self.dice.one_in(2);
        let Some(daemon) = self.daemon.as_mut().filter(|daemon| daemon.is_mounted) else {
            return;
        };
        let joins = daemon.is_committing();
        match is_within {
            true => daemon.commit_within(patience),
            false => daemon.commit(),
        }
        tell!("commit");
        if joins {
            self.see(Sighting::CommitJoined);
        }
    }

    /// A commit, and before its end something goes wrong.
    fn commit_in_trouble(&mut self) {
        self.commit();
        let moves = 1 + self.dice.below(60);
        self.stir(moves);
        match self.dice.below(4) {
            0 => self.crash(),
            1 => self.cut(),
            2 => self.die(),
            _ => self.fall_silent(),
        }
    }

    fn leave(&mut self) {
        let patience = self.dice.span(100..10_000);
        if let Some(daemon) = self.daemon.as_mut().filter(|daemon| daemon.is_mounted) {
            tell!("leave");
            daemon.leave(patience);
        }
    }

    fn deliver(&mut self) {
        if self.post.mails.len() < MAILS_MAX {
            let id = self.post.mails.len();
            tell!("deliver {id}");
            self.server.deliver(self.post.write(&mut self.dice));
            self.ledger.delivered(id);
            self.see(Sighting::Delivered);
        }
    }

    /// Another client deletes something; also in the midst of a session, as IMAP can.
    fn expunge(&mut self) {
        let there: Vec<_> = self.ledger.on_server.iter().copied().collect();
        let Some(&id) = self.dice.pick(&there) else {
            return;
        };
        let post = &self.post;
        self.server.expunge_if(|message| post.find(message) == id);
        let left = self.on_server();
        tell!("expunge {id}");
        for gone in self.ledger.expunged(&left) {
            self.see(Sighting::Expunged);
            if self.ledger.marked.contains(&gone) {
                self.see(Sighting::ExpungedMarked);
            }
        }
    }

    /// The link dies without a word.
    fn die(&mut self) {
        if let Some(link) = &mut self.network.live {
            tell!("the link is dead");
            link.is_dead = true;
            self.see(Sighting::HalfOpen);
        }
    }

    fn fall_silent(&mut self) {
        let span = match self.dice.one_in(3) {
            true => self.dice.span(0..400_000),
            false => self.dice.span(0..20_000),
        };
        tell!("silence for {span:?}");
        self.network.silent_until = Some(self.now() + span);
    }

    fn refuse_connections(&mut self) {
        let span = match self.dice.one_in(4) {
            true => self.dice.span(0..120_000),
            false => self.dice.span(0..5000),
        };
        tell!("no connections for {span:?}");
        self.network.refuses_until = Some(self.now() + span);
    }

    fn trouble_disk(&mut self) {
        let (append, replace) = (self.dice.one_in(3), self.dice.one_in(3));
        tell!("the disk refuses to append: {append}, to replace: {replace}");
        self.paper.set_refusals(append, replace);
    }

    /// The process dies. What it wrote may still arrive.
    pub fn crash(&mut self) {
        let Some(daemon) = self.daemon.take() else {
            return;
        };
        tell!("crash");
        self.network.connecting = None;
        if let Some(link) = self.network.live.take() {
            self.leave_to_server(link);
        }
        self.ledger.commit = None;
        self.see(Sighting::Crashed);
        if daemon.is_committing() {
            self.see(Sighting::CrashedInCommit);
        }
    }

    pub fn start(&mut self) {
        let marks = self.paper.marks();
        tell!("start; the journal holds {marks:?}");
        for _ in marks {
            self.see(Sighting::Inherited);
        }
        // Until it is mounted, nobody can use it.
        self.daemon = Some(Daemon::start(
            self.settings.clone(),
            &self.clock,
            &self.paper,
        ));
    }

    /// The world is well again, but for the links that are broken already.
    pub fn heal(&mut self) {
        tell!("all is well");
        self.is_healed = true;
        self.behave();
        self.paper.set_refusals(false, false);
        self.network.silent_until = None;
        self.network.refuses_until = None;
        let lockout = Duration::from_secs(400);
        self.wait(lockout);
    }
}
