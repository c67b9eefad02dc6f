//! The one thread that owns the session: it has the stream and the time that the
//! [engine](super::engine) is kept from.

use std::io;
use std::mem;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::net::{Alert, Connector, NetError, Progress, ProxyFault, Stream};
use crate::pop3::text;

use super::alarm::Alarm;
use super::attempts::Attempts;
use super::clock::Slumber;
use super::engine::{Engine, Input, Order};
use super::error::{Outage, OutageKind};
use super::handle::Maildrop;
use super::last_resort::LastResort;
use super::session::{Channel, Credential};

/// How long an address and its TLS handshake may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// What is read at once: enough for the kernel's socket buffer, and short under the lock.
const BUFFER: usize = 128 * 1024;

/// Reads before what is to be written, and who else has asked, get their turn.
const READS_MAX: usize = 8;

/// Less than this is not sleep, but the clocks being read one after the other.
const NAP: Duration = Duration::from_secs(1);

/// Where the system cannot wait, for want of memory say, it is looked again after this: soon enough for
/// those who wait, and not so often that it costs anything.
const BLIND_PAUSE: Duration = Duration::from_secs(1);

/// Gives who logs in. Asked again for each session, for tokens expire.
pub type Credentials = Arc<dyn Fn() -> Result<Credential, Outage> + Send + Sync>;

/// Runs an engine over a real link.
pub struct Driver {
    engine: Engine,
    maildrop: Maildrop,
    connector: Arc<Connector>,
    credentials: Credentials,
    stream: Option<Stream>,
    attempts: Attempts<Made>,
    /// What became of the journals that were ordered.
    written: (Sender<Written>, Receiver<Written>),
    bell: Arc<EventFd>,
    alarm: Alarm,
    slumber: Slumber,
    /// Whether the link may hold octets that poll(2) does not know of, or that were left for later.
    has_more: bool,
    /// Whether the system could not wait the last time.
    is_blind: bool,
}

/// What has ended a wait.
struct Woken {
    /// There is something to read.
    by_link: bool,
    /// Somebody has asked for something, or it is time.
    otherwise: bool,
}

/// What became of a journal.
type Written = Result<(), String>;

/// What a thread that may block has come to.
enum Made {
    Link(Result<(Stream, Credential, Channel), Outage>),
    Tls(Result<(Stream, Channel), Outage>),
}

impl Woken {
    /// Nobody knows by what.
    const BLINDLY: Self = Self {
        by_link: true,
        otherwise: true,
    };
}

impl Driver {
    /// A bell that wakes the driver: for [`Surroundings::wake`](super::Surroundings).
    ///
    /// # Errors
    /// The system has no descriptor left.
    pub fn bell() -> io::Result<Arc<EventFd>> {
        Ok(Arc::new(EventFd::from_flags(
            EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC,
        )?))
    }

    /// Rings it.
    pub fn ring(bell: &EventFd) {
        // It can only fail when it has been rung 2^64 times; then it rings.
        let _ = bell.write(1);
    }

    /// Starts the driver's thread, which ends with the process.
    ///
    /// # Errors
    /// No thread could be made, or the system has no descriptor left.
    pub fn start(
        engine: Engine,
        maildrop: Maildrop,
        connector: Connector,
        credentials: Credentials,
        bell: Arc<EventFd>,
    ) -> io::Result<()> {
        let connector = Arc::new(connector);
        let driver = Self {
            engine,
            maildrop,
            connector,
            credentials,
            stream: None,
            attempts: Attempts::new(),
            written: mpsc::channel(),
            bell,
            alarm: Alarm::new()?,
            slumber: Slumber::new(),
            has_more: false,
            is_blind: false,
        };
        thread::Builder::new()
            .name("session".to_owned())
            .spawn(move || {
                let _last_resort = LastResort;
                driver.run()
            })
            .map(drop)
    }

    fn run(mut self) {
        let mut buffer = vec![0; BUFFER];
        loop {
            let woken = self.wait();
            let slept = self.slumber.look();
            if slept > NAP {
                self.step(Input::Resumed(slept));
            }
            if woken.otherwise {
                self.look_around();
            }
            if woken.by_link || self.has_more {
                self.read(&mut buffer);
            }
            self.write();
        }
    }

    fn look_around(&mut self) {
        while let Some(made) = self.attempts.take() {
            self.take(made);
        }
        while let Ok(written) = self.written.1.try_recv() {
            self.step(Input::JournalWritten(written));
        }
        self.step(Input::Wake);
    }

    /// Waits for the link, the bell or the time.
    fn wait(&mut self) -> Woken {
        self.set_alarm();
        let mut descriptors = vec![
            PollFd::new(self.bell.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.alarm.as_fd(), PollFlags::POLLIN),
        ];
        // The server waits where the disk does not take what it gives.
        let is_behind = self.maildrop.is_disk_behind();
        if let Some(stream) = self.stream.as_ref().filter(|_| !is_behind) {
            let mut events = PollFlags::POLLIN;
            events.set(PollFlags::POLLOUT, !self.engine.outgoing().is_empty());
            descriptors.push(PollFd::new(stream.as_fd(), events));
        }
        let polled = poll(&mut descriptors, PollTimeout::NONE);
        let is_ready = |at: usize| descriptors.get(at).and_then(PollFd::any) == Some(true);
        let (has_rung, has_gone_off, by_link) = (is_ready(0), is_ready(1), is_ready(2));
        match polled {
            Ok(_) | Err(Errno::EINTR) => self.is_blind = false,
            Err(error) => {
                self.wait_blindly(error);
                return Woken::BLINDLY;
            }
        }
        if has_gone_off {
            self.alarm.acknowledge();
        }
        if has_rung {
            let _ = self.bell.read();
        }
        Woken {
            by_link,
            otherwise: has_rung || has_gone_off,
        }
    }

    fn set_alarm(&mut self) {
        let now = (self.maildrop.shared().surroundings.now)();
        if let Some(moment) = self.engine.wake_at()
            && let Err(error) = self.alarm.set(moment, now)
        {
            log::error!("cannot set the alarm: {error}");
        }
    }

    /// Everything goes on as if something had happened, only slowly. That is told once.
    fn wait_blindly(&mut self, error: Errno) {
        if !mem::replace(&mut self.is_blind, true) {
            log::error!("cannot wait for the server: {error}; it is looked at once a second");
        }
        thread::sleep(BLIND_PAUSE);
    }

    fn step(&mut self, input: Input<'_>) {
        let now = (self.maildrop.shared().surroundings.now)();
        let step = self.engine.step(now, input);
        for order in self.maildrop.release(step) {
            self.carry_out(order);
        }
        self.engine.think();
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Connect => self.connect(),
            Order::StartTls => self.start_tls(),
            Order::Disconnect => self.disconnect(),
            Order::WriteJournal => self.write_journal(),
        }
    }

    /// The thread that may wait for the disk does that.
    fn write_journal(&self) {
        let (maildrop, bell) = (self.maildrop.clone(), self.bell.clone());
        let written = self.written.0.clone();
        let write = move || {
            // Nobody is there to be told only where the process ends.
            let _ = written.send(maildrop.write_journal());
            Self::ring(&bell);
        };
        (self.maildrop.shared().surroundings.disk)(Box::new(write));
    }

    fn disconnect(&mut self) {
        self.attempts.give_up();
        self.stream.take().into_iter().for_each(Stream::shutdown);
    }

    fn connect(&mut self) {
        let (connector, credentials) = (self.connector.clone(), self.credentials.clone());
        let make = move || {
            let credential = credentials()?;
            let stream = connector.connect(CONNECT_TIMEOUT).map_err(outage)?;
            let channel = channel(&connector, &stream)?;
            Ok((stream, credential, channel))
        };
        self.aside(make, Made::Link);
    }

    fn start_tls(&mut self) {
        let Some(stream) = self.stream.take() else {
            return;
        };
        let connector = self.connector.clone();
        let make = move || {
            let secured = connector.start_tls(stream, CONNECT_TIMEOUT);
            let stream = secured.map_err(outage)?;
            let channel = channel(&connector, &stream)?;
            Ok((stream, channel))
        };
        self.aside(make, Made::Tls);
    }

    /// The name service and a password command block, and a handshake takes its time.
    fn aside<T: 'static>(
        &self,
        make: impl FnOnce() -> Result<T, Outage> + Send + 'static,
        made: fn(Result<T, Outage>) -> Made,
    ) {
        let bell = self.bell.clone();
        let fail = |error| {
            let words = format!("cannot start a thread to connect: {error}");
            made(Err(Outage::new(OutageKind::Local, words)))
        };
        let ring = move || Self::ring(&bell);
        self.attempts.begin(move || made(make()), fail, ring);
    }

    fn take(&mut self, made: Made) {
        match made {
            Made::Link(Ok((stream, credential, channel))) => {
                self.hold(stream);
                self.step(Input::Connected(Ok((credential, channel))));
            }
            Made::Link(Err(outage)) => self.step(Input::Connected(Err(outage))),
            Made::Tls(Ok((stream, channel))) => {
                self.hold(stream);
                self.step(Input::TlsStarted(Ok(channel)));
            }
            Made::Tls(Err(outage)) => self.step(Input::TlsStarted(Err(outage))),
        }
    }

    fn hold(&mut self, stream: Stream) {
        self.stream = Some(stream);
        self.has_more = true;
    }

    fn read(&mut self, buffer: &mut [u8]) {
        if self.maildrop.is_disk_behind() {
            return;
        }
        self.has_more = false;
        for _ in 0..READS_MAX {
            self.write();
            let Some(stream) = &mut self.stream else {
                return;
            };
            if self.engine.is_lock_step() {
                stream.quick_ack();
            }
            match stream.read(buffer) {
                Ok(Progress::Octets(octets)) => {
                    let is_empty = stream.is_empty_after(octets, buffer.len());
                    self.step(Input::Received(buffer.get(..octets).unwrap_or_default()));
                    if is_empty {
                        return;
                    }
                }
                Ok(Progress::WouldBlock) => return,
                Ok(Progress::Closed) => {
                    let words = stream.last_words();
                    let why = words.map(|words| Outage::new(OutageKind::Lost, words));
                    return self.closed(why);
                }
                Err(error) => return self.closed(broken(&error)),
            }
        }
        self.has_more = true;
        Self::ring(&self.bell);
    }

    fn write(&mut self) {
        while let Some(stream) = self
            .stream
            .as_mut()
            .filter(|_| !self.engine.outgoing().is_empty())
        {
            match stream.write(self.engine.outgoing()) {
                Ok(Progress::Octets(octets)) => self.engine.sent(octets),
                Ok(Progress::WouldBlock | Progress::Closed) => return,
                // What the server still had to say is read before its end is noticed.
                Err(error) => return log::debug!("cannot write to the server: {error}"),
            }
        }
    }

    fn closed(&mut self, why: Option<Outage>) {
        self.stream = None;
        self.step(Input::Closed(why));
    }
}

/// What a login over this link has to know of it.
fn channel(connector: &Connector, stream: &Stream) -> Result<Channel, Outage> {
    let endpoint = connector.endpoint();
    Ok(Channel {
        host: endpoint.host.clone(),
        port: endpoint.port,
        nonce: nonce()?,
        tls: stream.tls_version(),
        binding: stream.channel_binding(),
    })
}

/// 128 bits that nobody can guess, in hexadecimal.
fn nonce() -> Result<String, Outage> {
    let mut octets = [0; 16];
    match getrandom::fill(&mut octets) {
        Ok(()) => Ok(text::hexadecimal(&octets)),
        Err(error) => {
            let words = format!("the system has no random numbers: {error}");
            Err(Outage::new(OutageKind::Local, words))
        }
    }
}

/// How a link was broken; nothing where the server has hung up without a word.
fn broken(error: &io::Error) -> Option<Outage> {
    let by_server = [
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::BrokenPipe,
    ];
    if let Some(alert) = Alert::of(error) {
        return Some(Outage::new(OutageKind::Tls, alert.to_string()));
    }
    if by_server.contains(&error.kind()) {
        log::debug!("the server has hung up: {error}");
        return None;
    }
    let words = format!("the link to the server broke: {error}");
    Some(Outage::new(OutageKind::Lost, words))
}

fn outage(error: NetError) -> Outage {
    let kind = match &error {
        NetError::Resolve { .. } => OutageKind::NoHost,
        NetError::Proxy {
            fault: ProxyFault::NoPassword(_),
            ..
        } => OutageKind::NoPassword,
        NetError::Connect { .. }
        | NetError::NoProxy(_)
        | NetError::Proxy { .. }
        | NetError::TimedOut { .. } => OutageKind::Unreachable,
        NetError::ProgramFailed(_) => OutageKind::Lost,
        NetError::Certificate { .. }
        | NetError::Fingerprint { .. }
        | NetError::Handshake { .. } => OutageKind::Tls,
        NetError::CaFile { .. }
        | NetError::ClientCertificate { .. }
        | NetError::Program { .. }
        | NetError::Io(_) => OutageKind::Local,
    };
    Outage::new(kind, error.to_string())
}
