//! The parts of a mount, put together.

use std::env::home_dir;
use std::fs::metadata;
use std::hash::{BuildHasher, RandomState};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::unistd::{getgid, getuid};

use crate::cli::MountRequest;
use crate::fs::{self, Events, Tree};
use crate::fuse::{MountOptions, Notifier};
use crate::maildrop::{
    Clock, Credentials, Disk, Driver, Error, Event, IN_MEMORY, LONG, Maildrop, OutageKind,
    Settings, StateDirectory, Storage, Surroundings,
};
use crate::net::Connector;

use super::failure::Failure;
use super::journal::Marks;
use super::{login, route};

/// Permission bits of a message: the mounter's own, and writable, so that rm does not ask.
const MODE: u16 = 0o600;

/// Where a user's state is kept, by the XDG Base Directory Specification.
const BELOW_HOME: &str = ".local/state/pop3fs";

/// How long the first listing may take: a password has to be typed, and servers take minutes over a
/// large maildrop. One that says nothing is given up by the session long before.
const LISTING_PATIENCE: Duration = Duration::from_secs(15 * 60);

/// A mailbox that is listed or will be, and what is needed to show it.
pub(super) struct Mailbox {
    pub maildrop: Maildrop,
    pub tree: Arc<Tree>,
    pub notifier: Notifier,
    pub events: Events,
}

/// The way to the server, and in.
pub(super) struct Entrance {
    pub connector: Connector,
    pub credentials: Credentials,
    /// Where messages are kept that are too long for memory.
    pub storage: Box<Storage>,
    pub marks: Marks,
    /// What the process has given up.
    pub sandbox: Vec<&'static str>,
}

/// Begins to log in and to list; `listed` is told when that has succeeded or failed, once.
pub(super) fn open(
    request: &MountRequest,
    entrance: Entrance,
    listed: impl FnOnce(Result<(), Failure>) + Send + 'static,
) -> Result<Mailbox, Failure> {
    let Entrance {
        connector,
        credentials,
        storage,
        marks: (journal, inherited),
        sandbox,
    } = entrance;
    let notifier = Notifier::new();
    let bell = Driver::bell().map_err(|error| Failure::System("make an eventfd", error))?;
    let disk = Disk::start().map_err(|error| Failure::System("start a thread", error))?;
    let clock = Clock::start();
    let events = Events::default();
    let (driver_bell, kernel) = (bell.clone(), notifier.clone());
    let surroundings = Surroundings {
        now: Box::new(move || clock.now()),
        wake: Box::new(move || Driver::ring(&driver_bell)),
        tell: Box::new(move |change| kernel.tell(&change)),
        announce: Box::new(announcer(&events, &notifier)),
        disk: Box::new(move |task| disk.ask(task)),
        storage,
    };
    let (maildrop, engine) =
        Maildrop::new(settings(request, sandbox), surroundings, journal, inherited);
    Driver::start(engine, maildrop.clone(), connector, credentials, bell)
        .map_err(|error| Failure::System("start a thread", error))?;
    list(request, &maildrop, listed);
    let tree = Arc::new(Tree::new(
        maildrop.clone(),
        appearance(request, clock.now().unix_seconds()),
        events.clone(),
    ));
    Ok(Mailbox {
        maildrop,
        tree,
        notifier,
        events,
    })
}

/// Tells those who read of events, after the kernel: whoever hears of one sees it in the tree.
fn announcer(events: &Events, notifier: &Notifier) -> impl Fn(Event) + Send + Sync + use<> {
    let (events, notifier) = (events.clone(), notifier.clone());
    move |event| {
        if let Some(news) = events.news(event) {
            notifier.then(move || news.tell());
        }
    }
}

/// How it is to be mounted.
pub(super) fn mount_options(request: &MountRequest) -> MountOptions {
    MountOptions {
        fsname: request.source.to_string(),
        read_only: request.read_only,
        allow_other: request.allow_other,
        nonempty: request.nonempty,
    }
}

/// Where marks and logs are kept: the XDG Base Directory Specification's place for state. Made if
/// it is not there, for nobody else to look into. Root can have the environment of another user, as from
/// sudo(8), and leaves nothing in that one's home.
pub(super) fn state_directory(request: &MountRequest) -> Result<StateDirectory, Failure> {
    let given = request.state_directory.clone();
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute() && (!getuid().is_root() || belongs_to_root(path)))
    };
    let directory = given
        .or_else(|| absolute("XDG_STATE_HOME").map(|path| path.join("pop3fs")))
        .or_else(|| absolute("HOME").map(|home| home.join(BELOW_HOME)))
        .or_else(|| getuid().is_root().then(|| "/var/lib/pop3fs".into()))
        // mount(8) takes HOME from users whom fstab lets mount.
        .or_else(|| {
            home_dir()
                .filter(|home| home.is_absolute())
                .map(|home| home.join(BELOW_HOME))
        })
        .ok_or(Failure::NoStateDirectory)?;
    Ok(StateDirectory::make(directory)?)
}

/// What is not there yet belongs to whom the directory belongs that it would be made in.
fn belongs_to_root(path: &Path) -> bool {
    let mut there = path.ancestors().filter_map(|it| metadata(it).ok());
    there.next().is_some_and(|it| it.uid() == 0)
}

/// What the account's own files are named for.
pub(super) fn account(request: &MountRequest) -> String {
    let source = &request.source;
    let login = source.login.as_deref().unwrap_or_default();
    format!("{login}@{}:{}", source.host, source.port)
}

fn list(
    request: &MountRequest,
    maildrop: &Maildrop,
    listed: impl FnOnce(Result<(), Failure>) + Send + 'static,
) {
    let source = request.source.to_string();
    let failure = |error| match error {
        Error::Offline(outage) if outage.kind == OutageKind::Interrupted => Failure::Interrupted,
        error => Failure::Server(source, error),
    };
    maildrop.connect_within(
        LISTING_PATIENCE,
        Box::new(move |result| listed(result.map_err(failure))),
    );
}

fn settings(request: &MountRequest, sandbox: Vec<&'static str>) -> Settings {
    Settings {
        source: request.source.to_string(),
        sandbox,
        security: route::security(request),
        method: login::method(request),
        language: request.language.clone(),
        suffix: request.suffix.clone(),
        cache_size: usize::try_from(request.cache_size).unwrap_or(usize::MAX),
        in_memory: IN_MEMORY,
        read_ahead: request.read_ahead,
        message_max: request.message_max,
        long: LONG,
        top: request.top,
        timeout: request.timeout,
        idle: request.idle,
        seed: seed(),
        refresh: request.refresh,
        read_only: request.read_only,
        verify_commit: request.verify_commit,
        commit_every: request.commit_every,
        delete_guard: request.delete_guard,
        exact_sizes: request.exact_sizes,
    }
}

/// Another one in each process: the keys that the standard library hashes with are drawn at random.
fn seed() -> u64 {
    RandomState::new().hash_one(())
}

fn appearance(request: &MountRequest, since: i64) -> fs::Settings {
    fs::Settings {
        uid: request.uid.unwrap_or_else(|| getuid().as_raw()),
        gid: request.gid.unwrap_or_else(|| getgid().as_raw()),
        mode: request.mode.unwrap_or(MODE),
        since,
        read_only: request.read_only,
        exact_sizes: request.exact_sizes,
    }
}
