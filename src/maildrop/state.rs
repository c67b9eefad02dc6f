//! What the dispatch threads and the engine share, under one lock that is never held across I/O
//! or an answer.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::arrival::Arrival;
use super::cache::Cache;
use super::candour::Candour;
use super::catalog::{Catalog, Message};
use super::clock::Moment;
use super::error::Error;
use super::event::EventKind;
use super::fetch::Fetch;
use super::fingerprint::Fingerprint;
use super::foresight::Foresight;
use super::guard::Guard;
use super::mark::Mark;
use super::message::{Correction, Entry, MessageId, Octets, Part, Place, Size, Whole};
use super::open::{Holdings, OpenMessage};
use super::prefix::{self, Prefixes};
use super::presence::Attendance;
use super::reader::{Answer, Due, Opener, Read, Wants, due};
use super::report::CommitReport;
use super::retries::Retries;
use super::spill::Write;
use super::status::LinkStatus;
use super::terms::Terms;
use super::{Change, Settings};

/// The longest message that is fetched, in octets, where nothing else is asked for. No mail system
/// passes on a tenth of it; a server that goes on beyond means to fill our disk.
const MESSAGE_MAX: u64 = 1 << 31;

/// A message of so many octets is kept in memory in any case.
const IN_MEMORY_MIN: usize = 8 << 20;

/// The mailbox in memory.
pub(super) struct State {
    pub settings: Settings,
    pub catalog: Catalog,
    pub cache: Cache,
    pub link: LinkStatus,
    pub last_commit: Option<Arc<CommitReport>>,
    /// Marks of messages that are not listed: of a mount that ended without a commit, until there is
    /// a listing to find them in; or of messages that a listing which is a part has lost sight of.
    pub inherited: Vec<Mark>,
    /// Requests about the whole maildrop, until the engine takes them.
    pub errands: Vec<Errand>,
    pub attendance: Attendance,
    /// Whether somebody waits for a listing, and for the session's end.
    pub refreshing: bool,
    pub leaving: bool,
    /// Whether a commit holds the marked messages.
    pub committing: bool,
    /// Messages that commits may have deleted, until a listing tells.
    pub doubtful: BTreeSet<MessageId>,
    /// The longest message that is kept in memory.
    pub in_memory_max: usize,
    pub(super) arrivals: HashMap<Fetch, Arrival>,
    /// What was handed out of messages that never came to their end.
    pub(super) beginnings: HashMap<MessageId, Fingerprint>,
    pub(super) prefixes: Prefixes,
    pub(super) holdings: Holdings,
    pub(super) candour: Candour,
    pub(super) foresight: Foresight,
    pub retries: Retries,
    pub(super) guard: Guard,
    /// What is to be fetched for a reader, in order of asking.
    pub(super) demand: VecDeque<Fetch>,
    /// No reader's deadline is before this.
    pub(super) earliest: Option<Moment>,
}

/// A request about the whole maildrop.
pub(super) enum Errand {
    /// Have a session, and its listing; `until` then.
    Connect { until: Moment, answer: Answer<()> },
    /// Have a listing that begins after this request.
    Refresh { until: Moment, answer: Answer<()> },
    /// Write the journal anew, which is out of date.
    WriteJournal,
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
    /// Octets for the disk.
    pub writes: Vec<Write>,
}

impl State {
    /// An empty mailbox.
    pub fn new(settings: Settings, inherited: Vec<Mark>) -> Self {
        Self {
            cache: Cache::new(settings.cache_size),
            guard: Guard::new(settings.delete_guard),
            catalog: Catalog::default(),
            link: LinkStatus::default(),
            last_commit: None,
            inherited,
            errands: Vec::new(),
            attendance: Attendance::default(),
            refreshing: false,
            leaving: false,
            committing: false,
            doubtful: BTreeSet::new(),
            in_memory_max: (settings.cache_size / 2).max(IN_MEMORY_MIN),
            arrivals: HashMap::new(),
            beginnings: HashMap::new(),
            prefixes: Prefixes::default(),
            holdings: Holdings::default(),
            candour: Candour::default(),
            foresight: Foresight::default(),
            retries: Retries::default(),
            demand: VecDeque::new(),
            earliest: None,
            settings,
        }
    }

    /// Opens a message; it is fetched first where its size is neither exact nor credible. The answer
    /// that is due at once, if one is.
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
        self.awaited(Fetch::whole(id), until)
            .await_end(Opener { until, wants });
        None
    }

    /// Tells the entry of a message once its size is exact.
    pub fn measure(&mut self, id: MessageId, until: Moment, answer: Answer<Entry>) -> Option<Due> {
        match self.catalog.entry(id) {
            None => return Some(due(answer, Err(Error::NotFound))),
            Some(entry) if entry.size.is_exact() || entry.place == Place::Gone => {
                return Some(due(answer, Ok(entry)));
            }
            // It will never be exact.
            Some(entry) if self.is_too_long(entry.size) => return Some(due(answer, Ok(entry))),
            Some(_) => {}
        }
        let wants = Wants::Measure(answer);
        self.awaited(Fetch::whole(id), until)
            .await_end(Opener { until, wants });
        None
    }

    /// Reads a part of an open message; it is fetched where it is not in memory.
    pub fn read(&mut self, read: Read) -> Option<Due> {
        if let Some(octets) = self.part(&read.open, read.offset, read.length) {
            return Some(due(read.answer, octets));
        }
        let id = read.open.id;
        self.foresee(id);
        if self.is_about_the_beginning(&read) {
            let beginning = Fetch::beginning(id);
            self.awaited(beginning, read.until).await_part(read);
        } else {
            self.await_whole(read);
        }
        None
    }

    /// Lets a reader wait for the whole message.
    pub fn await_whole(&mut self, read: Read) {
        self.awaited(Fetch::whole(read.open.id), read.until)
            .await_part(read);
    }

    /// Whether a reader of a long message may want no more than its beginning, and has not seen it
    /// yet. Whoever goes on beyond it wants the message.
    fn is_about_the_beginning(&self, read: &Read) -> bool {
        let id = read.open.id;
        let goes_on = |message: &Message| self.is_long(message) && read.reach() < message.listed;
        self.catalog.message(id).is_some_and(goes_on)
            && self.settings.top
            && self.prefixes.are_usable()
            && read.reach() <= prefix::REACH_MAX
            && !self.is_awaited(id)
            && !self.is_read_through(id)
            && (read.offset == 0 || !self.cache.holds(Fetch::beginning(id)))
    }

    /// Whether a message is too long to be waited for.
    fn is_long(&self, message: &Message) -> bool {
        message.listed > self.settings.long
    }

    /// The longest message that is fetched, in octets.
    pub fn message_max(&self) -> u64 {
        self.settings.message_max.unwrap_or(MESSAGE_MAX)
    }

    /// Whether a message of this size is not to be fetched. Where no limit was asked for, it is: the
    /// server may only have listed a wrong size.
    pub fn is_too_long(&self, size: Size) -> bool {
        let limit = self.settings.message_max;
        limit.is_some_and(|limit| size.shown() > limit)
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
        let body = self.cache.touch(Fetch::whole(id)).map(Whole::Memory);
        let whole = body.or_else(|| self.holdings.whole(id));
        if whole.is_none() && message.place == Place::Gone {
            return Some(Err(Error::Vanished));
        }
        if whole.is_none() && self.is_too_long(message.size()) {
            return Some(Err(Error::TooLong(self.message_max())));
        }
        let (version, correction) = (message.version, message.correction());
        let (here, exact) = (whole.is_some(), message.size().is_exact());
        let listed = self.credible(message).filter(|_| !exact);
        if here || !exact {
            self.foresee(id);
        }
        if !exact && listed.is_none() {
            return None;
        }
        if !here && listed.is_some() {
            self.begins(id);
        }
        let held = whole.map(|whole| self.holdings.fill(id, &whole));
        let body = held.unwrap_or_else(|| self.holdings.hold(id));
        let open = OpenMessage {
            id,
            version,
            listed,
            body,
        };
        Some(Ok((open, correction)))
    }

    /// The listed size of a message that is too long to be waited for, where it is credible.
    fn credible(&self, message: &Message) -> Option<u64> {
        let possible = message.listed <= self.message_max();
        let credible = possible && self.candour.is_credible() && !self.settings.exact_sizes;
        (credible && self.is_long(message)).then_some(message.listed)
    }

    /// A part of an open message, without fetching it.
    pub fn part(
        &mut self,
        open: &OpenMessage,
        offset: u64,
        length: usize,
    ) -> Option<Result<Part, Error>> {
        let id = open.id;
        let Some(message) = self.catalog.message(id) else {
            return Some(Err(Error::NotFound));
        };
        if message.version != open.version {
            return Some(Err(Error::Changed));
        }
        if let Size::Exact(exact) = message.size() {
            if let Err(error) = open.allow(exact, offset, length) {
                return Some(Err(error));
            }
            if offset >= exact {
                return Some(Ok(Part::Here(Octets::Copied(Vec::new()))));
            }
        }
        if let Some(body) = self.cache.touch(Fetch::whole(id)) {
            return Some(open.part(&Whole::Memory(body), offset, length));
        }
        if let Some(octets) = self.beginning(open, offset, length) {
            return Some(Ok(Part::Here(octets)));
        }
        let message = self.catalog.message(id)?;
        if message.place == Place::Gone {
            return Some(Err(Error::Vanished));
        }
        let arrival = self.arrivals.get_mut(&Fetch::whole(id))?;
        arrival.part(open, offset, length).map(Ok)
    }

    /// A part of an open message that lies within what is known of its beginning.
    fn beginning(&mut self, open: &OpenMessage, offset: u64, length: usize) -> Option<Octets> {
        let body = self.cache.touch(Fetch::beginning(open.id))?;
        let end = offset.checked_add(length as u64)?;
        let safe = end <= body.len() as u64 && open.is_safe(offset, length);
        safe.then_some(Octets::Shared {
            body,
            offset,
            length,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use super::super::catalog::Content;
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
        let fingerprint = Growth::default().finish(0, body);
        let last = body.last().copied();
        let content = Content::of(body, body.len() as u64, last, fingerprint);
        state.catalog.learn(A, content);
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
        let answer = Box::new(|part: Result<Part, _>| answer(part.and_then(Part::load)));
        let read = Read {
            until: at(60),
            open: open.clone(),
            offset,
            length,
            answer,
        };
        state.read(read).into_iter().for_each(|due| due());
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
            state.arrived(Fetch::whole(A), octets, effects);
        })
    }

    fn complete(state: &mut State) -> Vec<Change> {
        step(state, |state, effects| {
            state.completed(Fetch::whole(A), effects)
        })
    }

    fn lose(state: &mut State) {
        let outage = Error::Offline(Outage::new(OutageKind::Lost, "gone"));
        step(state, |state, effects| {
            state.lost(&[Fetch::whole(A)], 2, &outage, effects)
        });
    }

    #[test]
    fn two_readers_cause_one_demand() {
        let mut state = state();
        let first = open(&mut state, A, 60);
        let second = open(&mut state, A, 60);
        assert_eq!(state.next_demand(), Some(Fetch::whole(A)));
        state.begin(Fetch::whole(A), true);
        assert_eq!(state.next_demand(), None);
        let third = open(&mut state, A, 60);
        assert_eq!(state.next_demand(), None);
        arrive(&mut state, b"body");
        complete(&mut state);
        for reader in [first, second, third] {
            let (open, correction) = reader.try_recv().unwrap().unwrap();
            assert_eq!(open.body.get().map(|body| &**body), Some(&b"body"[..]));
            assert_eq!(correction, Some(Correction { last: None }));
        }
    }

    #[test]
    fn messages_are_demanded_in_order_of_asking() {
        let mut state = state();
        let _readers = (open(&mut state, B, 60), open(&mut state, A, 60));
        assert_eq!(state.next_demand(), Some(Fetch::whole(B)));
        state.begin(Fetch::whole(B), true);
        assert_eq!(state.next_demand(), Some(Fetch::whole(A)));
    }

    #[test]
    fn what_is_known_opens_at_once() {
        let mut state = known(b"body");
        assert_eq!(opened(&mut state, A).body.get(), None);
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
        assert_eq!(state.next_demand(), Some(Fetch::whole(A)));
        step(&mut state, |state, effects| state.expire(at(20), effects));
        assert!(matches!(late.try_recv(), Ok(Err(Error::TimedOut))));
        assert_eq!((state.deadline(), state.next_demand()), (None, None));
    }

    #[test]
    fn a_message_that_nobody_waits_for_any_more_comes_to_its_end() {
        let mut state = state();
        let _early = open(&mut state, A, 10);
        state.begin(Fetch::whole(A), true);
        arrive(&mut state, b"bo");
        step(&mut state, |state, effects| state.expire(at(10), effects));
        let late = open(&mut state, A, 60);
        arrive(&mut state, b"dy");
        complete(&mut state);
        let (open, _) = late.try_recv().unwrap().unwrap();
        assert_eq!(open.body.get().map(|body| &**body), Some(&b"body"[..]));
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
        state.begin(Fetch::whole(A), true);
        arrive(&mut state, &body[..3000]);
        assert!(
            start.try_recv().is_err(),
            "nothing is known of a block that is not whole"
        );
        arrive(&mut state, &body[3000..80_000]);
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
            state.begin(Fetch::whole(A), true);
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
            state.begin(Fetch::whole(A), true);
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
        state.begin(Fetch::whole(A), true);
        arrive(&mut state, b"bo");
        lose(&mut state);
        assert_eq!(
            state.next_demand(),
            Some(Fetch::whole(A)),
            "before any other"
        );
        state.begin(Fetch::whole(A), true);
        lose(&mut state);
        assert!(matches!(reader.try_recv(), Ok(Err(Error::Offline(_)))));
        assert_eq!(state.next_demand(), Some(Fetch::whole(B)));
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
        state.begin(Fetch::whole(A), true);
        arrive(&mut state, &body[..100_000]);
        assert!(start.try_recv().unwrap().is_ok());
        lose(&mut state);
        state.begin(Fetch::whole(A), true);
        arrive(&mut state, &body);
        complete(&mut state);
        assert_eq!(*all.try_recv().unwrap().unwrap(), body);
    }

    #[test]
    fn the_longest_beginning_that_was_handed_out_must_come_again() {
        let body = vec![b'x'; LONG];
        let mut state = known(&body);
        let open = opened(&mut state, A);
        state.forget_bytes(A, &mut Effects::default());
        state.catalog.forget(A);
        let open = OpenMessage { version: 1, ..open };
        let beginning = Fetch::beginning(A);
        state.begin(beginning, true);
        let _reader = read(&mut state, &open, 0, 90_000);
        state.begin(Fetch::whole(A), true);
        arrive(&mut state, &body[..100_000]);
        step(&mut state, |state, effects| {
            state.refused(Fetch::whole(A), &Error::NotFound, effects);
            state.arrived(beginning, &body[..10_000], effects);
            state.completed(beginning, effects);
        });
        let bound = read(&mut state, &open, 0, LONG);
        state.begin(Fetch::whole(A), true);
        let mut other = body;
        other[50_000] = b'y';
        arrive(&mut state, &other);
        assert!(matches!(bound.try_recv(), Ok(Err(Error::Changed))));
    }

    #[test]
    fn nobody_is_left_waiting_for_what_will_not_come() {
        let mut state = state();
        let readers = [open(&mut state, A, 60), open(&mut state, B, 60)];
        state.begin(Fetch::whole(A), true);
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
        state.cache.insert(Fetch::whole(A), b"body".to_vec().into());
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
