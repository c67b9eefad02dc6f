//! The program under test: a maildrop and its engine, as one process has them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem::discriminant;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pop3fs::maildrop::{Engine, Entry, Maildrop, MessageId, Place, Settings, Surroundings, Terms};

use crate::clock::Clock;
use crate::disk::{Disk, Promptness};
use crate::handle::Handle;
use crate::mail::MailId;
use crate::paper::Paper;
use crate::request::{Inbox, Reply, Request, RequestId, There, Want};
use crate::standstill::Writer;
use crate::storage::Storage;
use crate::trace::tell;

/// A process.
pub struct Daemon {
    pub maildrop: Maildrop,
    pub engine: Engine,
    /// Whether it got past its start: until then nobody can ask for anything.
    pub is_mounted: bool,
    pub inbox: Inbox,
    pub requests: BTreeMap<RequestId, Request>,
    pub handles: Vec<Handle>,
    /// Which mail each message is, by the listing in force.
    pub mails: HashMap<MessageId, MailId>,
    /// Listings taken in.
    pub sessions: u64,
    /// What it has asked of the disk.
    pub disk: Disk,
    /// Who stands still while the disk is late, and of which mail that is to be written.
    pub writer: Option<(MailId, Writer)>,
    /// What became of the journals that it has ordered.
    written: Arc<Mutex<Vec<Result<(), String>>>>,
    clock: Clock,
    timeout: Duration,
    woken: Arc<AtomicBool>,
    asked: RequestId,
}

impl Daemon {
    /// Starts a process, which takes over what the journal holds, and connects.
    pub fn start(settings: Settings, clock: &Clock, paper: &Paper, storage: &Storage) -> Self {
        let woken = Arc::new(AtomicBool::new(false));
        let (time, bell) = (clock.clone(), woken.clone());
        let disk = Disk::default();
        let (queue, storage) = (disk.clone(), storage.clone());
        let surroundings = Surroundings {
            now: Box::new(move || time.now()),
            wake: Box::new(move || bell.store(true, Ordering::Relaxed)),
            tell: Box::new(drop),
            announce: Box::new(drop),
            disk: Box::new(move |task| queue.ask(task)),
            storage: Box::new(move || storage.make()),
        };
        let (timeout, journal) = (settings.timeout, Box::new(paper.clone()));
        let (maildrop, engine) =
            Maildrop::new(settings, surroundings, Some(journal), paper.marks());
        let mut daemon = Self {
            maildrop,
            engine,
            is_mounted: false,
            inbox: Inbox::default(),
            requests: BTreeMap::new(),
            handles: Vec::new(),
            mails: HashMap::new(),
            sessions: 0,
            disk,
            writer: None,
            written: Arc::default(),
            clock: clock.clone(),
            timeout,
            woken,
            asked: 0,
        };
        daemon.connect();
        daemon
    }

    /// Whether the engine is to make a step.
    pub fn is_woken(&self) -> bool {
        self.woken.load(Ordering::Relaxed)
    }

    /// Whether a commit is under way.
    pub fn is_committing(&self) -> bool {
        self.maildrop.status().committing
    }

    /// Whether the server has announced this in the session that was listed last.
    pub fn has(&self, capability: &str) -> bool {
        let announced = self.maildrop.status().link.capabilities;
        announced.iter().any(|line| line == capability)
    }

    /// The messages in a place.
    pub fn entries(&self, place: Place) -> Vec<Entry> {
        let mut entries = Vec::new();
        self.maildrop.list(place, None, &mut |entry| {
            entries.push(entry);
            ControlFlow::Continue(())
        });
        entries
    }

    /// The marked mail, by file name.
    pub fn marked(&self) -> BTreeMap<String, MailId> {
        let named = |entry: Entry| (entry.name.to_string(), self.mails[&entry.id]);
        self.entries(Place::Deleted)
            .into_iter()
            .map(named)
            .collect()
    }

    /// These marks are no more: no commit can be meant to carry them out.
    pub fn marks_lost(&mut self, lost: &BTreeSet<MailId>) {
        for request in self.requests.values_mut() {
            if let Want::Commit(Some(covers)) = &mut request.want {
                covers.retain(|id| !lost.contains(id));
            }
        }
    }

    /// Handles to read from: where there are any, those whose octets are not held in memory for them.
    pub fn readable(&self) -> Vec<usize> {
        let open = |handle: &Handle| handle.open.as_ref().map(|open| open.body.get().is_none());
        let some = |bare| {
            let handles = self.handles.iter().enumerate();
            let some = handles.filter(move |(_, handle)| open(handle) == Some(bare));
            some.map(|(index, _)| index).collect::<Vec<_>>()
        };
        let bare = some(true);
        if bare.is_empty() { some(false) } else { bare }
    }

    /// The engine takes all that it was woken for, when these are marked; whether a commit is among it.
    pub fn errands_taken(&mut self, marked: &BTreeSet<MailId>) -> bool {
        self.woken.store(false, Ordering::Relaxed);
        let mut any = false;
        for request in self.requests.values_mut() {
            if let Want::Commit(covers @ None) = &mut request.want {
                *covers = Some(marked.clone());
                any = true;
            }
        }
        any
    }

    pub fn connect(&mut self) {
        let id = self.ask(Want::Connect, self.timeout);
        self.maildrop.connect(self.inbox.answer(id, Reply::Connect));
    }

    pub fn open(&mut self, message: MessageId) {
        let id = self.ask(Want::Open(message), self.timeout);
        self.maildrop
            .open(message, self.inbox.answer(id, Reply::Open));
    }

    pub fn measure(&mut self, message: MessageId) {
        let id = self.ask(Want::Measure(message), self.timeout);
        self.maildrop
            .measure(message, self.inbox.answer(id, Reply::Measure));
    }

    pub fn read(&mut self, handle: usize, offset: u64, length: usize) {
        let Some(open) = self.handles[handle].open.clone() else {
            return;
        };
        let want = Want::Read {
            handle,
            offset,
            length,
        };
        let id = self.ask(want, self.timeout);
        self.maildrop
            .read(&open, offset, length, self.inbox.answer(id, Reply::Read));
    }

    pub fn commit(&mut self, terms: Terms) {
        let id = self.ask(Want::Commit(None), self.timeout);
        self.maildrop
            .commit(terms, self.inbox.answer(id, Reply::Commit));
    }

    pub fn commit_within(&mut self, patience: Duration, terms: Terms) {
        let id = self.ask(Want::Commit(None), patience);
        let answer = self.inbox.answer(id, Reply::Commit);
        self.maildrop.commit_within(patience, terms, answer);
    }

    pub fn leave(&mut self, patience: Duration) {
        let id = self.ask(Want::Leave, patience);
        self.maildrop
            .leave(patience, self.inbox.answer(id, Reply::Leave));
    }

    pub fn park(&mut self) {
        let id = self.ask(Want::Leave, self.timeout);
        self.maildrop.park(self.inbox.answer(id, Reply::Leave));
    }

    /// Looks for new mail when this is there.
    pub fn refresh(&mut self, there: There) {
        let id = self.ask(Want::Refresh(there), self.timeout);
        self.maildrop.refresh(self.inbox.answer(id, Reply::Refresh));
    }

    /// The mail that is shown, marked or not.
    pub fn shown(&self) -> BTreeSet<MailId> {
        let entries = [Place::Root, Place::Deleted].map(|place| self.entries(place));
        let entries = entries.iter().flatten();
        entries.map(|entry| self.mails[&entry.id]).collect()
    }

    /// Marks a message, which is this mail.
    pub fn mark(&mut self, message: MessageId, mail: MailId, disk: Promptness) {
        let is_late = disk == Promptness::Late || self.has_asked_disk();
        let id = self.ask(Want::Mark { mail, is_late }, self.timeout);
        let answer = self.inbox.answer(id, Reply::Mark);
        let maildrop = self.maildrop.clone();
        self.write(mail, disk, move || maildrop.mark(message, answer));
    }

    /// Takes the mark of this name off, which is for this mail.
    pub fn undelete(&mut self, name: &str, mail: MailId, disk: Promptness) {
        let is_late = disk == Promptness::Late || self.has_asked_disk();
        let id = self.ask(Want::Undelete { mail, is_late }, self.timeout);
        let answer = self.inbox.answer(id, Reply::Undelete);
        let (maildrop, name) = (self.maildrop.clone(), name.to_owned());
        self.write(mail, disk, move || maildrop.undelete(Some(&name), answer));
    }

    /// Does what writes a record. Where the disk is late, one may stand still in that; what others write is
    /// put off then by the program itself.
    fn write(&mut self, mail: MailId, disk: Promptness, deed: impl FnOnce() + Send + 'static) {
        if disk == Promptness::Prompt || self.writer.is_some() {
            return deed();
        }
        self.writer = Writer::start(deed).map(|writer| (mail, writer));
    }

    /// Whether the disk has something to do.
    pub fn has_asked_disk(&self) -> bool {
        self.writer.is_some() || self.disk.backlog() > 0
    }

    /// Has the journal written anew when the disk comes to it.
    pub fn write_journal(&self) {
        let (maildrop, written) = (self.maildrop.clone(), self.written.clone());
        let write = move || written.lock().unwrap().push(maildrop.write_journal());
        self.disk.ask(Box::new(write));
    }

    /// What became of the journals since the last time.
    pub fn take_written(&self) -> Vec<Result<(), String>> {
        std::mem::take(&mut *self.written.lock().unwrap())
    }

    fn ask(&mut self, want: Want, patience: Duration) -> RequestId {
        tell!(kind & discriminant(&want), "ask: {want:?}");
        self.asked += 1;
        let until = self.clock.now() + patience;
        self.requests.insert(self.asked, Request { until, want });
        self.asked
    }
}
