//! The driver's part: it hands the engine what happens, and does what the engine orders.

use std::collections::BTreeSet;
use std::time::Duration;

use pop3fs::maildrop::{Input, Order, Place};

use crate::ledger::Deletion;
use crate::link::Link;
use crate::mail::MailId;
use crate::sightings::Sighting;
use crate::trace::tell;
use crate::view::View;
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
        let step = daemon.engine.step(now, input);
        let orders = daemon.maildrop.release(step);
        self.listed();
        let marked_now = self.marks();
        if is_asked && self.ledger.commit.is_none() {
            let targets = marked.into_iter().chain(marked_now.clone()).collect();
            self.ledger.commit = Some(Deletion::of(targets));
        }
        self.take_answers();
        let Some(daemon) = &self.daemon else {
            return;
        };
        let has_ended = daemon
            .maildrop
            .last_commit()
            .map(|report| std::sync::Arc::as_ptr(&report))
            != report.map(|report| std::sync::Arc::as_ptr(&report));
        if !daemon.is_committing() {
            self.ledger.commit = None;
        } else if has_ended {
            self.ledger.commit = Some(Deletion::of(marked_now));
        }
        for order in orders {
            if !self.is_healed && self.dice.one_in(40) {
                self.interfere();
            }
            self.carry_out(order);
        }
    }

    /// A listing may have been taken in: each name stands for the mail that the session shows under it.
    fn listed(&mut self) {
        let Some(daemon) = &mut self.daemon else {
            return;
        };
        let sessions = daemon.maildrop.status().link.transfer.sessions;
        if sessions == daemon.sessions {
            return;
        }
        daemon.sessions = sessions;
        let link = self.network.live.as_ref().expect("a listing needs a link");
        let messages = link.messages.as_deref().unwrap_or_default();
        let view = View::new(messages, &self.sizes, &self.post, &self.settings.suffix);
        tell!("listed: {:?}", view.names);
        let mut names = view.names.clone();
        for place in [Place::Root, Place::Deleted] {
            for entry in daemon.entries(place) {
                let mail = names.remove(&*entry.name);
                let mail = mail.unwrap_or_else(|| panic!("{} is not listed", entry.name));
                let before = *daemon.mails.entry(entry.id).or_insert(mail);
                assert_eq!(
                    before, mail,
                    "{:?} was one message and is another",
                    entry.id
                );
            }
        }
        assert!(names.is_empty(), "{names:?} are listed and not shown");
        self.look_at(&view);
        let owed = self.owed();
        if let Some(daemon) = &self.daemon {
            let shown = daemon.marked().values().copied().collect();
            self.ledger.shows_marked(&shown, Some(&view), &owed);
        }
        self.ledger.view = view;
    }

    fn look_at(&mut self, view: &View) {
        let capabilities = self
            .daemon
            .as_ref()
            .map(|daemon| daemon.maildrop.status().link.capabilities);
        let capabilities = capabilities.unwrap_or_default();
        let has = |word: &str| capabilities.iter().any(|line| line == word);
        let (pipelining, unique_ids) = (has("PIPELINING"), has("UIDL"));
        let before = &self.ledger.view;
        let regrouped = view
            .names
            .values()
            .any(|&id| before.shows(id) && !view.tells_as(before, id));
        for (seen, kind) in [
            (true, Sighting::Sessions),
            (!pipelining, Sighting::NoPipelining),
            (!unique_ids, Sighting::NoUniqueIds),
            (view.has_duplicates(), Sighting::Duplicates),
            (regrouped, Sighting::Regrouped),
        ] {
            if seen {
                self.see(kind);
            }
        }
    }

    /// The marked mail, by file name, held against what the user has marked.
    fn marks(&mut self) -> std::collections::BTreeMap<String, MailId> {
        let owed = self.owed();
        let Some(daemon) = self.daemon.as_ref().filter(|daemon| daemon.sessions > 0) else {
            return Default::default();
        };
        let marked = daemon.marked();
        let shown = marked.values().copied().collect();
        self.ledger.shows_marked(&shown, None, &owed);
        marked
    }

    fn carry_out(&mut self, order: Order) {
        let Some(daemon) = &mut self.daemon else {
            return;
        };
        tell!("order: {order:?}");
        match order {
            Order::Connect => self.connect(),
            Order::StartTls => panic!("TLS was not asked for"),
            Order::Disconnect => self.disconnect(),
            Order::WriteJournal => {
                let written = daemon.maildrop.write_journal();
                self.step(Input::JournalWritten(written));
            }
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

    fn disconnect(&mut self) {
        if let Some(link) = self.network.live.take() {
            self.leave_to_server(link);
        }
    }

    /// The daemon has left the link; the server notices at once, or later.
    pub fn leave_to_server(&mut self, link: Link) {
        self.network.settles_at = None;
        self.note_loss(&link);
        if self.locks && self.dice.one_in(3) {
            let noticed = self.now() + self.dice.span(0..20_000);
            self.network.left.push((noticed, link));
        } else {
            self.notice(link);
        }
    }

    /// The server reads what still arrives, and ends the session.
    pub fn notice(&mut self, mut link: Link) {
        let octets = self.dice.cut(link.on_the_way_up());
        if link.can_hear() {
            link.hear(octets);
        }
        link.settle();
        if self.audit(&link.permitted) {
            self.see(Sighting::QuitOfTheDead);
        }
    }

    fn note_loss(&mut self, link: &Link) {
        if !link.is_deleting() {
            return;
        }
        let Some(commit) = &mut self.ledger.commit else {
            return;
        };
        if link.is_refused_quit {
            self.tally.see(Sighting::QuitRefused);
        }
        commit.doubtful |= link.quits();
        let kind = match (link.quits(), link.has_deleted) {
            (false, _) => Sighting::LostBeforeQuit,
            (true, false) => Sighting::QuitUndone,
            (true, true) => Sighting::QuitDone,
        };
        self.see(kind);
    }
}
