//! What the dispatch threads and the engine share, under one lock that is never held across I/O
//! or an answer.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::arrival::{Appended, Arrival, Arrived};
use super::cache::Cache;
use super::catalog::{Catalog, Message};
use super::clock::Moment;
use super::error::Error;
use super::event::EventKind;
use super::foresight::Foresight;
use super::mark::Mark;
use super::message::{Body, Correction, Entry, MessageId, Octets, OpenMessage, Place, Size};
use super::presence::Attendance;
use super::reader::{Answer, Due, Opener, Read, Wants, due};
use super::report::CommitReport;
use super::status::LinkStatus;
use super::terms::Terms;
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
    pub attendance: Attendance,
    /// Whether somebody waits for a listing, and for the session's end.
    pub refreshing: bool,
    pub leaving: bool,
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
    /// Have a listing that begins after this request.
    Refresh { until: Moment, answer: Answer<()> },
    /// Delete the marked messages.
    Commit {
        until: Moment,
        terms: Terms,
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
    pub events: Vec<EventKind>,
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
            attendance: Attendance::default(),
            refreshing: false,
            leaving: false,
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

    /// Whether a commit is asked for or under way.
    pub fn is_to_commit(&self) -> bool {
        let commits = |errand: &Errand| matches!(errand, Errand::Commit { .. });
        self.committing || self.errands.iter().any(commits)
    }

    /// Whether a new listing is asked for or under way.
    pub fn is_to_refresh(&self) -> bool {
        let refreshes = |errand: &Errand| matches!(errand, Errand::Refresh { .. });
        self.refreshing || self.errands.iter().any(refreshes)
    }

    /// Whether the end of the session is asked for.
    pub fn is_to_leave(&self) -> bool {
        let leaves = |errand: &Errand| matches!(errand, Errand::Leave { .. });
        self.leaving || self.errands.iter().any(leaves)
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

    /// Whether the message is on its way, or will be.
    pub fn is_awaited(&self, id: MessageId) -> bool {
        self.arrivals.contains_key(&id)
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
            let arrival = self.arrivals.get_mut(&id);
            let Some(arrival) = arrival.filter(|arrival| arrival.on_the_wire) else {
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

    /// What has come of these messages is not believed; those that somebody waits for are asked for
    /// again, before any other.
    pub fn disbelieve(&mut self, ids: &[MessageId]) {
        for &id in ids.iter().rev() {
            let Some(arrival) = self.arrivals.get_mut(&id) else {
                continue;
            };
            arrival.restart();
            if arrival.is_wanted() {
                self.demand.push_front(id);
            } else {
                self.arrivals.remove(&id);
            }
        }
    }

    /// How many octets have come of a message that is on its way.
    pub fn arrived_length(&self, id: MessageId) -> Option<usize> {
        self.arrivals.get(&id).map(Arrival::length)
    }

    /// These messages may have been taken for others: what is known of their bytes is forgotten.
    pub fn distrust(&mut self, ids: &[MessageId], effects: &mut Effects) {
        for &id in ids {
            let read = self.catalog.message(id).and_then(Message::fingerprint);
            if read.is_some() && !self.arrivals.contains_key(&id) {
                self.forget(id, effects);
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
        self.forget(id, effects);
    }

    fn forget(&mut self, id: MessageId, effects: &mut Effects) {
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use super::super::engine::rig::settings;
    use super::super::error::{Outage, OutageKind};
    use super::super::fingerprint::Growth;
    use super::*;

    /// Longer than what is held against an earlier RETR at once.
    const LONG: usize = 150_000;

    const A: MessageId = MessageId(0);
    const B: MessageId = MessageId(1);

    /// Two messages of which nothing but the listing is known, and no room to keep any.
    fn state() -> State {
        let settings = Settings {
            cache_size: 0,
            ..settings()
        };
        let mut state = State::new(settings, Vec::new());
        for name in ["a", "b"] {
            state.catalog.add(Message {
                listed: 10,
                ..Message::new(name, name.as_bytes())
            });
        }
        state
    }

    fn known(body: &[u8]) -> State {
        let mut state = state();
        let fingerprint = Growth::default().finish(body);
        state.catalog.learn(A, &body.to_vec().into(), fingerprint);
        state
    }

    fn at(seconds: u64) -> Moment {
        Moment::since_1970(Duration::from_secs(seconds))
    }

    fn slot<T: Send + 'static>() -> (Answer<T>, Receiver<Result<T, Error>>) {
        let (sender, receiver) = channel();
        (Box::new(move |result| drop(sender.send(result))), receiver)
    }

    type Opened = (OpenMessage, Option<Correction>);

    fn open(state: &mut State, id: MessageId, until: u64) -> Receiver<Result<Opened, Error>> {
        let (answer, receiver) = slot();
        state
            .open(id, at(until), answer)
            .into_iter()
            .for_each(|due| due());
        receiver
    }

    fn opened(state: &mut State, id: MessageId) -> OpenMessage {
        open(state, id, 60).try_recv().unwrap().unwrap().0
    }

    fn read(
        state: &mut State,
        open: &OpenMessage,
        offset: u64,
        length: usize,
    ) -> Receiver<Result<Octets, Error>> {
        let (answer, receiver) = slot();
        let read = Read {
            until: at(60),
            version: open.version,
            offset,
            length,
            answer,
        };
        state.read(open, read).into_iter().for_each(|due| due());
        receiver
    }

    /// Does a part of a step; gives what the kernel is told.
    fn step(state: &mut State, deed: impl FnOnce(&mut State, &mut Effects)) -> Vec<Change> {
        let mut effects = Effects::default();
        deed(state, &mut effects);
        effects.answers.into_iter().for_each(|due| due());
        effects.changes
    }

    fn arrive(state: &mut State, octets: &[u8]) -> Vec<Change> {
        step(state, |state, effects| {
            state.arrived(A, octets, effects);
        })
    }

    fn complete(state: &mut State) -> Vec<Change> {
        step(state, |state, effects| state.completed(A, effects))
    }

    fn lose(state: &mut State) {
        let outage = Error::Offline(Outage::new(OutageKind::Lost, "gone"));
        step(state, |state, effects| {
            state.lost(&[A], 2, &outage, effects)
        });
    }

    #[test]
    fn two_readers_cause_one_demand() {
        let mut state = state();
        let first = open(&mut state, A, 60);
        let second = open(&mut state, A, 60);
        assert_eq!(state.next_demand(), Some(A));
        state.begin(A);
        assert_eq!(state.next_demand(), None);
        let third = open(&mut state, A, 60);
        assert_eq!(state.next_demand(), None);
        arrive(&mut state, b"body");
        complete(&mut state);
        for reader in [first, second, third] {
            let (open, correction) = reader.try_recv().unwrap().unwrap();
            assert_eq!(open.body.as_deref(), Some(&b"body"[..]));
            assert_eq!(correction, Some(Correction { last: None }));
        }
    }

    #[test]
    fn messages_are_demanded_in_order_of_asking() {
        let mut state = state();
        let _readers = (open(&mut state, B, 60), open(&mut state, A, 60));
        assert_eq!(state.next_demand(), Some(B));
        state.begin(B);
        assert_eq!(state.next_demand(), Some(A));
    }

    #[test]
    fn what_is_known_opens_at_once() {
        let mut state = known(b"body");
        assert_eq!(opened(&mut state, A).body, None);
        assert_eq!(state.next_demand(), None);
    }

    #[test]
    fn the_end_of_a_message_is_read_without_fetching_it() {
        let mut state = known(b"body");
        let open = opened(&mut state, A);
        let octets = read(&mut state, &open, 4, 100).try_recv().unwrap();
        assert!(octets.unwrap().is_empty());
        assert_eq!(state.next_demand(), None);
    }

    #[test]
    fn a_reader_is_refused_at_its_deadline_and_not_before() {
        let mut state = state();
        let (early, late) = (open(&mut state, A, 10), open(&mut state, A, 20));
        assert_eq!(state.deadline(), Some(at(10)));
        step(&mut state, |state, effects| state.expire(at(9), effects));
        assert!(early.try_recv().is_err());
        step(&mut state, |state, effects| state.expire(at(10), effects));
        assert!(matches!(early.try_recv(), Ok(Err(Error::TimedOut))));
        assert!(late.try_recv().is_err());
        assert_eq!(state.deadline(), Some(at(20)));
        assert_eq!(state.next_demand(), Some(A));
        step(&mut state, |state, effects| state.expire(at(20), effects));
        assert!(matches!(late.try_recv(), Ok(Err(Error::TimedOut))));
        assert_eq!((state.deadline(), state.next_demand()), (None, None));
    }

    #[test]
    fn a_message_that_nobody_waits_for_any_more_comes_to_its_end() {
        let mut state = state();
        let _early = open(&mut state, A, 10);
        state.begin(A);
        arrive(&mut state, b"bo");
        step(&mut state, |state, effects| state.expire(at(10), effects));
        let late = open(&mut state, A, 60);
        arrive(&mut state, b"dy");
        complete(&mut state);
        let (open, _) = late.try_recv().unwrap().unwrap();
        assert_eq!(open.body.as_deref(), Some(&b"body"[..]));
    }

    #[test]
    fn octets_are_handed_out_as_soon_as_they_have_proved_to_be_the_same() {
        let body = vec![b'x'; LONG];
        let mut state = known(&body);
        let open = opened(&mut state, A);
        let (start, end) = (
            read(&mut state, &open, 0, 100),
            read(&mut state, &open, 140_000, 20_000),
        );
        state.begin(A);
        arrive(&mut state, &body[..60_000]);
        assert!(
            start.try_recv().is_err(),
            "nothing is known of a block that is not whole"
        );
        arrive(&mut state, &body[60_000..80_000]);
        assert_eq!(start.try_recv().unwrap().unwrap().len(), 100);
        let more = read(&mut state, &open, 100, 100);
        assert_eq!(more.try_recv().unwrap().unwrap().len(), 100);
        arrive(&mut state, &body[80_000..]);
        assert!(end.try_recv().is_err());
        complete(&mut state);
        assert_eq!(end.try_recv().unwrap().unwrap().len(), 10_000);
    }

    #[test]
    fn nothing_of_another_version_follows_what_was_handed_out() {
        for changed in [0, 100_000, LONG - 1] {
            let mut body = vec![b'x'; LONG];
            let mut state = known(&body);
            let before = opened(&mut state, A);
            let bound = read(&mut state, &before, 0, LONG);
            let fresh = open(&mut state, A, 60);
            assert!(fresh.try_recv().is_ok());
            body[changed] = b'y';
            state.begin(A);
            let mut told = arrive(&mut state, &body);
            told.extend(complete(&mut state));
            assert!(matches!(bound.try_recv(), Ok(Err(Error::Changed))));
            assert_eq!(told, [Change::Changed { id: A }]);
            let again = read(&mut state, &before, 0, 1);
            assert!(matches!(again.try_recv(), Ok(Err(Error::Changed))));
            assert_eq!(opened(&mut state, A).version, 1);
        }
    }

    #[test]
    fn a_shorter_or_longer_body_is_another_version() {
        for length in [0, 100, LONG - 1, LONG + 1] {
            let mut state = known(&vec![b'x'; LONG]);
            let before = opened(&mut state, A);
            let bound = read(&mut state, &before, 0, LONG);
            state.begin(A);
            arrive(&mut state, &vec![b'x'; length]);
            complete(&mut state);
            assert!(
                matches!(bound.try_recv(), Ok(Err(Error::Changed))),
                "{length}"
            );
        }
    }

    #[test]
    fn a_lost_link_asks_again_but_only_twice_in_all() {
        let mut state = state();
        let reader = open(&mut state, A, 60);
        let _behind = open(&mut state, B, 60);
        state.begin(A);
        arrive(&mut state, b"bo");
        lose(&mut state);
        assert_eq!(state.next_demand(), Some(A), "before any other");
        state.begin(A);
        lose(&mut state);
        assert!(matches!(reader.try_recv(), Ok(Err(Error::Offline(_)))));
        assert_eq!(state.next_demand(), Some(B));
    }

    #[test]
    fn a_message_half_read_starts_again_and_must_agree() {
        let body = vec![b'x'; LONG];
        let mut state = known(&body);
        let open = opened(&mut state, A);
        let (start, all) = (
            read(&mut state, &open, 0, 100),
            read(&mut state, &open, 0, LONG),
        );
        state.begin(A);
        arrive(&mut state, &body[..100_000]);
        assert!(start.try_recv().unwrap().is_ok());
        lose(&mut state);
        state.begin(A);
        arrive(&mut state, &body);
        complete(&mut state);
        assert_eq!(*all.try_recv().unwrap().unwrap(), body);
    }

    #[test]
    fn nobody_is_left_waiting_for_what_will_not_come() {
        let mut state = state();
        let readers = [open(&mut state, A, 60), open(&mut state, B, 60)];
        state.begin(A);
        step(&mut state, |state, effects| {
            state.refuse_all(&Error::NotFound, effects)
        });
        for reader in readers {
            assert!(matches!(reader.try_recv(), Ok(Err(Error::NotFound))));
        }
        assert_eq!(state.next_demand(), None);
        arrive(&mut state, b"late");
        complete(&mut state);
    }

    #[test]
    fn a_message_that_left_the_maildrop_is_read_from_memory_or_not_at_all() {
        let mut state = known(b"body");
        state.cache = Cache::new(100);
        let before = opened(&mut state, A);
        state.place(A, Place::Gone, &mut Effects::default());
        let lost = read(&mut state, &before, 0, 4);
        assert!(matches!(lost.try_recv(), Ok(Err(Error::Vanished))));
        assert!(matches!(
            open(&mut state, A, 60).try_recv(),
            Ok(Err(Error::Vanished))
        ));
        state.cache.insert(A, b"body".to_vec().into());
        let kept = read(&mut state, &before, 0, 4);
        assert_eq!(*kept.try_recv().unwrap().unwrap(), b"body"[..]);
    }

    #[test]
    fn the_sweep_passes_over_what_is_known_or_on_its_way() {
        let mut state = known(b"body");
        assert_eq!(state.next_unmeasured(None), Some(B));
        let _reader = open(&mut state, B, 60);
        assert_eq!(state.next_unmeasured(None), None);
    }
}
