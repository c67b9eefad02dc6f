//! The maildrop as the tree sees it.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard};

use super::clock::Moment;
use super::disk::{Backlog, Task};
use super::engine::Engine;
use super::event::Event;
use super::journal::Journal;
use super::mark::Mark;
use super::message::{Correction, Entry, MessageId, Place};
use super::octets::{Octets, Part};
use super::open::OpenMessage;
use super::presence::Presence;
use super::reader::{Answer, Due, Read};
use super::register::Register;
use super::report::CommitReport;
use super::settings::Settings;
use super::spill::Storage;
use super::state::State;
use super::{Change, Totals, locked};

/// How long a commit that was meant to be the last counts as that, in seconds: the unmount follows
/// at once, or was refused.
const FINAL_FOR: i64 = 60;

/// The maildrop, for any number of threads. No call here waits for the network, and an answer may
/// be given on the caller's thread before the call returns.
#[derive(Clone)]
pub struct Maildrop(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub state: Arc<Mutex<State>>,
    /// None where nothing can be marked.
    pub register: Option<Register>,
    pub surroundings: Surroundings,
    /// What the disk has still to take.
    pub backlog: Backlog,
    /// Whether it is of interest what was read.
    pub is_guarded: bool,
}

/// What the maildrop is told by, and tells, the world.
pub struct Surroundings {
    /// What time it is.
    pub now: Box<dyn Fn() -> Moment + Send + Sync>,
    /// Have the engine make a step.
    pub wake: Box<dyn Fn() + Send + Sync>,
    /// The kernel must hear of this. Called with no lock held.
    pub tell: Box<dyn Fn(Change) + Send + Sync>,
    /// Whoever watches must hear of this. Called with no lock held.
    pub announce: Box<dyn Fn(Event) + Send + Sync>,
    /// Have this done where it may wait for the disk, after all that was asked for before. Called
    /// with no lock held.
    pub disk: Box<dyn Fn(Task) + Send + Sync>,
    /// Where a message is kept that is too long for memory. Called where it may wait.
    pub storage: Box<Storage>,
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
        let is_guarded = settings.delete_guard.is_some();
        let state = Arc::new(Mutex::new(State::new(settings, inherited)));
        let engine = Engine::new(state.clone());
        (
            Self(Arc::new(Shared {
                state,
                register: journal.map(Register::new),
                surroundings,
                backlog: Backlog::default(),
                is_guarded,
            })),
            engine,
        )
    }

    /// That a program has something open, to be held as long as it has.
    pub fn presence(&self) -> Presence {
        locked(&self.0.state).attendance.presence()
    }

    /// The entry called `name` in the root or among the deleted.
    pub fn find(&self, place: Place, name: &str) -> Option<Entry> {
        self.used().find(place, name)
    }

    /// The same for one of ours who asks: that is no use of the maildrop.
    pub fn peek(&self, place: Place, name: &str) -> Option<Entry> {
        locked(&self.0.state).find(place, name)
    }

    /// The entry of a message, wherever it is; none if it never existed.
    pub fn entry(&self, id: MessageId) -> Option<Entry> {
        self.used().catalog.entry(id)
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
        let state = self.used();
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

    /// A program has begun to read the directory of all messages, maybe to open them next.
    pub fn expect_walk(&self) {
        self.used().expect_walk();
    }

    /// Opens a message; where its size is not exact yet, fetches it first. A long one is not waited
    /// for, as far as the server's listed sizes can be relied on.
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
        let now = self.now();
        let answer = self.loaded(open, now, self.noted(open.id, offset, answer));
        if open.listed.is_some() && offset > 0 {
            locked(&self.0.state).goes_on();
        }
        if let Some(whole) = open.body.whole() {
            return answer(open.part(whole, offset, length));
        }
        self.request(|state, until| {
            let until = state.retries.deadline(open.id, until, now);
            let read = Read {
                until,
                open: open.clone(),
                offset,
                length,
                answer: self.remembered(open.id, until, now, answer),
            };
            state.read(read)
        });
    }

    /// The same answer for octets that may be on disk: then it is given by the thread that waits for
    /// it, or when the time is over of one who has asked `then`.
    fn loaded(&self, open: &OpenMessage, then: Moment, answer: Answer<Octets>) -> Answer<Part> {
        let (maildrop, open) = (self.clone(), open.clone());
        Box::new(move |part| match part {
            Ok(Part::Here(octets)) => answer(Ok(octets)),
            Ok(part) => maildrop.load(part, open, then, answer),
            Err(error) => answer(Err(error)),
        })
    }

    fn load(&self, part: Part, open: OpenMessage, then: Moment, answer: Answer<Octets>) {
        let id = open.id;
        let until = {
            let state = locked(&self.0.state);
            let until = then + state.settings.timeout;
            state.retries.deadline(id, until, then)
        };
        let answer = self.remembered(id, until, then, answer);
        let shared = Arc::clone(&self.0);
        let load = move || {
            let octets = part.load(&*shared.surroundings.storage)?;
            // Meanwhile the message may have come with other bytes, and been shown so to others.
            open.body.confirm().map(|()| octets)
        };
        self.answer_from_disk(until, load, answer);
    }

    /// The last commit of this mount, if any.
    pub fn last_commit(&self) -> Option<Arc<CommitReport>> {
        locked(&self.0.state).last_commit.clone()
    }

    /// The last commit, if it was meant to be the last of the mount and has ended just now, and
    /// nothing was marked since: another one would be for nothing.
    pub fn final_commit(&self) -> Option<Arc<CommitReport>> {
        let now = self.now().unix_seconds();
        let state = locked(&self.0.state);
        let report = state.last_commit.as_ref().filter(|report| report.last)?;
        let names: HashSet<&str> = report.messages.iter().map(|it| it.name.as_str()).collect();
        let mut marked = state.catalog.marked();
        let covers_all = marked.all(|(_, message)| names.contains(&*message.name));
        let is_recent = now.saturating_sub(report.finished) <= FINAL_FOR;
        (is_recent && covers_all && !state.errands.have_commit()).then(|| report.clone())
    }

    /// Counts for statfs.
    pub fn totals(&self) -> Totals {
        locked(&self.0.state).catalog.totals()
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.0
    }

    /// Has the state answer a request by its deadline; the engine is woken where it has to wait,
    /// or where more should be fetched ahead.
    fn request(&self, request: impl FnOnce(&mut State, Moment) -> Option<Due>) {
        let until = self.deadline();
        let (due, hungry) = {
            let mut state = self.used();
            (request(&mut state, until), state.is_hungry())
        };
        if hungry || due.is_none() {
            (self.0.surroundings.wake)();
        }
        if let Some(answer) = due {
            answer();
        }
    }

    /// The state, for a program that asks for something: an occasion to look for new mail where
    /// nobody had asked for long.
    pub(super) fn used(&self) -> MutexGuard<'_, State> {
        let mut state = locked(&self.0.state);
        if state.attendance.asks() {
            (self.0.surroundings.wake)();
        }
        state
    }

    pub(super) fn deadline(&self) -> Moment {
        self.now() + locked(&self.0.state).settings.timeout
    }

    /// What time it is.
    pub(super) fn now(&self) -> Moment {
        (self.0.surroundings.now)()
    }
}

impl State {
    fn find(&self, place: Place, name: &str) -> Option<Entry> {
        let id = self.catalog.named(name)?;
        let entry = self.catalog.entry(id);
        entry.filter(|entry| entry.place == place)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::effects::Effects;
    use super::super::engine::rig::Rig;
    use super::super::engine::script::Script;
    use super::super::error::Error;
    use super::*;

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")])
    }

    #[test]
    fn a_listing_starts_where_it_is_told_to() {
        let rig = Rig::connected(mailbox());
        let mut seen = Vec::new();
        rig.maildrop
            .list(Place::Root, Some(rig.id("a")), &mut |entry| {
                seen.push(entry.name.to_string());
                ControlFlow::Break(())
            });
        assert_eq!(seen, ["b"]);
    }

    /// A mailbox of one message of so many lines of a hundred octets, which is kept on disk.
    fn on_disk(lines: usize) -> (Rig, String) {
        let line = |number| format!("{number:098}\r\n");
        let message: String = (0..lines).map(line).collect();
        let rig = Rig::connected(Script::of(&[("a", &message)]));
        locked(&rig.maildrop.0.state).in_memory_max = 100_000;
        (rig, message)
    }

    #[test]
    fn who_answers_the_kernel_does_not_wait_for_the_disk() {
        let (mut rig, message) = on_disk(30_000);
        let open = rig.open("a").given().unwrap().unwrap();
        rig.disk.hang();
        let parts =
            [(0, 100), (2_999_950, 100)].map(|(from, length)| rig.part(&open, from, length));
        assert!(parts.iter().all(|part| part.given().is_none()));
        rig.disk.go_on();
        let parts = parts.map(|part| part.given().unwrap().unwrap().to_vec());
        assert_eq!(parts[0], message.as_bytes()[..100]);
        assert_eq!(parts[1], message.as_bytes()[2_999_950..]);
    }

    #[test]
    fn octets_that_come_late_from_the_disk_are_not_given_beside_others_of_the_message() {
        let (mut rig, _) = on_disk(30_000);
        let open = rig.open("a").given().unwrap().unwrap();
        rig.disk.hang();
        let read = rig.part(&open, 0, 100);
        locked(&rig.maildrop.0.state).forget_bytes(open.id, &mut Effects::default());
        rig.disk.go_on();
        assert!(matches!(read.given(), Some(Err(Error::Changed))));
    }

    #[test]
    fn who_reads_waits_for_the_disk_until_the_deadline_however_often_the_kernel_asks() {
        let (mut rig, _) = on_disk(30_000);
        let open = rig.open("a").given().unwrap().unwrap();
        rig.disk.hang();
        let read = rig.part(&open, 0, 100);
        rig.pass(Duration::from_secs(60));
        assert!(matches!(read.given(), Some(Err(Error::TimedOut))));
        let again = rig.part(&open, 0, 100);
        rig.run();
        assert!(matches!(again.given(), Some(Err(Error::TimedOut))));
        rig.disk.go_on();
        rig.pass(Duration::from_secs(1));
        assert!(rig.part(&open, 0, 100).given().unwrap().is_ok());
    }

    #[test]
    fn what_is_on_disk_for_one_who_has_it_open_is_there_for_all() {
        let (mut rig, message) = on_disk(30_000);
        let first = rig.open("a").given().unwrap().unwrap();
        let second = rig.open("a").given().unwrap().unwrap();
        drop(first);
        let third = rig.open("a").given().unwrap().unwrap();
        for open in [second, third] {
            let end = rig.part(&open, 2_999_900, 200).given().unwrap().unwrap();
            assert_eq!(*end, message.as_bytes()[2_999_900..]);
        }
        assert_eq!(rig.script.count("RETR"), 1);
        let late = rig.open("a").given().unwrap().unwrap();
        assert!(rig.part(&late, 0, 10).given().unwrap().is_ok());
        assert_eq!(rig.script.count("RETR"), 2, "nobody had it open any more");
    }

    #[test]
    fn no_more_is_taken_from_the_server_than_the_disk_takes() {
        let (mut rig, message) = on_disk(90_000);
        rig.disk.hang();
        let open = rig.open("a").given().unwrap().unwrap();
        assert!(rig.maildrop.is_disk_behind());
        rig.disk.go_on();
        assert!(!rig.maildrop.is_disk_behind());
        let end = rig.part(&open, 8_999_900, 200).given().unwrap().unwrap();
        assert_eq!(*end, message.as_bytes()[8_999_900..]);
    }

    #[test]
    fn messages_and_octets_are_counted_marked_ones_included() {
        let rig = Rig::connected(mailbox());
        rig.mark("a");
        let totals = Totals {
            messages: 2,
            octets: 10,
        };
        assert_eq!(rig.maildrop.totals(), totals);
        let status = rig.maildrop.status();
        assert_eq!((status.messages, status.octets, status.marked), (2, 10, 1));
    }

    #[test]
    fn what_never_was_is_not_found() {
        let mut rig = Rig::connected(mailbox());
        let never = MessageId::from_index(7);
        assert!(rig.maildrop.find(Place::Root, "c").is_none());
        assert!(rig.maildrop.find(Place::Deleted, "a").is_none());
        let opened = rig.ask(|maildrop, answer| maildrop.open(never, answer));
        assert!(matches!(opened.given(), Some(Err(Error::NotFound))));
        let measured = rig.ask(|maildrop, answer| maildrop.measure(never, answer));
        assert_eq!(measured.given(), Some(Err(Error::NotFound)));
        assert_eq!(rig.try_mark(never), Err(Error::NotFound));
    }
}
