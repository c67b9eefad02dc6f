//! What the mount shows after a listing, held against what the server has shown.

use std::collections::BTreeMap;

use pop3fs::maildrop::{Entry, LinkStatus, Place};

use crate::daemon::Daemon;
use crate::mail::MailId;
use crate::sightings::Sighting;
use crate::trace::tell;
use crate::view::View;
use crate::world::World;

impl World {
    /// A listing may have been taken in: each name stands for the mail that the session shows under it.
    pub fn listed(&mut self, link: &LinkStatus) {
        let Some(daemon) = &mut self.daemon else {
            return;
        };
        if link.transfer.sessions == daemon.sessions {
            return;
        }
        daemon.sessions = link.transfer.sessions;
        let has_unique_ids = !is_without_unique_ids(daemon, link);
        let tells = self.post.tells_unique_ids() && has_unique_ids;
        let session = self.network.live.as_ref().expect("a listing needs a link");
        let messages = session.messages.as_deref().unwrap_or_default();
        let view = View::new(
            messages,
            &self.sizes,
            &self.post,
            tells,
            &self.settings.suffix,
        );
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
        self.look_at(&view, link);
        self.hold_marks(Some(&view));
        self.ledger.view = view;
    }

    fn look_at(&mut self, view: &View, link: &LinkStatus) {
        let has = |word: &str| link.capabilities.iter().any(|line| line == word);
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

    /// The marked mail, by file name, held against what the user has marked; just listed as `view`, if at all.
    pub fn hold_marks(&mut self, view: Option<&View>) -> BTreeMap<String, MailId> {
        let owed = self.owed();
        let Some(daemon) = self.daemon.as_mut().filter(|daemon| daemon.sessions > 0) else {
            return BTreeMap::new();
        };
        let marked = daemon.marked();
        let shown = marked.values().copied().collect();
        if let Some(view) = view {
            self.ledger.lists(view, &shown);
        }
        if let Some(view) = view.filter(|_| self.is_windowed) {
            self.ledger.lists_part(view, &shown);
        }
        let lost = self.ledger.shows_marked(&shown, view, &owed);
        daemon.marks_lost(&lost);
        for _ in lost.intersection(&self.ledger.told_apart) {
            self.tally.see(Sighting::ToldApart);
        }
        marked
    }
}

/// Whether a server that could not be asked what it can do has refused UIDL, and is believed to have none.
fn is_without_unique_ids(daemon: &Daemon, link: &LinkStatus) -> bool {
    let entries = [Place::Root, Place::Deleted].map(|place| daemon.entries(place));
    let is_nameless = |entry: &Entry| entry.name.starts_with("%no-unique-id");
    link.capabilities.is_empty() && entries.iter().flatten().all(is_nameless)
}
