//! A maildrop with its engine, a [script](super::script) for a server, and a clock that stands
//! until it is moved: what the driver does, without a thread or a socket.

mod ledger;
mod line;
mod platter;
mod requests;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::clock::Moment;
use super::super::error::{Outage, OutageKind};
use super::super::event::EventKind;
use super::super::handle::{Maildrop, Surroundings};
use super::super::journal::Journal;
use super::super::mark::Mark;
use super::super::session::{Channel, Credential, Proof};
use super::super::settings::Settings;
use super::super::{Change, locked};
use super::script::{Response, Script};
use super::{Engine, Input, Order};
use crate::net::Security;
use crate::pop3::Secret;

pub(in super::super) use ledger::Ledger;
pub(in super::super) use line::Line;
pub(in super::super) use platter::Platter;
pub(in super::super) use requests::{Reply, kind, names, outcomes, verified};

/// When all begins.
const BEGINNING: Duration = Duration::from_secs(1_000_000);

/// More wakings than this in one go are a busy loop.
const WAKINGS_MAX: usize = 1000;

/// More exchanges than this in one go are one without end.
const TALKS_MAX: usize = 10_000;

/// The maildrop and all that surrounds it.
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
    /// What became of the journals that were ordered.
    written: Arc<Mutex<VecDeque<Result<(), String>>>>,
    linked: bool,
    greeting: Option<Response>,
    /// What is between the engine and the server, if anything is.
    line: Option<Line>,
}

/// Settings for a mount in clear that wants nothing special.
pub(in super::super) fn settings() -> Settings {
    let source = "pop3://ann@pop.example.org".to_owned();
    Settings {
        long: u64::MAX,
        ..Settings::new(source, Security::Cleartext)
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
        let now = Arc::new(Mutex::new(Moment::since_1970(BEGINNING)));
        let told = Arc::new(Mutex::new(Vec::new()));
        let events = Arc::new(Mutex::new(Vec::new()));
        let disk = Platter::default();
        let (clock, ears, listener, platter) =
            (now.clone(), told.clone(), events.clone(), disk.clone());
        let surroundings = Surroundings {
            now: Box::new(move || *locked(&clock)),
            wake: Box::new(|| {}),
            tell: Box::new(move |change| locked(&ears).push(change)),
            announce: Box::new(move |event| locked(&listener).push(event.kind)),
            disk: Box::new(move |task| platter.ask(task)),
            storage: Box::new(tempfile::tempfile),
        };
        let kept = (!settings.read_only).then(|| Box::new(kept) as Box<dyn Journal>);
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
            written: Arc::default(),
            linked: false,
            greeting: None,
            line: None,
        }
    }

    /// A rig that has logged in and listed.
    pub fn connected(script: Script) -> Self {
        let mut rig = Self::new(script);
        rig.connect().expect("a session");
        rig
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

    pub fn now(&self) -> Moment {
        *locked(&self.now)
    }

    fn step(&mut self, input: Input<'_>) {
        self.advance(input);
        loop {
            if let Some(order) = self.orders.pop_front() {
                self.ordered.push(order);
                self.carry_out(order);
            } else if let Some(written) = self.journal_written() {
                self.advance(Input::JournalWritten(written));
            } else {
                return;
            }
        }
    }

    fn journal_written(&self) -> Option<Result<(), String>> {
        locked(&self.written).pop_front()
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
                let (maildrop, written) = (self.maildrop.clone(), self.written.clone());
                let write = move || locked(&written).push_back(maildrop.write_journal());
                self.disk.ask(Box::new(write));
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
                let (response, now) = (self.script.answer(command), self.now());
                match &mut self.line {
                    Some(line) => line.carry(&response, now),
                    None => self.take(response),
                }
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
