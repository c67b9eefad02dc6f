//! A mailbox without a mount: our own server and the maildrop, with no socket, no thread, and a
//! clock that stands until somebody has to wait.

mod paper;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::errno::Errno;
use pop3fs::maildrop::{
    Answer, Channel, CommitReport, Credential, Engine, Error, Input, Journal, Maildrop, Moment,
    Octets, OpenMessage, Order, Place, Proof, Settings, Surroundings, Terms,
};
use pop3fs::net::Security;
use pop3fs::pop3::Secret;
use pop3fs_server::{Builder, Conversation, Message, Server};

use self::paper::Paper;
use super::log;

/// More turns than any test needs; what takes more does not end.
const TURNS_MAX: usize = 100_000;

/// A mailbox.
pub struct Unmounted {
    /// The server.
    pub server: Server,
    /// The maildrop.
    pub maildrop: Maildrop,
    engine: Engine,
    conversation: Option<Conversation>,
    /// What the server says first, and has not been heard yet.
    greeting: Option<Vec<u8>>,
    orders: VecDeque<Order>,
    journal: Paper,
    clock: Arc<Mutex<Moment>>,
    /// What was written at once, write by write.
    writes: Vec<String>,
}

/// An answer that may have come.
pub struct Slot<T>(Arc<Mutex<Option<Result<T, Error>>>>);

impl<T> Slot<T> {
    /// The answer, if it has come.
    pub fn take(&self) -> Option<Result<T, Error>> {
        self.0.lock().expect("no panic").take()
    }

    fn is_filled(&self) -> bool {
        self.0.lock().expect("no panic").is_some()
    }
}

/// The usual settings, but that nothing is fetched unasked.
pub fn settings() -> Settings {
    let source = "pop3://ann@pop.example.org".to_owned();
    Settings {
        idle: Some(Duration::from_secs(60)),
        ..Settings::new(source, Security::Cleartext)
    }
}

impl Unmounted {
    /// The mailbox of a server, which is yet to be connected to.
    pub fn new(server: Builder, settings: Settings) -> Self {
        log::listen();
        let server = server
            .login("ann", "secret")
            .aside()
            .expect("a server of messages in memory");
        let start = Moment::since_1970(Duration::from_secs(1_000_000_000));
        let clock = Arc::new(Mutex::new(start));
        let journal = Paper::default();
        let (maildrop, engine) = begin(settings, &clock, &journal);
        Self {
            server,
            maildrop,
            engine,
            conversation: None,
            greeting: None,
            orders: VecDeque::new(),
            journal,
            clock,
            writes: Vec::new(),
        }
    }

    /// The mailbox of a server, connected to.
    #[track_caller]
    pub fn of(server: Builder) -> Self {
        let mut mailbox = Self::new(server, settings());
        mailbox.connect().expect("a session");
        mailbox
    }

    /// The mailbox of a server of these messages, connected to.
    #[track_caller]
    pub fn holding(messages: &[Message]) -> Self {
        Self::of(Server::with_messages(messages.to_vec()))
    }

    /// Makes sure of a session.
    pub fn connect(&mut self) -> Result<(), Error> {
        self.ask(Maildrop::connect)
    }

    /// The link breaks.
    pub fn cut(&mut self) {
        if self.conversation.take().is_some() {
            self.step(Input::Closed(None));
        }
        self.run();
    }

    /// The server says this unasked; whether there is a link then.
    pub fn hear(&mut self, words: &str) -> bool {
        self.step(Input::Received(words.as_bytes()));
        self.run();
        self.conversation.is_some()
    }

    /// The names of the files, in order of the listing.
    pub fn names(&self) -> Vec<String> {
        self.names_in(Place::Root)
    }

    /// The names in a place, in order of the listing.
    pub fn names_in(&self, place: Place) -> Vec<String> {
        let mut names = Vec::new();
        self.maildrop.list(place, None, &mut |entry| {
            names.push(entry.name.to_string());
            ControlFlow::Continue(())
        });
        names
    }

    /// The size that a file is shown with.
    pub fn size(&self, name: &str) -> u64 {
        let entry = self.maildrop.find(Place::Root, name);
        entry.expect("a message of that name").size.shown()
    }

    /// What a program reads that reads a whole file; or the errno, in the end.
    pub fn read(&mut self, name: &str) -> Result<Vec<u8>, Errno> {
        self.read_beginning(name, usize::MAX >> 1)
    }

    /// What a program reads that looks at the first octets of a file.
    pub fn read_beginning(&mut self, name: &str, octets: usize) -> Result<Vec<u8>, Errno> {
        let slot = self.start_to_read(name, octets);
        self.finish_reading(slot)
    }

    /// What programs read that read these files all at once.
    pub fn read_at_once(&mut self, names: &[&str]) -> Vec<Result<Vec<u8>, Errno>> {
        let start = |name: &&str| self.start_to_read(name, usize::MAX >> 1);
        let slots: Vec<_> = names.iter().map(start).collect();
        let finish = |slot| self.finish_reading(slot);
        slots.into_iter().map(finish).collect()
    }

    /// Has a program read a file as soon as it is open.
    fn start_to_read(&self, name: &str, octets: usize) -> Slot<Octets> {
        let entry = self.maildrop.find(Place::Root, name);
        let id = entry.expect("a message of that name").id;
        let reading = self.maildrop.clone();
        self.post(|maildrop, answer| {
            let opened: Answer<(OpenMessage, _)> = Box::new(move |opened| match opened {
                Ok((open, _)) => reading.read(&open, 0, octets, answer),
                Err(error) => answer(Err(error)),
            });
            maildrop.open(id, opened);
        })
    }

    fn finish_reading(&mut self, slot: Slot<Octets>) -> Result<Vec<u8>, Errno> {
        self.run();
        self.wait_for(&slot);
        let octets = slot.take().expect("an answer");
        octets.map(|octets| octets.to_vec()).map_err(errno)
    }

    /// Removes a file.
    pub fn remove(&mut self, name: &str) -> Result<(), Errno> {
        let entry = self.maildrop.find(Place::Root, name);
        let id = entry.expect("a message of that name").id;
        self.ask(|maildrop, answer| maildrop.mark(id, answer))
            .map_err(errno)
    }

    /// Commits; what the commit did.
    #[track_caller]
    pub fn commit(&mut self) -> Arc<CommitReport> {
        let patience = Duration::from_secs(3600);
        self.ask(|maildrop, answer| maildrop.commit_within(patience, Terms::default(), answer))
            .expect("a report")
    }

    /// Whether something was logged that holds these words.
    pub fn logged(&self, words: &str) -> bool {
        log::has_heard(words)
    }

    /// What was written at once, write by write.
    pub fn writes(&self) -> &[String] {
        &self.writes
    }

    /// How many marks are in the journal.
    pub fn marks_written(&self) -> usize {
        self.journal.marks().len()
    }

    /// Asks for something, and lets the time pass until the answer is there.
    pub fn ask<T: Send + 'static>(
        &mut self,
        request: impl FnOnce(&Maildrop, Answer<T>),
    ) -> Result<T, Error> {
        let slot = self.begin(request);
        self.wait_for(&slot);
        slot.take().expect("an answer")
    }

    /// Asks for something, and does what can be done at once.
    pub fn begin<T: Send + 'static>(
        &mut self,
        request: impl FnOnce(&Maildrop, Answer<T>),
    ) -> Slot<T> {
        let slot = self.post(request);
        self.run();
        slot
    }

    fn post<T: Send + 'static>(&self, request: impl FnOnce(&Maildrop, Answer<T>)) -> Slot<T> {
        let slot = Slot(Arc::default());
        let answer = slot.0.clone();
        let answer = Box::new(move |result| *answer.lock().expect("no panic") = Some(result));
        request(&self.maildrop, answer);
        slot
    }

    /// Lets the time pass until the answer is there.
    fn wait_for<T>(&mut self, slot: &Slot<T>) {
        for _ in 0..TURNS_MAX {
            if slot.is_filled() {
                return;
            }
            let due = self.engine.wake_at().expect("something will happen");
            self.set_clock(due);
            self.run();
        }
        panic!("no answer: {:?}", log::heard());
    }

    /// Lets so much time pass.
    pub fn pass(&mut self, span: Duration) {
        let until = self.now() + span;
        for _ in 0..TURNS_MAX {
            let due = self.engine.wake_at().filter(|due| *due <= until);
            self.set_clock(due.unwrap_or(until));
            self.run();
            if due.is_none() {
                return;
            }
        }
        panic!("it never rests: {:?}", log::heard());
    }

    /// How much time has passed since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.now() - Moment::since_1970(Duration::from_secs(1_000_000_000))
    }

    fn now(&self) -> Moment {
        *self.clock.lock().expect("no panic")
    }

    fn set_clock(&self, moment: Moment) {
        let mut clock = self.clock.lock().expect("no panic");
        *clock = moment.max(*clock);
    }

    /// Does all that can be done at this time.
    fn run(&mut self) {
        self.step(Input::Wake);
        let turns = (0..TURNS_MAX).take_while(|_| self.talk()).count();
        assert!(turns < TURNS_MAX, "it never rests: {:?}", log::heard());
    }

    fn step(&mut self, input: Input<'_>) {
        let step = self.engine.step(self.now(), input);
        self.orders.extend(self.maildrop.release(step));
        self.engine.think();
        while let Some(order) = self.orders.pop_front() {
            self.carry_out(order);
        }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Connect => self.link(),
            Order::StartTls => self.step(Input::TlsStarted(Ok(channel()))),
            Order::Disconnect => self.conversation = None,
            Order::WriteJournal => {
                let written = self.maildrop.write_journal();
                self.step(Input::JournalWritten(written));
            }
        }
    }

    fn link(&mut self) {
        let mut conversation = self.server.converse();
        self.greeting = Some(conversation.greeting());
        self.conversation = Some(conversation);
        let credential = Credential {
            login: "ann".to_owned(),
            proof: Proof::Password(Secret::new("secret".to_owned())),
        };
        self.step(Input::Connected(Ok((credential, channel()))));
    }

    /// Brings the client's words to the server, and the server's to the client; whether there were
    /// any.
    fn talk(&mut self) -> bool {
        let Some(conversation) = &mut self.conversation else {
            return false;
        };
        let written = self.engine.outgoing().to_vec();
        let heard = match self.greeting.take() {
            Some(greeting) => greeting,
            None => conversation.say(&written),
        };
        let talked = !written.is_empty() || !heard.is_empty();
        if !written.is_empty() {
            self.engine.sent(written.len());
            self.writes
                .push(String::from_utf8_lossy(&written).into_owned());
        }
        let ended = self.has_ended();
        if !heard.is_empty() {
            self.step(Input::Received(&heard));
        }
        // The step may have left this link, and made another.
        if ended && self.has_ended() {
            self.conversation = None;
            self.step(Input::Closed(None));
        }
        talked || ended
    }

    fn has_ended(&mut self) -> bool {
        let conversation = self.conversation.as_mut();
        conversation.is_some_and(|conversation| {
            conversation.settle();
            !conversation.is_open()
        })
    }
}

fn begin(settings: Settings, clock: &Arc<Mutex<Moment>>, journal: &Paper) -> (Maildrop, Engine) {
    let clock = clock.clone();
    let surroundings = Surroundings {
        now: Box::new(move || *clock.lock().expect("no panic")),
        wake: Box::new(|| {}),
        tell: Box::new(drop),
        announce: Box::new(drop),
        disk: Box::new(|task| task()),
        storage: Box::new(tempfile::tempfile),
    };
    let inherited = journal.marks();
    let journal: Option<Box<dyn Journal>> = Some(Box::new(journal.clone()));
    Maildrop::new(settings, surroundings, journal, inherited)
}

fn channel() -> Channel {
    Channel {
        host: "pop.example.org".to_owned(),
        port: 110,
        nonce: "0123456789abcdef".to_owned(),
        tls: None,
        binding: None,
    }
}

/// What a program is told.
pub fn errno(error: Error) -> Errno {
    pop3fs::fs::Error::from(error).errno()
}
