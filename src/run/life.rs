//! The life of the process that serves a mount.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::{ExitStatus, MountRequest};
use crate::daemon::{self, Ready};
use crate::fs::Events;
use crate::fuse::{self, Ended, Mounted, Notifier, Rights};
use crate::keeper::{Answer, Errand, Keeper};
use crate::maildrop::{self, CommitReport, Credentials, Maildrop, StateDirectory, Terms};
use crate::net::Connector;
use crate::password::{Environment, Terminal};
use crate::signals::{self, BlockedSignals, Signal};

use super::compose::{self, Entrance, Mailbox};
use super::failure::Failure;
use super::logging;
use super::{confinement, login, privacy, route};

/// How long a commit at the end may take while the server shows life: it deletes one message in a
/// round trip where it pipelines nothing.
const COMMIT_PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a session without marks may take to be left.
const LEAVE_PATIENCE: Duration = Duration::from_secs(5);

/// How long files that are open, and copies of the mount in other namespaces, are served on after
/// the mount has gone and the commit is done: enough to read a message to its end, and not so long
/// that whoever has unmounted wonders why the process is still there.
const LINGER: Duration = Duration::from_secs(5);

/// What can happen to a mount.
enum Event {
    Signal(Signal),
    Ended(Ended),
    Committed(Result<Arc<CommitReport>, maildrop::Error>),
    Opened(Result<Mailbox, Failure>),
}

impl From<Signal> for Event {
    fn from(signal: Signal) -> Self {
        Self::Signal(signal)
    }
}

/// Mounts a mailbox and serves it to its end.
pub(super) fn mount(request: &MountRequest) -> ExitStatus {
    let result = live(request);
    let status = result.unwrap_or_else(|failure| {
        // Where nobody can be told, the status still tells.
        let _ = writeln!(io::stderr(), "pop3fs: {failure}");
        failure.status()
    });
    match status {
        ExitStatus::Ok => ExitStatus::Ok,
        _ if request.called_by_mount => ExitStatus::MountFailure,
        status => status,
    }
}

fn live(request: &MountRequest) -> Result<ExitStatus, Failure> {
    let environment = privacy::withdraw()?;
    let request = &login::with_login(request)?;
    let state = compose::state_directory(request)?;
    let ready = ready(request)?;
    logging::start(request.verbosity, log_file(request, &state)?);
    let at = fuse::prepare(&request.mountpoint, &compose::mount_options(request))?;
    let signals = signals::block().map_err(|error| Failure::System("block signals", error))?;
    let Parted {
        connector,
        credentials,
        rights,
        detach,
    } = part(request, environment, &at)?;
    let terminal = Terminal::as_it_is();
    let entrance = Entrance {
        connector,
        credentials,
        sandbox: confinement::enter(request, &state),
    };
    let (sender, events) = channel();
    forward(signals, sender.clone())?;
    let opened = open(request, &state, entrance, sender.clone(), &events);
    // Somebody may just have been asked for a password, with the echo off.
    let mailbox = opened.inspect_err(move |_| drop(terminal.inspect(Terminal::restore)))?;
    let life = Life::begin(request, mailbox, rights, sender, events)?;
    if let Err(error) = ready.announce(|| detach.run(&[]).map(drop)) {
        log::warn!("cannot go to the background: {error}");
    }
    Ok(life.serve())
}

/// In the background, returns in the process that will serve the mount.
fn ready(request: &MountRequest) -> Result<Ready, Failure> {
    if request.foreground {
        return Ok(Ready::foreground());
    }
    daemon::split().map_err(|error| Failure::System("go to the background", error))
}

/// What our process needs of the keeper, and the way to the server.
struct Parted {
    connector: Connector,
    credentials: Credentials,
    rights: Rights,
    detach: Errand,
}

/// Parts from the keeper, which is entrusted with all that we give up our rights to.
fn part(
    request: &MountRequest,
    environment: Environment,
    mount_point: &Path,
) -> Result<Parted, Failure> {
    let mut keeper = Keeper::default();
    let parted = Parted {
        connector: route::connector(request, &environment, &mut keeper)?,
        credentials: login::credentials(request, environment, &mut keeper),
        rights: Rights::entrust(&mut keeper, mount_point, &compose::mount_options(request)),
        detach: entrust_detach(&mut keeper),
    };
    let begun = keeper.begin();
    begun.map_err(|error| Failure::System("start the keeper", error))?;
    Ok(parted)
}

/// The keeper goes to the background with us.
fn entrust_detach(keeper: &mut Keeper) -> Errand {
    keeper.entrust(|_, channel| {
        let detached = daemon::detach().map(|()| Answer::default());
        // Nobody waits any more only if our process has gone.
        let _ = Answer::send_result(detached, &channel);
    })
}

fn forward(signals: BlockedSignals, sender: Sender<Event>) -> Result<(), Failure> {
    let forwarded = signals.forward(sender);
    forwarded.map_err(|error| Failure::System("start a thread", error))
}

/// Opens the mailbox aside, so that a signal can end the wait.
fn open(
    request: &MountRequest,
    state: &StateDirectory,
    entrance: Entrance,
    sender: Sender<Event>,
    events: &Receiver<Event>,
) -> Result<Mailbox, Failure> {
    let (request, state) = (request.clone(), state.clone());
    let opener = move || {
        let opened = compose::open(&request, &state, entrance);
        drop(sender.send(Event::Opened(opened)));
    };
    spawn("open", opener).map_err(|error| Failure::System("start a thread", error))?;
    loop {
        match events.recv() {
            Ok(Event::Opened(result)) => return result,
            Ok(Event::Signal(Signal::HangUp) | Event::Ended(_) | Event::Committed(_)) => {}
            Ok(Event::Signal(_)) | Err(_) => return Err(Failure::Interrupted),
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
}

/// In the background nobody sees the terminal, so what is said goes to a file.
fn log_file(request: &MountRequest, state: &StateDirectory) -> Result<Option<File>, Failure> {
    match &request.log {
        Some(path) => logging::named(path).map(Some),
        None if request.foreground => Ok(None),
        None => logging::own(state, &compose::account(request)).map(Some),
    }
}

/// What is to be done before the end.
enum Farewell {
    Commit,
    None,
}

impl Farewell {
    fn to(signal: Signal) -> Self {
        match signal {
            Signal::Quit => Self::None,
            Signal::Terminate | Signal::Interrupt | Signal::HangUp => Self::Commit,
        }
    }
}

/// A mount that is being served.
struct Life {
    maildrop: Maildrop,
    mounted: Mounted,
    sender: Sender<Event>,
    events: Receiver<Event>,
    /// What those who read `.pop3fs/events` are told.
    happenings: Events,
    telling: Notifier,
    destroyed: bool,
}

impl Life {
    fn begin(
        request: &MountRequest,
        mailbox: Mailbox,
        rights: Rights,
        sender: Sender<Event>,
        events: Receiver<Event>,
    ) -> Result<Self, Failure> {
        let Mailbox {
            maildrop,
            tree,
            notifier,
            events: happenings,
        } = mailbox;
        let options = compose::mount_options(request);
        let ended = sender.clone();
        let tell = Arc::new(move |end| drop(ended.send(Event::Ended(end))));
        let telling = notifier.clone();
        let mounted = fuse::mount(tree, notifier, rights, &options, tell)?;
        Ok(Self {
            maildrop,
            mounted,
            sender,
            events,
            happenings,
            telling,
            destroyed: false,
        })
    }

    fn serve(mut self) -> ExitStatus {
        let status = match self.wait_for_end() {
            Farewell::Commit => self.end_well(),
            Farewell::None => self.end_at_once(),
        };
        log::info!("unmounted");
        status
    }

    fn end_well(&mut self) -> ExitStatus {
        let mut status = match self.maildrop.final_commit() {
            Some(report) => status_of(&report),
            None => self.commit(),
        };
        let happenings = self.happenings.clone();
        self.telling.then(move || happenings.end());
        self.linger();
        // A container that holds a copy of the mount may have removed more meanwhile.
        if status == ExitStatus::Ok && self.maildrop.status().marked > 0 {
            status = self.commit();
        }
        self.leave();
        status
    }

    /// The server takes the link's end for what it is.
    fn end_at_once(&self) -> ExitStatus {
        match self.maildrop.status().marked {
            0 => ExitStatus::Ok,
            marked => {
                log::warn!(
                    "no commit, as it was asked for; {marked} marked messages stay in the journal"
                );
                ExitStatus::TempFail
            }
        }
    }

    fn wait_for_end(&mut self) -> Farewell {
        loop {
            match self.events.recv() {
                Ok(Event::Signal(Signal::HangUp)) => self.refresh(),
                Ok(Event::Signal(signal)) => {
                    log::info!("{signal:?}: unmounting");
                    self.detach();
                    return Farewell::to(signal);
                }
                Ok(Event::Ended(end)) => {
                    self.note(end);
                    return Farewell::Commit;
                }
                Ok(Event::Committed(_) | Event::Opened(_)) => {}
                Err(_) => return Farewell::Commit,
            }
        }
    }

    fn refresh(&self) {
        self.maildrop.refresh(Box::new(|refreshed| {
            if let Err(error) = refreshed {
                log::warn!("cannot look for new mail: {error}");
            }
        }));
    }

    fn detach(&self) {
        if let Err(error) = self.mounted.detach() {
            log::warn!("cannot unmount: {error}");
        }
    }

    fn note(&mut self, end: Ended) {
        self.destroyed |= end == Ended::Destroyed;
    }

    /// Waits for the commit's end; a signal ends the wait, and the marks stay in the journal.
    fn commit(&mut self) -> ExitStatus {
        let sender = self.sender.clone();
        self.maildrop.commit_within(
            COMMIT_PATIENCE,
            Terms::default(),
            Box::new(move |result| drop(sender.send(Event::Committed(result)))),
        );
        loop {
            match self.events.recv() {
                Ok(Event::Committed(Ok(report))) => return status_of(&report),
                Err(_) => return ExitStatus::TempFail,
                Ok(Event::Committed(Err(error))) => {
                    log::error!("commit: {error}; the marks are kept in the journal");
                    return ExitStatus::TempFail;
                }
                Ok(Event::Signal(Signal::Terminate | Signal::Interrupt | Signal::Quit)) => {
                    log::error!("commit: interrupted; the marks are kept in the journal");
                    return ExitStatus::TempFail;
                }
                Ok(Event::Ended(end)) => self.note(end),
                Ok(Event::Signal(Signal::HangUp) | Event::Opened(_)) => {}
            }
        }
    }

    fn linger(&mut self) {
        let until = Instant::now() + LINGER;
        while !self.destroyed {
            match self
                .events
                .recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                Ok(Event::Ended(end)) => self.note(end),
                Ok(Event::Signal(Signal::Terminate | Signal::Interrupt | Signal::Quit)) => return,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
                Ok(_) => {}
            }
        }
    }

    fn leave(&self) {
        let (sender, left) = channel();
        self.maildrop.leave(
            LEAVE_PATIENCE,
            Box::new(move |result| drop(sender.send(result))),
        );
        if left
            .recv_timeout(LEAVE_PATIENCE + Duration::from_secs(1))
            .is_err()
        {
            log::debug!("left without a farewell");
        }
    }
}

fn status_of(report: &CommitReport) -> ExitStatus {
    if report.complete {
        ExitStatus::Ok
    } else {
        ExitStatus::TempFail
    }
}
