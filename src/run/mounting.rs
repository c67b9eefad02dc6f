//! From what is asked for to a mount that is served.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::cli::{ExitStatus, MountRequest};
use crate::daemon::{self, Ready};
use crate::fuse::{self, Rights};
use crate::keeper::{Answer, Errand, Keeper, Vigil};
use crate::maildrop::{Credentials, Maildrop, StateDirectory, Storage};
use crate::net::Connector;
use crate::password::{Environment, Terminal};
use crate::signals::{self, BlockedSignals, Signal};

use super::compose::{self, Entrance, Mailbox};
use super::failure::Failure;
use super::journal::EntrustedDrafts;
use super::life::{Event, Life};
use super::{confinement, journal, logging, login, privacy, route, storage};

/// Whoever has started the program waits so long, once there is nothing left for them to do, before they
/// are told that it waits, too.
const SILENCE: Duration = Duration::from_secs(5);

/// Mounts a mailbox and serves it to its end.
pub(super) fn mount(request: &MountRequest) -> ExitStatus {
    let result = live(request);
    log::logger().flush();
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
    let log = logging::start(request.verbosity, log_file(request, &state)?);
    let at = fuse::prepare(&request.mountpoint, &compose::mount_options(request))?;
    let signals = signals::block().map_err(|error| Failure::System("block signals", error))?;
    let lock = journal::lock(request, &state)?;
    let Parted {
        connector,
        credentials,
        storage,
        drafts,
        rights,
        detach,
        vigil,
    } = part(request, environment, &state, &at)?;
    let terminal = Terminal::as_it_is();
    let entrance = Entrance {
        connector,
        credentials,
        storage,
        marks: journal::open(lock, drafts)?,
        sandbox: confinement::enter(request),
    };
    let (sender, events) = channel();
    forward(signals, sender.clone())?;
    let mailbox = open(request, entrance, sender.clone())?;
    let listed = wait_for_listing(request, &mailbox.maildrop, &events);
    // Somebody may just have been asked for a password, with the echo off.
    listed.inspect_err(move |_| drop(terminal.inspect(Terminal::restore)))?;
    watch(vigil, mailbox.maildrop.clone())?;
    // Until now there was nobody who would have been kept waiting.
    log.write_aside().map_err(no_thread)?;
    // Nobody is asked for a password on the terminal any more.
    let detaching = (!request.foreground).then(|| detach.begin(&[]));
    let life = Life::begin(request, mailbox, rights, sender, events)?;
    let detached = || detaching.map_or(Ok(()), |begun| begun?.answer().map(drop));
    if let Err(error) = ready.announce(detached) {
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
    storage: Box<Storage>,
    drafts: EntrustedDrafts,
    rights: Rights,
    detach: Errand,
    vigil: Vigil,
}

/// Parts from the keeper, which is entrusted with all that we give up our rights to.
fn part(
    request: &MountRequest,
    mut environment: Environment,
    state: &StateDirectory,
    mount_point: &Path,
) -> Result<Parted, Failure> {
    let mut keeper = Keeper::default();
    Ok(Parted {
        connector: route::connector(request, &mut environment, &mut keeper)?,
        credentials: login::credentials(request, environment, &mut keeper),
        storage: storage::entrust(&mut keeper),
        drafts: journal::entrust(&mut keeper, request, state),
        rights: Rights::entrust(&mut keeper, mount_point, &compose::mount_options(request)),
        detach: entrust_detach(&mut keeper),
        vigil: begin(keeper)?,
    })
}

fn begin(keeper: Keeper) -> Result<Vigil, Failure> {
    let begun = keeper.begin();
    begun.map_err(|error| Failure::System("start the keeper", error))
}

/// The keeper goes to the background with us.
fn entrust_detach(keeper: &mut Keeper) -> Errand {
    keeper.entrust(|_, channel| {
        let detached = daemon::detach().map(|()| Answer::default());
        // Nobody waits any more only if our process has gone.
        let _ = Answer::send_result(detached, &channel);
    })
}

/// Without the keeper the mailbox is served on, but not for long.
fn watch(vigil: Vigil, maildrop: Maildrop) -> Result<(), Failure> {
    let tell = move || {
        log::error!("the keeper is gone, so nobody can log in again; unmount, and mount again");
        maildrop.lose_keeper();
    };
    let watched = vigil.start(tell);
    watched.map_err(no_thread)
}

fn forward(signals: BlockedSignals, sender: Sender<Event>) -> Result<(), Failure> {
    let forwarded = signals.forward(sender);
    forwarded.map_err(no_thread)
}

fn open(
    request: &MountRequest,
    entrance: Entrance,
    sender: Sender<Event>,
) -> Result<Mailbox, Failure> {
    let entrance = Entrance {
        credentials: announced(entrance.credentials, sender.clone()),
        ..entrance
    };
    // Nobody listens any more only if the process has been told to end.
    let tell = move |listed| drop(sender.send(Event::Listed(listed)));
    compose::open(request, entrance, tell)
}

/// The same, and those who wait learn when somebody may be typing.
fn announced(credentials: Credentials, sender: Sender<Event>) -> Credentials {
    Arc::new(move || {
        let _ = sender.send(Event::Asking(true));
        let found = credentials();
        let _ = sender.send(Event::Asking(false));
        found
    })
}

/// A signal ends the wait.
fn wait_for_listing(
    request: &MountRequest,
    maildrop: &Maildrop,
    events: &Receiver<Event>,
) -> Result<(), Failure> {
    let mut patience = Duration::MAX;
    loop {
        match events.recv_timeout(patience) {
            Ok(Event::Listed(result)) => return result,
            Ok(Event::Asking(true)) => patience = Duration::MAX,
            Ok(Event::Asking(false)) => patience = SILENCE,
            Err(RecvTimeoutError::Timeout) => {
                excuse(request, maildrop);
                patience = Duration::MAX;
            }
            Ok(Event::Signal(Signal::HangUp) | Event::Ended(_) | Event::Committed(_)) => {}
            Ok(Event::Signal(_)) | Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::Interrupted);
            }
        }
    }
}

/// Says why nothing happens.
fn excuse(request: &MountRequest, maildrop: &Maildrop) {
    let source = &request.source;
    if maildrop.status().link.transfer.received == 0 {
        log::warn!("{source} has not answered yet; still waiting");
    } else {
        log::warn!("{source} has not listed the mailbox yet; still waiting");
    }
}

fn no_thread(error: io::Error) -> Failure {
    Failure::System("start a thread", error)
}

/// In the background nobody sees the terminal, so what is said goes to a file.
fn log_file(request: &MountRequest, state: &StateDirectory) -> Result<Option<File>, Failure> {
    match &request.log {
        Some(path) => logging::named(path).map(Some),
        None if request.foreground => Ok(None),
        None => logging::own(state, &compose::account(request)).map(Some),
    }
}
