//! A maildrop with its engine, as one mount has them: what the driver does, without a thread, a
//! socket or a clock.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pop3fs::maildrop::{
    Channel, Credential, Engine, Entry, Input, Journal, Maildrop, Mark, Moment, Order, Outage,
    OutageKind, Place, Proof, Record, Settings, Surroundings,
};
use pop3fs::net::Security;
use pop3fs::pop3::Secret;

use super::printable::PASSWORD;

/// More than this without time passing is a loop without end.
const STEPS_MAX: usize = 10_000;

/// When all begins; milliseconds since 1970.
const BEGINNING: u64 = 1_700_000_000_000;

/// The marks that are written down; all clones are the same ones.
#[derive(Clone, Default)]
pub struct Paper(Arc<Mutex<Page>>);

#[derive(Default)]
struct Page {
    marks: BTreeSet<Mark>,
    draft: BTreeSet<Mark>,
    is_full: bool,
}

impl Paper {
    /// From now on nothing can be written; or it can again.
    pub fn turn_over(&self) {
        let page = &mut *self.0.lock().unwrap();
        page.is_full = !page.is_full;
    }

    fn marks(&self) -> Vec<Mark> {
        self.0.lock().unwrap().marks.iter().cloned().collect()
    }

    fn write(&self, change: impl FnOnce(&mut Page)) -> io::Result<()> {
        let page = &mut *self.0.lock().unwrap();
        if page.is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        change(page);
        Ok(())
    }
}

impl Journal for Paper {
    fn append(&self, record: &Record) -> io::Result<()> {
        self.write(|page| match record {
            Record::Marked(mark) => drop(page.marks.insert(mark.clone())),
            Record::Unmarked(mark) => drop(page.marks.remove(mark)),
        })
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    fn draft(&self, marks: &[Mark]) -> io::Result<()> {
        self.write(|page| page.draft = marks.iter().cloned().collect())
    }

    fn adopt(&self) -> io::Result<()> {
        self.write(|page| page.marks = std::mem::take(&mut page.draft))
    }
}

/// A mount.
pub struct Rig {
    pub maildrop: Maildrop,
    pub paper: Paper,
    /// What the client has written in the present session.
    pub written: Vec<u8>,
    /// What the server has said in it.
    pub heard: Vec<u8>,
    pub sessions: usize,
    /// Why the next link cannot be made, if it cannot.
    pub outage: Option<OutageKind>,
    engine: Engine,
    settings: Settings,
    clock: Arc<AtomicU64>,
    woken: Arc<AtomicBool>,
    is_linked: bool,
    orders: VecDeque<Order>,
}

/// Settings of a mount in clear that wants nothing special.
pub fn settings() -> Settings {
    let source = "pop3://ann@pop.example.org".to_owned();
    Settings {
        long: u64::MAX,
        ..Settings::new(source, Security::Cleartext)
    }
}

impl Rig {
    /// A mount that has not connected yet.
    pub fn new(settings: Settings) -> Self {
        let clock = Arc::new(AtomicU64::new(BEGINNING));
        let woken = Arc::new(AtomicBool::new(false));
        let paper = Paper::default();
        let (maildrop, engine) = start(&settings, &clock, &woken, &paper);
        Self {
            maildrop,
            paper,
            written: Vec::new(),
            heard: Vec::new(),
            sessions: 0,
            outage: None,
            engine,
            settings,
            clock,
            woken,
            is_linked: false,
            orders: VecDeque::new(),
        }
    }

    /// The process is killed, and another one started.
    pub fn restart(&mut self) {
        self.woken.store(false, Ordering::Relaxed);
        (self.maildrop, self.engine) = start(&self.settings, &self.clock, &self.woken, &self.paper);
        self.is_linked = false;
        self.orders.clear();
    }

    pub fn now(&self) -> Moment {
        moment(&self.clock)
    }

    /// The server says something.
    pub fn hear(&mut self, octets: &[u8]) {
        self.settle();
        if self.is_linked && !octets.is_empty() {
            self.heard.extend_from_slice(octets);
            self.step(Input::Received(octets));
        }
        self.settle();
    }

    /// The link ends: the server has hung up, or this has happened.
    pub fn cut(&mut self, why: Option<Outage>) {
        self.settle();
        if std::mem::take(&mut self.is_linked) {
            self.step(Input::Closed(why));
        }
        self.settle();
    }

    /// The machine sleeps.
    pub fn sleep(&mut self, span: Duration) {
        self.settle();
        self.advance(self.now() + span);
        self.step(Input::Resumed(span));
        self.settle();
    }

    /// Time passes, and all happens that is due meanwhile.
    pub fn wait(&mut self, span: Duration) {
        let end = self.now() + span;
        for _ in 0..STEPS_MAX {
            self.settle();
            let Some(next) = self.engine.wake_at().filter(|next| *next <= end) else {
                return self.advance(end);
            };
            self.advance(next);
            self.step(Input::Wake);
        }
        panic!("the engine asks for a step again and again");
    }

    /// All that can happen before time passes.
    pub fn settle(&mut self) {
        for _ in 0..STEPS_MAX {
            if let Some(order) = self.orders.pop_front() {
                self.carry_out(order);
            } else if self.woken.swap(false, Ordering::Relaxed) {
                self.step(Input::Wake);
            } else {
                return;
            }
        }
        panic!("the engine does not come to rest");
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

    fn step(&mut self, input: Input<'_>) {
        assert!(self.orders.is_empty());
        let step = self.engine.step(self.now(), input);
        self.orders.extend(self.maildrop.release(step));
        self.engine.think();
        let octets = self.engine.outgoing().len();
        assert!(octets == 0 || self.is_linked);
        self.written.extend_from_slice(self.engine.outgoing());
        self.engine.sent(octets);
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Connect => self.connect(),
            Order::StartTls => {
                assert!(self.is_linked);
                self.step_within(Input::TlsStarted(Ok(channel(Some("TLSv1.3")))));
            }
            Order::Disconnect => self.is_linked = false,
            Order::WriteJournal => {
                let written = self.maildrop.write_journal();
                self.step_within(Input::JournalWritten(written));
            }
        }
    }

    fn connect(&mut self) {
        assert!(!self.is_linked, "a second link was ordered");
        let made = match self.outage.take() {
            Some(kind) => Err(Outage::new(kind, "no way")),
            None => Ok((credential(), channel(self.implicit_tls()))),
        };
        self.is_linked = made.is_ok();
        self.sessions += 1;
        self.written.clear();
        self.heard.clear();
        self.step_within(Input::Connected(made));
    }

    /// A step between the orders of another.
    fn step_within(&mut self, input: Input<'_>) {
        let later = std::mem::take(&mut self.orders);
        self.step(input);
        self.orders.extend(later);
    }

    fn implicit_tls(&self) -> Option<&'static str> {
        (self.settings.security == Security::ImplicitTls).then_some("TLSv1.3")
    }

    fn advance(&self, moment: Moment) {
        let ahead = (moment - self.now()).as_micros().div_ceil(1000);
        let ahead = u64::try_from(ahead).expect("a span of time");
        self.clock.fetch_add(ahead, Ordering::Relaxed);
    }
}

fn start(
    settings: &Settings,
    clock: &Arc<AtomicU64>,
    woken: &Arc<AtomicBool>,
    paper: &Paper,
) -> (Maildrop, Engine) {
    let (time, bell) = (clock.clone(), woken.clone());
    let surroundings = Surroundings {
        now: Box::new(move || moment(&time)),
        wake: Box::new(move || bell.store(true, Ordering::Relaxed)),
        tell: Box::new(drop),
        announce: Box::new(drop),
        disk: Box::new(|task| task()),
        storage: Box::new(tempfile::tempfile),
    };
    let journal = Box::new(paper.clone());
    Maildrop::new(settings.clone(), surroundings, Some(journal), paper.marks())
}

fn moment(clock: &AtomicU64) -> Moment {
    Moment::since_1970(Duration::from_millis(clock.load(Ordering::Relaxed)))
}

fn credential() -> Credential {
    Credential {
        login: "ann".to_owned(),
        proof: Proof::Password(Secret::new(PASSWORD.to_owned())),
    }
}

fn channel(tls: Option<&'static str>) -> Channel {
    Channel {
        host: "pop.example.org".to_owned(),
        port: 110,
        nonce: "rOprNGfwEbeRWgbNEkqO".to_owned(),
        tls,
        binding: None,
    }
}
