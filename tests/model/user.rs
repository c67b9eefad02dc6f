//! What the user does, while there is a mount to do it with.

use std::collections::BTreeSet;

use pop3fs::maildrop::{Entry, Place, Terms};

use crate::daemon::Daemon;
use crate::disk::Promptness;
use crate::mail::MailId;
use crate::request::{There, Want};
use crate::sightings::Sighting;
use crate::trace::tell;
use crate::world::World;

impl World {
    pub fn mark(&mut self) {
        let Some((daemon, entry)) = self.mounted(Place::Root) else {
            return;
        };
        let id = daemon.mails[&entry.id];
        let disk = self.promptness();
        self.change_marks(|daemon| daemon.mark(entry.id, id, disk));
    }

    pub fn unmark(&mut self) {
        let Some((daemon, entry)) = self.mounted(Place::Deleted) else {
            return;
        };
        let id = daemon.mails[&entry.id];
        let disk = self.promptness();
        self.change_marks(|daemon| daemon.undelete(&entry.name, id, disk));
    }

    /// Something is done by which marks may be set or taken off, as somebody has asked who still waits.
    pub fn change_marks(&mut self, deed: impl FnOnce(&mut Daemon)) {
        let Some(daemon) = &mut self.daemon else {
            return;
        };
        let marked = |daemon: &Daemon| daemon.marked().into_values().collect::<BTreeSet<_>>();
        let before = marked(daemon);
        deed(daemon);
        let after = marked(daemon);
        for &id in after.difference(&before) {
            tell!("marked {id}");
            let mut wants = daemon.requests.values().map(|request| &request.want);
            let is_asked = wants.any(|want| matches!(want, Want::Mark { mail, .. } if *mail == id));
            assert!(is_asked, "mail {id} is marked after its removal had failed");
            self.ledger.mark(id);
        }
        for &id in before.difference(&after) {
            tell!("unmarked {id}");
            self.ledger.unmark(id);
        }
    }

    /// Takes a mark off that no listing shows.
    pub fn undelete_unseen(&mut self) {
        // When a late disk has done that would not be seen.
        if self.is_disk_late() || self.daemon.as_ref().is_some_and(Daemon::has_asked_disk) {
            return;
        }
        let written = self.paper.length();
        let daemon = self.daemon.as_mut().filter(|daemon| daemon.is_mounted);
        let hidden = self.ledger.hidden.any(&mut self.dice);
        let (Some(daemon), Some((name, id))) = (daemon, hidden) else {
            return;
        };
        daemon.undelete(&name, id, Promptness::Prompt);
        if self.note_unmarked(id, written) {
            self.see(Sighting::UnmarkedUnseen);
        }
    }

    /// Whether a mark is off, now that somebody has asked for it when so much was written; it is not known yet whether
    /// that is safe from a loss of power.
    fn note_unmarked(&mut self, id: MailId, written: usize) -> bool {
        let is_off = self.paper.length() > written;
        tell!("unmark {id}: {is_off}");
        if is_off {
            self.ledger.unmark(id);
        }
        is_off
    }

    pub fn open(&mut self) {
        let place = [Place::Root, Place::Root, Place::Deleted, Place::Gone][self.dice.below(4)];
        if let Some((daemon, entry)) = self.mounted(place) {
            daemon.open(entry.id);
        }
    }

    pub fn measure(&mut self) {
        if let Some((daemon, entry)) = self.mounted(Place::Root) {
            daemon.measure(entry.id);
        }
    }

    /// A program goes through some of the messages, in order.
    pub fn walk(&mut self) {
        let count = 2 + self.dice.below(4);
        let Some((daemon, entry)) = self.mounted(Place::Root) else {
            return;
        };
        let entries = daemon.entries(Place::Root).into_iter();
        let way = entries.skip_while(|other| other.id != entry.id);
        way.take(count).for_each(|entry| daemon.open(entry.id));
    }

    pub fn read_some(&mut self) {
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
        let far = if self.post.is_huge { 2 << 20 } else { 140_000 };
        match self.dice.below(6) {
            0 => (0, 1 << 20),
            1 => (0, self.dice.below(500)),
            2 => (KERNEL as u64, KERNEL),
            3 => (self.dice.number(0..far), self.dice.below(KERNEL)),
            4 => (u64::MAX - self.dice.number(0..3), usize::MAX),
            _ => (self.dice.number(0..400), self.dice.below(400)),
        }
    }

    pub fn close_all(&mut self) {
        for handle in self
            .daemon
            .iter_mut()
            .flat_map(|daemon| &mut daemon.handles)
        {
            handle.open = None;
        }
    }

    pub fn commit(&mut self) {
        let patience = self.dice.span(1000..900_000);
        let is_within = self.dice.one_in(2);
        let terms = self.terms();
        let Some(daemon) = self.daemon.as_mut().filter(|daemon| daemon.is_mounted) else {
            return;
        };
        let joins = daemon.is_committing();
        match is_within {
            true => daemon.commit_within(patience, terms),
            false => daemon.commit(terms),
        }
        if joins {
            self.see(Sighting::CommitJoined);
        }
    }

    fn terms(&mut self) -> Terms {
        Terms {
            is_last: self.dice.one_in(8),
            verify: [None, Some(false), Some(true)][self.dice.below(3)],
            even_unread: self.dice.one_in(2),
        }
    }

    /// Looks for new mail.
    pub fn refresh(&mut self) {
        let there = There {
            mails: self.ledger.on_server.clone(),
            known: self.post.mails.len(),
        };
        if let Some(daemon) = self.daemon.as_mut().filter(|daemon| daemon.is_mounted) {
            daemon.refresh(there);
        }
    }

    /// Ends the session, in the end or for now.
    pub fn leave(&mut self) {
        let patience = self.dice.span(100..10_000);
        if let Some(daemon) = self.daemon.as_mut().filter(|daemon| daemon.is_mounted) {
            match self.dice.one_in(2) {
                true => daemon.leave(patience),
                false => daemon.park(),
            }
        }
    }

    /// A daemon that serves its mount, and one of its messages in this place.
    fn mounted(&mut self, place: Place) -> Option<(&mut Daemon, Entry)> {
        let daemon = self.daemon.as_mut().filter(|daemon| daemon.is_mounted)?;
        let entry = self.dice.pick(&daemon.entries(place)).cloned()?;
        Some((daemon, entry))
    }
}
