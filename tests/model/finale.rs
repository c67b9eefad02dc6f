//! The end of a run: nothing is broken any more, so everything must come right.

use std::collections::BTreeSet;
use std::time::Duration;

use pop3fs::maildrop::{Place, Terms};

use crate::mail::MailId;
use crate::request::Want;
use crate::world::World;

/// Attempts at a session of which one must succeed.
const ATTEMPTS: usize = 10;

/// How long what must succeed may take.
const PATIENCE: Duration = Duration::from_secs(900);

impl World {
    /// Heals all, reads all, commits, and holds the maildrop against what must be left.
    pub fn finish(&mut self) {
        self.heal();
        self.see_it_afresh();
        self.settle_what_is_missing();
        self.read_everything();
        self.commit_the_last_time();
    }

    /// A session that knows all that has happened, of this daemon or of another one. It must be another where dots were
    /// sent now so and now so: that is doubted once, and lengths tell from then on what can be read.
    fn see_it_afresh(&mut self) {
        if self.unstuffs || self.dice.one_in(2) {
            self.crash();
        }
        self.wait(PATIENCE);
        self.have_a_session();
    }

    /// Marks of what one listing lacks are given up with the next; a commit may have no session for that.
    fn settle_what_is_missing(&mut self) {
        let status = self.daemon.as_ref().map(|it| it.maildrop.status());
        if status.is_some_and(|status| status.unlisted > 0) {
            self.have_a_session();
        }
    }

    /// A new session lists what is there.
    pub fn have_a_session(&mut self) {
        let sessions = |world: &Self| world.daemon.as_ref().map_or(0, |daemon| daemon.sessions);
        // A link may take longer to make than a request may wait, so that not every attempt succeeds.
        for _ in 0..ATTEMPTS {
            if let Some(daemon) = &mut self.daemon {
                daemon.leave(PATIENCE);
            }
            self.wait_for_answers(PATIENCE);
            let before = sessions(self);
            match &mut self.daemon {
                Some(daemon) => daemon.connect(),
                None => self.start(),
            }
            self.wait_for_answers(PATIENCE);
            if sessions(self) > before {
                return;
            }
            self.wait(PATIENCE);
        }
        panic!("no session, though all is well");
    }

    /// Every message is there, and can be read; not always at once, for some have changed, or came empty and are asked
    /// for again in another session.
    pub fn read_everything(&mut self) {
        let daemon = self.daemon.as_ref().expect("a session needs a daemon");
        assert!(daemon.is_mounted && daemon.requests.is_empty());
        let shown = daemon.shown();
        let there = self.ledger.on_server.iter().copied();
        let there = there.filter(|&id| !self.is_out_of_sight(id)).collect();
        assert_eq!(shown, there, "what is shown is there");
        let mut unread = shown;
        for _ in 0..ATTEMPTS {
            self.read_all(&mut unread);
            // Whoever was shown a wrong size is shown the right one now, and until the next listing.
            self.read_all(&mut unread);
            if unread.is_empty() {
                return;
            }
            // Other attempts that are made at once are taken for a part of the first.
            self.wait(PATIENCE);
        }
        panic!("{unread:?} cannot be read");
    }

    /// Reads these, and leaves those that could not be.
    fn read_all(&mut self, mails: &mut BTreeSet<MailId>) {
        let daemon = self.daemon.as_mut().expect("nothing makes it end");
        daemon.handles.clear();
        let entries = [Place::Root, Place::Deleted].map(|place| daemon.entries(place));
        for entry in entries.iter().flatten() {
            if mails.contains(&daemon.mails[&entry.id]) {
                daemon.open(entry.id);
            }
        }
        self.wait_for_answers(PATIENCE);
        let daemon = self.daemon.as_mut().expect("nothing makes it end");
        (0..daemon.handles.len()).for_each(|handle| daemon.read(handle, 0, usize::MAX));
        self.wait_for_answers(PATIENCE);
        let daemon = self.daemon.as_ref().expect("nothing makes it end");
        for handle in daemon
            .handles
            .iter()
            .filter(|handle| handle.is_read_whole())
        {
            mails.remove(&handle.mail);
        }
    }

    /// Exactly the marked messages go, and the journal is empty; but for those that only their places tell from
    /// others, which may have to be left alone, and those that their header shows to be others.
    fn commit_the_last_time(&mut self) {
        self.take_answers();
        for _ in 0..3 {
            self.mark();
        }
        let (marked, before) = (self.ledger.marked.clone(), self.ledger.on_server.clone());
        let view = self.ledger.view.clone();
        let unseen = self.ledger.marked_unseen();
        let daemon = self.daemon.as_mut().expect("nothing makes it end");
        let terms = Terms {
            even_unread: true,
            ..Terms::default()
        };
        daemon.commit_within(PATIENCE, terms);
        self.wait(PATIENCE);
        let daemon = self.daemon.as_ref().expect("nothing makes it end");
        assert!(
            !daemon
                .requests
                .values()
                .any(|request| matches!(request.want, Want::Commit(_)))
        );
        let report = daemon
            .maildrop
            .last_commit()
            .expect("a commit leaves a report");
        let left = self.on_server();
        let gone: BTreeSet<MailId> = before.difference(&left).copied().collect();
        let more = gone.difference(&marked);
        let kept: BTreeSet<MailId> = marked.difference(&gone).copied().collect();
        let may_stay = |id| view.is_told_by_place(id) || self.ledger.told_apart.contains(&id);
        assert!(
            kept.iter().all(|&id| may_stay(id)),
            "of the marked mail {marked:?} only {gone:?} is gone"
        );
        assert!(
            more.clone().all(|id| unseen.contains(id)),
            "mail {more:?} was not marked, and is gone"
        );
        let is_empty = self.paper.marks().is_empty();
        let is_done = is_empty && kept.is_empty();
        // What was not listed then, a later listing may have shown to be gone.
        let problem = report.problem.as_deref().unwrap_or_default();
        let is_settled_since = self.is_windowed && is_done && problem.contains("not listed now");
        assert!(report.complete == is_done || is_settled_since, "{report:?}");
        assert_eq!(report.problem.is_none(), report.complete, "{report:?}");
        let may_be_left = self.is_windowed || !kept.is_empty();
        assert!(is_empty || may_be_left, "the journal is empty");
    }
}
