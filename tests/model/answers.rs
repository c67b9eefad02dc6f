//! The answers to requests, held against the truth and the clock.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use pop3fs::maildrop::{
    CommitReport, Correction, Entry, Error, MessageId, Octets, OpenMessage, Outcome, Place, Size,
};

use crate::daemon::Daemon;
use crate::handle::Handle;
use crate::mail::MailId;
use crate::request::{Reply, There, Want};
use crate::sightings::Sighting;
use crate::trace::tell;
use crate::world::World;

/// How much later than its deadline an answer may come.
const GRACE: Duration = Duration::from_secs(1);

impl World {
    /// Promise 4: nothing waits beyond its deadline.
    pub fn check_deadlines(&self) {
        let now = self.now();
        let requests = self
            .daemon
            .iter()
            .flat_map(|daemon| daemon.requests.values());
        for request in requests {
            assert!(
                now <= request.until + GRACE,
                "it is {now:?}, and no answer has come to {request:?}"
            );
        }
    }

    /// Takes the answers that have come.
    pub fn take_answers(&mut self) {
        let replies = self.daemon.as_ref().map(|daemon| daemon.inbox.take());
        for (id, reply) in replies.unwrap_or_default() {
            let Some(daemon) = &mut self.daemon else {
                return;
            };
            let request = daemon
                .requests
                .remove(&id)
                .expect("one answer to a request");
            assert!(
                self.clock.now() <= request.until + GRACE,
                "an answer comes late: {request:?}"
            );
            match (request.want, reply) {
                (Want::Connect, Reply::Connect(result)) => self.connected_or_not(result),
                (Want::Refresh(there), Reply::Refresh(result)) => self.refreshed(&there, result),
                (Want::Open(message), Reply::Open(result)) => self.opened(message, result),
                (Want::Measure(message), Reply::Measure(result)) => self.measured(message, result),
                (Want::Mark { mail, is_late }, Reply::Mark(result)) => {
                    self.marked(mail, result, is_late);
                }
                (Want::Undelete { mail, is_late }, Reply::Undelete(result)) => {
                    self.undeleted(mail, result, is_late);
                }
                (Want::Commit(covers), Reply::Commit(result)) => {
                    self.committed(&covers.unwrap_or_default(), result);
                }
                (Want::Leave, Reply::Leave(result)) => {
                    assert!(
                        matches!(result, Ok(()) | Err(Error::TimedOut)),
                        "{result:?}"
                    );
                    self.see(Sighting::Left);
                }
                (
                    Want::Read {
                        handle,
                        offset,
                        length,
                    },
                    Reply::Read(result),
                ) => {
                    self.have_read(handle, offset, length, result);
                }
                _ => panic!("an answer to another question"),
            }
        }
        let handles = self
            .daemon
            .iter_mut()
            .flat_map(|daemon| &mut daemon.handles);
        handles.for_each(Handle::changed);
    }

    /// A mount that cannot connect at its start ends.
    fn connected_or_not(&mut self, result: Result<(), Error>) {
        tell!("connected: {result:?}");
        match (&mut self.daemon, result) {
            (Some(daemon), Ok(())) => daemon.is_mounted = true,
            (Some(daemon), Err(error)) if !daemon.is_mounted => {
                if matches!(error, Error::LoginRefused(_)) {
                    self.see(Sighting::LoginRefused);
                }
                self.crash();
            }
            _ => {}
        }
    }

    /// A listing was asked for when this was there: what came before is shown, what went before is not.
    fn refreshed(&mut self, there: &There, result: Result<(), Error>) {
        tell!("refreshed: {result:?}");
        match result {
            Ok(()) => self.see(Sighting::Refreshed),
            Err(Error::Offline(_) | Error::LoginRefused(_) | Error::TimedOut) => {
                return self.see(Sighting::NotRefreshed);
            }
            Err(error) => panic!("a refresh failed for no reason: {error}"),
        }
        let owed = self.owed();
        let shown = self.daemon.as_ref().map(Daemon::shown);
        let shown = shown.unwrap_or_default();
        let mut missing = there.mails.intersection(&self.ledger.on_server);
        assert!(
            missing
                .all(|id| { shown.contains(id) || owed.contains(id) || self.is_out_of_sight(*id) }),
            "{:?} was there, and only {shown:?} is shown",
            there.mails
        );
        for id in shown.difference(&there.mails) {
            assert!(
                *id >= there.known,
                "mail {id} had gone before it was listed"
            );
        }
    }

    fn opened(
        &mut self,
        message: MessageId,
        result: Result<(OpenMessage, Option<Correction>), Error>,
    ) {
        let Some(daemon) = &mut self.daemon else {
            return;
        };
        let Ok((open, correction)) = result else {
            return tell!("open of {message:?}: {result:?}");
        };
        if correction.is_some() {
            daemon.maildrop.settle(message);
        }
        let id = daemon.mails[&message];
        let handle = Handle::new(open, correction, id, &self.post.mails[id]);
        daemon.handles.push(handle);
        self.see(Sighting::Opened);
    }

    fn measured(&mut self, message: MessageId, result: Result<Entry, Error>) {
        let (Some(daemon), Ok(entry)) = (&self.daemon, result) else {
            return;
        };
        let versions = &self.post.mails[daemon.mails[&message]].versions;
        match entry.size {
            Size::Exact(size) => {
                assert!(versions.iter().any(|version| version.len() as u64 == size));
                self.see(Sighting::Measured);
            }
            Size::Listed(_) => assert_eq!(entry.place, Place::Gone, "measured, and not exact"),
        }
    }

    fn marked(&mut self, id: MailId, result: Result<(), Error>, is_late: bool) {
        tell!("mark {id}: {result:?}");
        let kind = match result {
            Ok(()) => Sighting::Marked,
            Err(Error::NoUniqueId) => Sighting::NoUniqueId,
            Err(Error::Journal(_)) => Sighting::Unwritten,
            Err(Error::TimedOut) => {
                self.ledger.may_be_marked(id);
                Sighting::MarkedLate
            }
            // While the disk was late another has marked it, or a listing has changed what it is. The mark is
            // withdrawn, unless the disk loses that.
            Err(Error::NotFound) if is_late => {
                if self.paper.has_failed() {
                    self.ledger.may_be_marked(id);
                }
                return;
            }
            Err(error) => panic!("cannot mark: {error}"),
        };
        self.see(kind);
    }

    /// A mark that was taken off, and was said to be, comes back with no loss of power.
    fn undeleted(&mut self, id: MailId, result: Result<(), Error>, is_late: bool) {
        tell!("unmarked {id}: {result:?}");
        let kind = match result {
            Ok(()) if self.paper.is_safe() => {
                self.ledger.is_safe_from_marks(id);
                Sighting::Unmarked
            }
            Ok(()) => {
                assert!(
                    self.paper.has_failed(),
                    "the mark of mail {id} may come back"
                );
                Sighting::Unsafe
            }
            // While the disk was late another has taken it off, or a listing; it may be set again.
            Err(Error::NotFound) if is_late => return,
            Err(Error::NotFound) => {
                let is_lost = self.ledger.on_server.contains(&id) && !self.ledger.is_forgetful;
                assert!(
                    !is_lost,
                    "the mark of mail {id}, which is not listed, is lost"
                );
                return;
            }
            Err(Error::TimedOut) => Sighting::UnmarkedLate,
            Err(Error::Busy) => Sighting::HeldByCommit,
            Err(Error::Journal(_)) => return,
            Err(error) => panic!("cannot unmark: {error}"),
        };
        self.see(kind);
    }

    fn have_read(
        &mut self,
        handle: usize,
        offset: u64,
        length: usize,
        result: Result<Octets, Error>,
    ) {
        let Some(handle) = self
            .daemon
            .as_mut()
            .and_then(|daemon| daemon.handles.get_mut(handle))
        else {
            return;
        };
        handle.look_again(&self.post.mails[handle.mail]);
        let kind = match &result {
            Ok(octets) => {
                handle.read(offset, length, octets);
                match octets {
                    _ if octets.is_empty() && length > 0 => Sighting::ReadBeyond,
                    Octets::Shared { .. } => Sighting::ReadInMemory,
                    Octets::Copied(_) => Sighting::ReadArriving,
                }
            }
            Err(Error::Changed) => {
                handle.changing();
                Sighting::Changed
            }
            Err(Error::Mislisted { listed, exact }) => {
                handle.misled(*listed, *exact);
                Sighting::Misled
            }
            Err(Error::Vanished) => Sighting::Vanished,
            Err(Error::TimedOut) => Sighting::ReadTimedOut,
            Err(Error::Refused(_) | Error::Protocol(_)) => Sighting::ReadRefused,
            Err(Error::Offline(_) | Error::LoginRefused(_)) => Sighting::ReadOffline,
            Err(Error::Spill(_)) => {
                assert!(self.storage.has_failed(), "the disk took all it was given");
                Sighting::ReadLost
            }
            Err(error) => panic!("a read failed for no reason: {error}"),
        };
        self.see(kind);
    }

    fn committed(&mut self, covers: &BTreeSet<MailId>, result: Result<Arc<CommitReport>, Error>) {
        tell!("commit of {covers:?}: {result:?}");
        let report = match result {
            Ok(report) => report,
            Err(Error::TimedOut) => return self.see(Sighting::CommitTimedOut),
            Err(error) => panic!("a commit failed for no reason: {error}"),
        };
        if is_refused(&report) {
            return self.see(Sighting::Guarded);
        }
        self.ledger.reported(&report, covers, &self.owed());
        self.look_at_report(&report);
        let is_written = report.complete && report.problem.is_none() && !self.is_windowed;
        if is_written && !report.messages.is_empty() {
            let written = self.paper.marks().len();
            assert_eq!(
                written,
                self.ledger.marked.len(),
                "the journal says something else"
            );
        }
    }

    fn look_at_report(&mut self, report: &CommitReport) {
        let doubtful = self
            .ledger
            .commit
            .as_ref()
            .is_some_and(|commit| commit.doubtful);
        let unwritten = report
            .problem
            .as_ref()
            .is_some_and(|words| words.contains("journal"));
        for (seen, kind) in [
            (report.messages.is_empty(), Sighting::CommitOfNothing),
            (report.complete, Sighting::CommitComplete),
            (report.verified, Sighting::Verified),
            (!report.complete, Sighting::CommitIncomplete),
            (report.complete && doubtful, Sighting::DoubtSettled),
            (unwritten, Sighting::CommitJournalUnwritten),
        ] {
            if seen {
                self.see(kind);
            }
        }
        for message in &report.messages {
            let reason = message.reason.as_deref().unwrap_or_default();
            self.see(match message.outcome {
                Outcome::Kept if reason.contains("still lists it") => Sighting::KeptAgainstWord,
                Outcome::Deleted => Sighting::Deleted,
                Outcome::AlreadyGone => Sighting::AlreadyGone,
                Outcome::Refused => Sighting::Refused,
                Outcome::Kept => Sighting::Kept,
                Outcome::Unknown if reason.contains("is not listed now") => Sighting::OutOfSight,
                Outcome::Unknown => Sighting::Unknown,
            });
        }
    }
}

/// Whether the guard has refused a commit. It has not begun then, so all that its report can say is that nothing was
/// done, or that an earlier commit has left it open.
fn is_refused(report: &CommitReport) -> bool {
    let mut outcomes = report.messages.iter().map(|message| message.outcome);
    let problem = report.problem.as_deref().unwrap_or_default();
    let is_refused = problem.contains("never read");
    let says_gone = outcomes.any(|it| !matches!(it, Outcome::Kept | Outcome::Unknown));
    assert!(!is_refused || !report.complete && !says_gone, "{report:?}");
    is_refused
}
