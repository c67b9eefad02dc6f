//! A maildrop with its engine, a [script](super::script) for a server, and a clock that stands
//! until it is moved: what the driver does, without a thread or a socket.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::clock::Moment;
use super::super::disk::Task;
use super::super::error::{Error, Outage, OutageKind};
use super::super::event::EventKind;
use super::super::fetch::Fetch;
use super::super::handle::{Maildrop, Surroundings};
use super::super::journal::Journal;
use super::super::mark::{Mark, Record};
use super::super::message::{MessageId, Octets, Place};
use super::super::open::OpenMessage;
use super::super::reader::Answer;
use super::super::report::CommitReport;
use super::super::session::{Channel, Credential, Proof};
use super::super::settings::Settings;
use super::super::terms::Terms;
use super::super::{Change, locked};
use super::script::{Response, Script};
use super::{Engine, Input, Order};
use crate::net::Security;
use crate::pop3::Secret;

/// More wakings than this in one go are a busy loop.
const WAKINGS_MAX: usize = 1000;

/// More exchanges than this in one go are one without end.
const TALKS_MAX: usize = 10_000;

/// An answer that may have been given.
pub(in super::super) struct Reply<T>(Arc<Mutex<Option<Result<T, Error>>>>);

impl<T> Reply<T> {
    /// The answer, if it has been given by now.
    pub fn given(&self) -> Option<Result<T, Error>> {
        locked(&self.0).take()
    }
}

/// The journal's marks.
#[derive(Clone, Default)]
pub(in super::super) struct Ledger(Arc<Mutex<Page>>);

#[derive(Default)]
struct Page {
    marks: Vec<Mark>,
    draft: Vec<Mark>,
    /// Whether the disk takes no more.
    is_full: bool,
    /// Whether the next flush fails.
    loses_a_flush: bool,
}

impl Ledger {
    pub fn marks(&self) -> Vec<Mark> {
        locked(&self.0).marks.clone()
    }

    pub fn is_full(&self, full: bool) {
        locked(&self.0).is_full = full;
    }

    pub fn loses_a_flush(&self) {
        locked(&self.0).loses_a_flush = true;
    }

    fn write(&self, change: impl FnOnce(&mut Page)) -> io::Result<()> {
        let page = &mut *locked(&self.0);
        if page.is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        change(page);
        Ok(())
    }
}

impl Journal for Ledger {
    fn append(&self, record: &Record) -> io::Result<()> {
        self.write(|page| match record {
            Record::Marked(mark) => page.marks.push(mark.clone()),
            Record::Unmarked(mark) => page.marks.retain(|other| other != mark),
        })
    }

    fn flush(&self) -> io::Result<()> {
        if std::mem::take(&mut locked(&self.0).loses_a_flush) {
            return Err(io::Error::other("the disk is worn out"));
        }
        Ok(())
    }

    fn draft(&self, marks: &[Mark]) -> io::Result<()> {
        self.write(|page| page.draft = marks.to_vec())
    }

    fn adopt(&self) -> io::Result<()> {
        self.write(|page| page.marks = std::mem::take(&mut page.draft))
    }
}

/// A disk that does at once what it is asked for, unless it hangs.
#[derive(Clone, Default)]
pub(in super::super) struct Platter(Arc<Mutex<(bool, VecDeque<Task>)>>);

impl Platter {
    fn ask(&self, task: Task) {
        let hangs = {
            let (hangs, tasks) = &mut *locked(&self.0);
            tasks.push_back(task);
            *hangs
        };
        if !hangs {
            self.turn();
        }
    }

    /// Does nothing from now on.
    pub fn hang(&self) {
        locked(&self.0).0 = true;
    }

    /// Does all that it was asked for, and what it is asked for from now on.
    pub fn go_on(&self) {
        locked(&self.0).0 = false;
        self.turn();
    }

    fn turn(&self) {
        while let Some(task) = self.next() {
            task();
        }
    }

    fn next(&self) -> Option<Task> {
        locked(&self.0).1.pop_front()
    }
}

/// The rig.
pub(in super::super) struct Rig {
    pub maildrop: Maildrop,
    pub engine: Engine,
    pub script: Script,
    pub journal: Ledger,
    pub disk: Platter,
    /// All that was told, in order.
    pub told: Arc<Mutex<Vec<Change>>>,
    /// All that was announced, in order.
    pub events: Arc<Mutex<Vec<EventKind>>>,
    /// All that was ordered, in order.
    pub ordered: Vec<Order>,
    /// Why no link can be made, if none can.
    pub outage: Option<Outage>,
    /// Whether to make a link takes for ever.
    pub hangs: bool,
    now: Arc<Mutex<Moment>>,
    orders: VecDeque<Order>,
    linked: bool,
    greeting: Option<Response>,
}

/// Settings for a mount in clear that wants nothing special.
pub(in super::super) fn settings() -> Settings {
    Settings {
        source: "pop3://ann@pop.example.org".to_owned(),
        sandbox: Vec::new(),
        security: Security::Cleartext,
        method: None,
        language: None,
        suffix: String::new(),
        cache_size: 1 << 20,
        read_ahead: 0,
        message_max: None,
        long: u64::MAX,
        top: true,
        timeout: Duration::from_secs(60),
        idle: None,
        refresh: None,
        seed: 1,
        read_only: false,
        verify_commit: false,
        commit_every: None,
        delete_guard: None,
        exact_sizes: false,
    }
}

/// A link on which a proof cannot be bound to anything.
fn channel() -> Channel {
    Channel {
        host: "pop.example.org".to_owned(),
        port: 110,
        nonce: "fyko+d2lbbFgONRv9qkxdawL".to_owned(),
        tls: None,
        binding: None,
    }
}

impl Rig {
    /// A rig in which nothing has happened yet.
    pub fn new(script: Script) -> Self {
        Self::with(settings(), script, Vec::new())
    }

    /// The same with these settings, and the marks of a mount before.
    pub fn with(settings: Settings, script: Script, inherited: Vec<Mark>) -> Self {
        let journal = Ledger::default();
        Self::build(settings, script, inherited, journal.clone(), journal)
    }

    /// A rig that has logged in and listed, and writes its marks there.
    pub fn writing_to(journal: impl Journal + 'static, script: Script) -> Self {
        let ledger = Ledger::default();
        let mut rig = Self::build(settings(), script, Vec::new(), journal, ledger);
        rig.connect().expect("a session");
        rig
    }

    fn build(
        settings: Settings,
        script: Script,
        inherited: Vec<Mark>,
        kept: impl Journal + 'static,
        journal: Ledger,
    ) -> Self {
        let now = Arc::new(Mutex::new(Moment::since_1970(Duration::from_secs(
            1_000_000,
        ))));
        let told = Arc::new(Mutex::new(Vec::new()));
        let events = Arc::new(Mutex::new(Vec::new()));
        let (clock, ears, listener) = (now.clone(), told.clone(), events.clone());
        let disk = Platter::default();
        let platter = disk.clone();
        let surroundings = Surroundings {
            now: Box::new(move || *locked(&clock)),
            wake: Box::new(|| {}),
            tell: Box::new(move |change| locked(&ears).push(change)),
            announce: Box::new(move |event| locked(&listener).push(event.kind)),
            disk: Box::new(move |task| platter.ask(task)),
        };
        let kept: Option<Box<dyn Journal>> = if settings.read_only {
            None
        } else {
            Some(Box::new(kept))
        };
        let (maildrop, engine) = Maildrop::new(settings, surroundings, kept, inherited);
        Self {
            maildrop,
            engine,
            script,
            journal,
            disk,
            told,
            events,
            ordered: Vec::new(),
            outage: None,
            hangs: false,
            now,
            orders: VecDeque::new(),
            linked: false,
            greeting: None,
        }
    }

    /// A rig that has logged in and listed.
    pub fn connected(script: Script) -> Self {
        let mut rig = Self::new(script);
        rig.connect().expect("a session");
        rig
    }

    /// Makes sure of a session; the answer, which must come without the time moving on.
    pub fn connect(&mut self) -> Result<(), Error> {
        let reply = self.ask(Maildrop::connect);
        reply.given().expect("an answer")
    }

    /// Asks the maildrop for something, and does all that can be done at once.
    pub fn ask<T: Send + 'static>(
        &mut self,
        request: impl FnOnce(&Maildrop, Answer<T>),
    ) -> Reply<T> {
        let reply = Reply(Arc::default());
        let slot = reply.0.clone();
        let answer = move |result| {
            let before = locked(&slot).replace(result);
            assert!(before.is_none(), "answered twice");
        };
        request(&self.maildrop, Box::new(answer));
        self.run();
        reply
    }

    /// Asks for a commit.
    pub fn commit(&mut self) -> Reply<Arc<CommitReport>> {
        self.commit_on(Terms::default())
    }

    /// Asks for a commit on these terms.
    pub fn commit_on(&mut self, terms: Terms) -> Reply<Arc<CommitReport>> {
        self.ask(|maildrop, answer| maildrop.commit(terms, answer))
    }

    /// The message of this name in the root.
    pub fn id(&self, name: &str) -> MessageId {
        self.maildrop.find(Place::Root, name).expect("a message").id
    }

    /// Marks the message of this name.
    pub fn mark(&self, name: &str) {
        self.maildrop.mark(self.id(name)).expect("a mark");
    }

    /// Takes the marks off; the answer, which must come at once.
    pub fn unmark(&mut self, ids: &[MessageId]) -> Result<(), Error> {
        let reply = self.ask(|maildrop, answer| maildrop.unmark(ids, answer));
        reply.given().expect("an answer")
    }

    /// Opens the message of this name.
    pub fn open(&mut self, name: &str) -> Reply<OpenMessage> {
        let id = self.id(name);
        self.ask(|maildrop, answer: Answer<OpenMessage>| {
            let answer = move |opened: Result<(OpenMessage, _), _>| answer(opened.map(|it| it.0));
            maildrop.open(id, Box::new(answer));
        })
    }

    /// Reads the whole of an open message.
    pub fn read(&mut self, open: &OpenMessage) -> Reply<Octets> {
        self.part(open, 0, 1 << 20)
    }

    /// Reads a part of an open message.
    pub fn part(&mut self, open: &OpenMessage, offset: u64, length: usize) -> Reply<Octets> {
        self.ask(|maildrop, answer| maildrop.read(open, offset, length, answer))
    }

    /// The body of the message of this name, which must come without the time moving on.
    pub fn body(&mut self, name: &str) -> Result<String, Error> {
        let open = self.open(name).given().expect("an answer")?;
        let octets = self.read(&open).given().expect("an answer")?;
        Ok(String::from_utf8_lossy(&octets).into_owned())
    }

    /// Does all that can be done at this time.
    pub fn run(&mut self) {
        self.step(Input::Wake);
        let talks = (0..TALKS_MAX).take_while(|_| self.talk()).count();
        assert!(talks < TALKS_MAX, "the engine does not come to rest");
        let due = self.engine.wake_at();
        assert!(
            due.is_none_or(|due| due > self.now()),
            "the driver would not be let sleep"
        );
    }

    /// Lets the time pass.
    pub fn pass(&mut self, span: Duration) {
        let until = self.now() + span;
        for _ in 0..WAKINGS_MAX {
            let due = self.engine.wake_at().filter(|due| *due < until);
            *locked(&self.now) = due.unwrap_or(until);
            self.run();
            if due.is_none() {
                return;
            }
        }
        panic!("woken {WAKINGS_MAX} times");
    }

    /// Drops a body from the cache.
    pub fn forget(&self, name: &str) {
        let id = self.id(name);
        locked(&self.maildrop.shared().state)
            .cache
            .remove(Fetch::whole(id));
    }

    /// The machine sleeps, and nothing happens meanwhile.
    pub fn sleep(&mut self, span: Duration) {
        let now = self.now();
        *locked(&self.now) = now + span;
        self.step(Input::Resumed(span));
        self.run();
    }

    /// The server says this unasked.
    pub fn hear(&mut self, words: &str) {
        self.take(Response {
            words: words.to_owned(),
            hangs_up: false,
        });
        self.run();
    }

    /// The link breaks.
    pub fn cut(&mut self) {
        self.take(Response {
            words: String::new(),
            hangs_up: true,
        });
        self.run();
    }

    /// The network breaks the link.
    pub fn break_link(&mut self, why: &str) {
        self.linked = false;
        self.step(Input::Closed(Some(Outage::new(OutageKind::Lost, why))));
        self.run();
    }

    /// Whether there is a link.
    pub fn is_linked(&self) -> bool {
        self.linked
    }

    fn now(&self) -> Moment {
        *locked(&self.now)
    }

    fn step(&mut self, input: Input<'_>) {
        self.advance(input);
        while let Some(order) = self.orders.pop_front() {
            self.ordered.push(order);
            self.carry_out(order);
        }
    }

    fn advance(&mut self, input: Input<'_>) {
        let step = self.engine.step(self.now(), input);
        self.orders.extend(self.maildrop.release(step));
        self.engine.think();
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Connect if self.hangs => {}
            Order::Connect => self.link(),
            Order::StartTls => self.advance(Input::TlsStarted(Ok(channel()))),
            Order::Disconnect => self.linked = false,
            Order::WriteJournal => {
                let written = self.maildrop.write_journal();
                self.advance(Input::JournalWritten(written));
            }
        }
    }

    fn link(&mut self) {
        let credential = Credential {
            login: "ann".to_owned(),
            proof: Proof::Password(Secret::new("tanstaaf".to_owned())),
        };
        self.linked = self.outage.is_none();
        let made = self.outage.clone().map_or(Ok((credential, channel())), Err);
        self.advance(Input::Connected(made));
        if self.linked {
            self.greeting = Some(self.script.greet());
        }
    }

    /// Brings the engine's words to the server, and the server's to the engine.
    fn talk(&mut self) -> bool {
        if let Some(greeting) = self.greeting.take() {
            self.take(greeting);
            return true;
        }
        let outgoing = String::from_utf8_lossy(self.engine.outgoing()).into_owned();
        self.engine.sent(outgoing.len());
        let burst: Vec<String> = outgoing.lines().map(str::to_owned).collect();
        for command in &burst {
            // What was written to a link that has broken is lost, also where there is a new one.
            if self.linked && self.greeting.is_none() {
                let response = self.script.answer(command);
                self.take(response);
            }
        }
        let talked = !burst.is_empty();
        if talked {
            self.script.bursts.push(burst);
        }
        talked
    }

    fn take(&mut self, response: Response) {
        if self.linked && !response.words.is_empty() {
            self.step(Input::Received(response.words.as_bytes()));
        }
        if self.linked && response.hangs_up {
            self.linked = false;
            self.step(Input::Closed(None));
        }
    }
}
