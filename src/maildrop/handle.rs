//! The maildrop as the tree sees it.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::clock::Moment;
use super::engine::Engine;
use super::error::Error;
use super::journal::Journal;
use super::mark::{Mark, Record};
use super::message::{Correction, Entry, MessageId, Octets, OpenMessage, Place};
use super::reader::{Answer, Due, Read};
use super::report::CommitReport;
use super::settings::Settings;
use super::state::{Effects, Errand, State};
use super::status::{CacheStatus, Status};
use super::{Change, Totals, locked};

/// The maildrop, for any number of threads. No call here waits for the network, and an answer may
/// be given on the caller's thread before the call returns.
#[derive(Clone)]
pub struct Maildrop(Arc<Shared>);

pub(super) struct Shared {
    pub state: Arc<Mutex<State>>,
    /// None where nothing can be marked. Locked before the state, so that the records are in the
    /// order of the marks; it is the one lock that is held over (local, buffered) writing.
    journal: Mutex<Option<Box<dyn Journal>>>,
    pub surroundings: Surroundings,
}

/// What the maildrop is told by, and tells, the world.
pub struct Surroundings {
    /// What time it is.
    pub now: Box<dyn Fn() -> Moment + Send + Sync>,
    /// Have the engine make a step.
    pub wake: Box<dyn Fn() + Send + Sync>,
    /// The kernel must hear of this. Called with no lock held.
    pub tell: Box<dyn Fn(Change) + Send + Sync>,
}

impl Maildrop {
    /// A maildrop that has not been listed yet, and the engine to list it. `inherited` are the
    /// marks that the journal holds; without a journal nothing can be marked.
    pub fn new(
        settings: Settings,
        surroundings: Surroundings,
        journal: Option<Box<dyn Journal>>,
        inherited: Vec<Mark>,
    ) -> (Self, Engine) {
        let state = Arc::new(Mutex::new(State::new(settings, inherited)));
        let engine = Engine::new(state.clone());
        (
            Self(Arc::new(Shared {
                state,
                journal: Mutex::new(journal),
                surroundings,
            })),
            engine,
        )
    }

    /// Makes sure that there is a session, and with it a listing. The first failure is the answer.
    pub fn connect(&self, answer: Answer<()>) {
        self.errand(|until| Errand::Connect { until, answer });
    }

    /// The entry called `name` in the root or among the deleted.
    pub fn find(&self, place: Place, name: &str) -> Option<Entry> {
        let state = locked(&self.0.state);
        let entry = state
            .catalog
            .named(name)
            .and_then(|id| state.catalog.entry(id));
        entry.filter(|entry| entry.place == place)
    }

    /// The entry of a message, wherever it is; none if it never existed.
    pub fn entry(&self, id: MessageId) -> Option<Entry> {
        locked(&self.0.state).catalog.entry(id)
    }

    /// Visits the entries of a place, in order, after the given one, until told to stop.
    ///
    /// The lock is held meanwhile: `visit` must not call back.
    pub fn list(
        &self,
        place: Place,
        after: Option<MessageId>,
        visit: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) {
        let state = locked(&self.0.state);
        for (id, message) in state
            .catalog
            .after(after)
            .filter(|(_, message)| message.place == place)
        {
            if visit(message.entry(id)).is_break() {
                return;
            }
        }
    }

    /// Opens a message; where its size is not exact yet, fetches it first.
    ///
    /// With a correction, the kernel must be told of it and [`Maildrop::settle`] be called before
    /// the answer reaches the program.
    pub fn open(&self, id: MessageId, answer: Answer<(OpenMessage, Option<Correction>)>) {
        self.request(|state, until| state.open(id, until, answer));
    }

    /// The kernel knows the exact size and the date now.
    pub fn settle(&self, id: MessageId) {
        locked(&self.0.state).catalog.settle(id);
    }

    /// Answers with the entry once its size is exact, fetching the message if need be.
    pub fn measure(&self, id: MessageId, answer: Answer<Entry>) {
        self.request(|state, until| state.measure(id, until, answer));
    }

    /// Reads from an open message; fewer octets than asked for mean the end.
    pub fn read(&self, open: &OpenMessage, offset: u64, length: usize, answer: Answer<Octets>) {
        if let Some(body) = &open.body {
            return answer(Ok(Octets::Shared {
                body: body.clone(),
                offset,
                length,
            }));
        }
        self.request(|state, until| {
            let read = Read {
                until,
                version: open.version,
                offset,
                length,
                answer,
            };
            state.read(open, read)
        });
    }

    /// Marks a message for deletion: it moves from the root to the deleted.
    ///
    /// # Errors
    /// It is not in the root, cannot be marked, or the mark cannot be written down.
    pub fn mark(&self, id: MessageId) -> Result<(), Error> {
        self.move_message(id, Place::Root, Place::Deleted).map(drop)
    }

    /// Takes the mark off: the message moves back to the root.
    ///
    /// # Errors
    /// It is not marked, a commit holds it, or the journal cannot be written.
    pub fn unmark(&self, id: MessageId) -> Result<(), Error> {
        let changes = self.move_message(id, Place::Deleted, Place::Root)?;
        changes.into_iter().for_each(&self.0.surroundings.tell);
        Ok(())
    }

    fn move_message(&self, id: MessageId, from: Place, to: Place) -> Result<Vec<Change>, Error> {
        let mut journal = locked(&self.0.journal);
        let journal = journal.as_mut().ok_or(Error::ReadOnly)?;
        let record = locked(&self.0.state).record(id, from)?;
        let mut write = |record: &Record| {
            let written = journal.append(record);
            written.map_err(|error| Error::Journal(error.kind()))
        };
        write(&record)?;
        let mut state = locked(&self.0.state);
        // A commit may have begun meanwhile, or a listing found that the message is gone.
        if let Err(error) = state.record(id, from) {
            drop(state);
            write(&record.inverse())?;
            return Err(error);
        }
        Ok(state.catalog.place(id, to))
    }

    /// Writes a journal of the marks that stand now.
    ///
    /// # Errors
    /// In words, why it could not be written. The old journal stands.
    pub(super) fn write_journal(&self) -> Result<(), String> {
        let mut journal = locked(&self.0.journal);
        let Some(journal) = journal.as_mut() else {
            return Ok(());
        };
        let marks: Vec<Mark> = locked(&self.0.state)
            .catalog
            .marked()
            .map(|(_, message)| Mark::of(message))
            .collect();
        journal
            .replace(&marks)
            .map_err(|error| format!("cannot write the journal: {error}"))
    }

    /// Deletes the marked messages on the server. Answered when the outcome is known, or when the
    /// deadline of a request has passed; the commit itself goes on then.
    pub fn commit(&self, answer: Answer<Arc<CommitReport>>) {
        self.errand(|until| Errand::Commit { until, answer });
    }

    /// The same for one who can wait so long.
    pub fn commit_within(&self, patience: Duration, answer: Answer<Arc<CommitReport>>) {
        let until = (self.0.surroundings.now)() + patience;
        self.send(Errand::Commit { until, answer });
    }

    /// Ends the session in good order, which deletes nothing.
    pub fn leave(&self, patience: Duration, answer: Answer<()>) {
        let until = (self.0.surroundings.now)() + patience;
        self.send(Errand::Leave { until, answer });
    }

    /// The last commit of this mount, if any.
    pub fn last_commit(&self) -> Option<Arc<CommitReport>> {
        locked(&self.0.state).last_commit.clone()
    }

    /// Counts for statfs.
    pub fn totals(&self) -> Totals {
        locked(&self.0.state).catalog.totals()
    }

    /// Everything for `.pop3fs/status`.
    pub fn status(&self) -> Status {
        let state = locked(&self.0.state);
        let totals = state.catalog.totals();
        let (used, limit, messages) = state.cache.usage();
        Status {
            pid: std::process::id(),
            source: state.settings.source.clone(),
            link: state.link.clone(),
            messages: totals.messages,
            octets: totals.octets,
            marked: state.catalog.marks() as u64,
            committing: state.committing,
            read_only: state.settings.read_only,
            cache: CacheStatus {
                limit: limit as u64,
                used: used as u64,
                messages: messages as u64,
            },
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.0
    }

    /// Carries out what a step has come to, now that no lock is held.
    pub(super) fn release(&self, effects: Effects) {
        effects
            .changes
            .into_iter()
            .for_each(&self.0.surroundings.tell);
        for answer in effects.answers {
            answer();
        }
    }

    /// Has the state answer a request by its deadline; the engine is woken where it has to wait,
    /// or where more should be fetched ahead.
    fn request(&self, request: impl FnOnce(&mut State, Moment) -> Option<Due>) {
        let until = self.deadline();
        let (due, hungry) = {
            let mut state = locked(&self.0.state);
            (request(&mut state, until), state.is_hungry())
        };
        if hungry || due.is_none() {
            (self.0.surroundings.wake)();
        }
        if let Some(answer) = due {
            answer();
        }
    }

    fn errand(&self, errand: impl FnOnce(Moment) -> Errand) {
        self.send(errand(self.deadline()));
    }

    fn send(&self, errand: Errand) {
        locked(&self.0.state).errands.push(errand);
        (self.0.surroundings.wake)();
    }

    fn deadline(&self) -> Moment {
        (self.0.surroundings.now)() + locked(&self.0.state).settings.timeout
    }
}

impl State {
    /// What the journal is to say before a message leaves this place.
    fn record(&self, id: MessageId, from: Place) -> Result<Record, Error> {
        let message = self
            .catalog
            .message(id)
            .filter(|message| message.place == from)
            .ok_or(Error::NotFound)?;
        match from {
            Place::Root if !message.has_unique_id() => Err(Error::NoUniqueId),
            Place::Root => Ok(Record::Marked(Mark::of(message))),
            _ if self.committing => Err(Error::Busy),
            _ => Ok(Record::Unmarked(Mark::of(message))),
        }
    }
}
