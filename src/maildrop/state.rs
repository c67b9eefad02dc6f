//! What the dispatch threads and the engine share, under one lock that is never held across I/O
//! or an answer.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::arrival::{Appended, Arrival, Arrived};
use super::cache::Cache;
use super::catalog::{Catalog, Message};
use super::clock::Moment;
use super::error::Error;
use super::foresight::Foresight;
use super::mark::Mark;
use super::message::{Body, Correction, Entry, MessageId, Octets, OpenMessage, Place, Size};
use super::reader::{Answer, Due, Opener, Read, Wants, due};
use super::report::CommitReport;
use super::status::LinkStatus;
use super::{Change, Settings};

/// The longest message, in octets. No mail system passes on a tenth of it; a server that goes on
/// beyond means to fill our memory.
const BODY_MAX: usize = 1 << 30;

/// The mailbox in memory.
pub(super) struct State {
    pub settings: Settings,
    pub catalog: Catalog,
    pub cache: Cache,
    pub link: LinkStatus,
    pub last_commit: Option<Arc<CommitReport>>,
    /// Marks of a mount that ended without a commit, until there is a listing to find them in.
    pub inherited: Vec<Mark>,
    /// Requests about the whole maildrop, until the engine takes them.
    pub errands: Vec<Errand>,
    /// Whether a commit holds the marked messages.
    pub committing: bool,
    /// The longest message, in octets.
    pub body_max: usize,
    pub(super) arrivals: HashMap<MessageId, Arrival>,
    pub(super) foresight: Foresight,
    /// Messages to be fetched for a reader, in order of asking.
    demand: VecDeque<MessageId>,
    /// No reader's deadline is before this.
    earliest: Option<Moment>,
}

/// A request about the whole maildrop.
pub(super) enum Errand {
    /// Have a session, and its listing; `until` then.
    Connect { until: Moment, answer: Answer<()> },
    /// Delete the marked messages.
    Commit {
        until: Moment,
        answer: Answer<Arc<CommitReport>>,
    },
    /// End the session in good order.
    Leave { until: Moment, answer: Answer<()> },
}

/// What is to be done once the lock is released.
#[derive(Default)]
pub(super) struct Effects {
    pub answers: Vec<Due>,
    pub changes: Vec<Change>,
}

impl State {
    /// An empty mailbox.
    pub fn new(settings: Settings, inherited: Vec<Mark>) -> Self {
        Self {
            cache: Cache::new(settings.cache_size),
            settings,
            catalog: Catalog::default(),
            link: LinkStatus::default(),
            last_commit: None,
            inherited,
            errands: Vec::new(),
            committing: false,
            body_max: BODY_MAX,
            arrivals: HashMap::new(),
            foresight: Foresight::default(),
            demand: VecDeque::new(),
            earliest: None,
        }
    }

    /// Opens a message; it is fetched first where its size is not exact yet. The answer that is
    /// due at once, if one is.
    pub fn open(
        &mut self,
        id: MessageId,
        until: Moment,
        answer: Answer<(OpenMessage, Option<Correction>)>,
    ) -> Option<Due> {
        if let Some(opened) = self.opened(id) {
            return Some(due(answer, opened));
        }
        let wants = Wants::Open(answer);
        self.awaited(id, until).await_end(Opener { until, wants });
        None
    }

    /// Tells the entry of a message once its size is exact.
    pub fn measure(&mut self, id: MessageId, until: Moment, answer: Answer<Entry>) -> Option<Due> {
        match self.catalog.entry(id) {
            None => return Some(due(answer, Err(Error::NotFound))),
            Some(entry) if entry.size.is_exact() || entry.place == Place::Gone => {
                return Some(due(answer, Ok(entry)));
            }
            Some(_) => {}
        }
        let wants = Wants::Measure(answer);
        self.awaited(id, until).await_end(Opener { until, wants });
        None
    }

    /// Reads a part of an open message; it is fetched where it is not in memory.
    pub fn read(&mut self, open: &OpenMessage, read: Read) -> Option<Due> {
        if let Some(octets) = self.part(open, read.offset, read.length) {
            return Some(due(read.answer, octets));
        }
        self.foresee(open.id);
        self.awaited(open.id, read.until).await_part(read);
        None
    }

    /// An open message, without fetching it.
    fn opened(
        &mut self,
        id: MessageId,
    ) -> Option<Result<(OpenMessage, Option<Correction>), Error>> {
        let Some(message) = self.catalog.message(id) else {
            return Some(Err(Error::NotFound));
        };
        let body = self.cache.touch(id);
        if body.is_none() && message.place == Place::Gone {
            return Some(Err(Error::Vanished));
        }
        let (version, correction) = (message.version, message.correction());
        let (here, exact) = (body.is_some(), message.size().is_exact());
        if here || !exact {
            self.foresee(id);
        }
        exact.then_some(Ok((OpenMessage { id, version, body }, correction)))
    }

    /// A part of an open message, without fetching it.
    fn part(
        &mut self,
        open: &OpenMessage,
        offset: u64,
        length: usize,
    ) -> Option<Result<Octets, Error>> {
        let id = open.id;
        let Some(message) = self.catalog.message(id) else {
            return Some(Err(Error::NotFound));
        };
        if message.version != open.version {
            return Some(Err(Error::Changed));
        }
        if message.size().is_exact() && offset >= message.size().shown() {
            return Some(Ok(Octets::Copied(Vec::new())));
        }
        if let Some(body) = self.cache.touch(id) {
            return Some(Ok(Octets::Shared {
                body,
                offset,
                length,
            }));
        }
        if message.place == Place::Gone {
            return Some(Err(Error::Vanished));
        }
        let arrival = self.arrivals.get(&id)?;
        arrival.part(offset, length).map(Ok)
    }

    /// The message on its way to somebody, who waits until then; it is asked for if it is not on
    /// its way yet.
    fn awaited(&mut self, id: MessageId, until: Moment) -> &mut Arrival {
        let earliest = self.earliest.get_or_insert(until);
        *earliest = until.min(*earliest);
        let Self {
            catalog,
            arrivals,
            demand,
            ..
        } = self;
        arrivals.entry(id).or_insert_with(|| {
            demand.push_back(id);
            Arrival::new(catalog.message(id).and_then(Message::fingerprint))
        })
    }

    /// The message to fetch next for a reader.
    pub fn next_demand(&self) -> Option<MessageId> {
        self.demand.front().copied()
    }

    /// The first message after `id` whose exact size is not known, nor on its way to be known.
    pub fn next_unmeasured(&self, id: Option<MessageId>) -> Option<MessageId> {
        let unmeasured = |(id, message): &(MessageId, &Message)| {
            message.place == Place::Root
                && matches!(message.size(), Size::Listed(_))
                && !self.arrivals.contains_key(id)
        };
        self.catalog.after(id).find(unmeasured).map(|(id, _)| id)
    }

    /// RETR of this message is being sent.
    pub fn begin(&mut self, id: MessageId) {
        self.demand.retain(|&other| other != id);
        let Some(message) = self.catalog.message(id) else {
            return;
        };
        let arrival = self.arrivals.entry(id);
        arrival
            .or_insert_with(|| Arrival::new(message.fingerprint()))
            .begin(message.listed);
    }

    /// A piece of the message's body came. False if it is longer than any may be: it is refused
    /// then, and no more of it may come.
    pub fn arrived(&mut self, id: MessageId, octets: &[u8], effects: &mut Effects) -> bool {
        let Some(arrival) = self.arrivals.get_mut(&id) else {
            return true;
        };
        match arrival.append(octets, self.body_max) {
            Appended::Agrees => effects.answers.extend(arrival.satisfied()),
            Appended::Differs => {
                let bound = arrival.start_afresh();
                self.changed(id, effects);
                let refused = bound.into_iter().map(|read| read.refuse(Error::Changed));
                effects.answers.extend(refused);
            }
            Appended::Overflows => {
                let words = format!("a message of more than {} octets", self.body_max);
                self.refused(id, &Error::Protocol(words), effects);
                return false;
            }
        }
        true
    }

    /// Whether the message has come to its end without an octet, though it is listed with some.
    pub fn is_doubtful(&self, id: MessageId) -> bool {
        self.arrivals.get(&id).is_some_and(Arrival::is_doubtful)
    }

    /// The message's body is whole.
    pub fn completed(&mut self, id: MessageId, effects: &mut Effects) {
        let Some(arrival) = self.arrivals.remove(&id) else {
            return;
        };
        let Arrived {
            body,
            fingerprint,
            agrees,
            openers,
            reads,
        } = arrival.finish();
        if !agrees {
            self.changed(id, effects);
        }
        self.catalog.learn(id, &body, fingerprint);
        if !body.is_empty() {
            self.cache.insert(id, body.clone());
        }
        let Some(message) = self.catalog.message(id) else {
            return;
        };
        let openers = openers
            .into_iter()
            .map(|opener| opening(id, message, opener, &body));
        let reads = reads.into_iter().map(|read| given(message, read, &body));
        effects.answers.extend(openers.chain(reads));
    }

    /// The message will not come.
    pub fn refused(&mut self, id: MessageId, error: &Error, effects: &mut Effects) {
        let Some(arrival) = self.arrivals.remove(&id) else {
            return;
        };
        self.demand.retain(|&other| other != id);
        effects.answers.extend(arrival.refuse(error));
    }

    /// Nothing that is waited for will come.
    pub fn refuse_all(&mut self, error: &Error, effects: &mut Effects) {
        self.demand.clear();
        for (_, arrival) in self.arrivals.drain() {
            effects.answers.extend(arrival.refuse(error));
        }
    }

    /// The link was lost under these messages: those that somebody waits for are asked for again,
    /// before any other, but none more than `attempts` times.
    pub fn lost(&mut self, ids: &[MessageId], attempts: u32, error: &Error, effects: &mut Effects) {
        for &id in ids.iter().rev() {
            let Some(arrival) = self.arrivals.get_mut(&id) else {
                continue;
            };
            let failures = arrival.fail();
            if !arrival.is_wanted() || failures >= attempts {
                self.refused(id, error, effects);
            } else {
                self.demand.push_front(id);
            }
        }
    }

    /// Refuses those whose deadline has passed.
    pub fn expire(&mut self, now: Moment, effects: &mut Effects) {
        if self.earliest.is_none_or(|earliest| now < earliest) {
            return;
        }
        for arrival in self.arrivals.values_mut() {
            effects.answers.extend(arrival.expire(now));
        }
        self.arrivals
            .retain(|_, arrival| arrival.is_wanted() || arrival.on_the_wire);
        self.demand.retain(|id| self.arrivals.contains_key(id));
        self.earliest = self.arrivals.values().filter_map(Arrival::deadline).min();
    }

    /// When a reader must have an answer, at the earliest.
    pub fn deadline(&self) -> Option<Moment> {
        self.earliest
    }

    /// Moves a message, and notes what the kernel must be told.
    pub fn place(&mut self, id: MessageId, place: Place, effects: &mut Effects) {
        effects.changes.extend(self.catalog.place(id, place));
    }

    /// The server gives other bytes than before: nothing that is known of them holds any longer.
    fn changed(&mut self, id: MessageId, effects: &mut Effects) {
        if let Some(message) = self.catalog.message(id) {
            log::warn!("{}: {}", message.name, Error::Changed);
        }
        self.catalog.forget(id);
        self.cache.remove(id);
        effects.changes.push(Change::Changed { id });
    }
}

/// The answer to one who waited for the end of a message.
fn opening(id: MessageId, message: &Message, opener: Opener, body: &Body) -> Due {
    match opener.wants {
        Wants::Open(answer) => {
            let open = OpenMessage {
                id,
                version: message.version,
                body: Some(body.clone()),
            };
            due(answer, Ok((open, message.correction())))
        }
        Wants::Measure(answer) => due(answer, Ok(message.entry(id))),
    }
}

/// The answer to one who waited for a part of a message.
fn given(message: &Message, read: Read, body: &Body) -> Due {
    if read.version != message.version {
        return read.refuse(Error::Changed);
    }
    let (body, offset, length) = (body.clone(), read.offset, read.length);
    read.give(Octets::Shared {
        body,
        offset,
        length,
    })
}
