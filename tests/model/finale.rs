//! The end of a run: nothing is broken any more, so everything must come right.

use std::collections::BTreeSet;
use std::time::Duration;

use pop3fs::maildrop::Place;

use crate::mail::MailId;
use crate::request::Want;
use crate::world::World;

/// Starts of which one must succeed.
const STARTS: usize = 10;

/// How long what must succeed may take.
const PATIENCE: Duration = Duration::from_secs(900);

impl World {
    /// Heals all, reads all, commits, and holds the maildrop against what must be left.
    pub fn finish(&mut self) {
        self.heal();
        self.see_it_afresh();
        self.read_everything();
        self.commit_the_last_time();
    }

    /// A session of its own, so that nothing is known from before.
    fn see_it_afresh(&mut self) {
        self.crash();
        self.wait(PATIENCE);
        // A link may take longer to make than a start may wait.
        for _ in 0..STARTS {
            if self.daemon.is_none() {
                self.start();
                self.wait(PATIENCE);
            }
        }
        let daemon = self
            .daemon
            .as_ref()
            .expect("a daemon starts when all is well");
        assert!(daemon.is_mounted && daemon.requests.is_empty());
    }

    /// Every message is there, and can be read.
    fn read_everything(&mut self) {
        let daemon = self.daemon.as_mut().expect("it has been started");
        let entries = [Place::Root, Place::Deleted].map(|place| daemon.entries(place));
        let ids: Vec<_> = entries.iter().flatten().map(|entry| entry.id).collect();
        let shown: BTreeSet<MailId> = ids.iter().map(|id| daemon.mails[id]).collect();
        assert_eq!(
            shown, self.ledger.on_server,
            "what is shown is what is there"
        );
        // A slow link, on which a session must be made anew, may need longer than one request may.
        for _ in 0..STARTS {
            let daemon = self.daemon.as_mut().expect("it has been started");
            let handles = daemon.handles.iter();
            let open: BTreeSet<MailId> = handles.map(|handle| handle.mail).collect();
            let mut closed = ids.clone();
            closed.retain(|id| !open.contains(&daemon.mails[id]));
            closed.into_iter().for_each(|id| daemon.open(id));
            self.wait(PATIENCE);
        }
        let daemon = self.daemon.as_mut().expect("it has been started");
        assert_eq!(
            daemon.handles.len(),
            ids.len(),
            "every message can be opened"
        );
        (0..ids.len()).for_each(|handle| daemon.read(handle, 0, usize::MAX));
        self.wait(PATIENCE);
        let daemon = self.daemon.as_ref().expect("it has been started");
        for handle in &daemon.handles {
            let now = &self.post.mails[handle.mail].versions[0];
            assert!(handle.has_read(now), "mail {} was not read", handle.mail);
        }
    }

    /// Exactly the marked messages go, and the journal is empty.
    fn commit_the_last_time(&mut self) {
        self.take_answers();
        for _ in 0..3 {
            self.mark_one();
        }
        let (marked, before) = (self.ledger.marked.clone(), self.ledger.on_server.clone());
        let daemon = self.daemon.as_mut().expect("it has been started");
        daemon.commit_within(PATIENCE);
        self.wait(PATIENCE);
        let daemon = self.daemon.as_ref().expect("it has been started");
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
        assert!(report.complete && report.problem.is_none(), "{report:?}");
        let left: BTreeSet<MailId> = before.difference(&marked).copied().collect();
        assert_eq!(
            self.on_server(),
            left,
            "the marked mail is gone, and no other"
        );
        assert!(self.paper.marks().is_empty(), "the journal is empty");
    }
}
