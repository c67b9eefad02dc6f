//! What all who take part share: the mount, the truth, and what was found wrong.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::support::corpus::Letter;
use crate::support::dovecot::Dovecot;

use super::ledger::{Ledger, Sighting, Standing};
use super::tally::{Count, Tally};

/// How long a program may have to wait for the server, as the mount is told.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// What a busy machine may add to it.
pub const GRACE: Duration = Duration::from_secs(5);

/// How much of the daemon's log is worth to be shown, single commands left out.
const LINES: usize = 200;

/// What a system call may fail with while links break and daemons die.
const EXPECTED: &[Errno] = &[
    Errno::ENOENT,
    Errno::EIO,
    Errno::ETIMEDOUT,
    Errno::EACCES,
    Errno::ESTALE,
    Errno::EBUSY,
    Errno::ENOTCONN,
    Errno::ECONNABORTED,
];

/// The scene.
pub struct Arena {
    pub mountpoint: PathBuf,
    /// Where each message lies as it must be read.
    pub truth: PathBuf,
    pub server: Mutex<Dovecot>,
    pub ledger: Ledger,
    pub tally: Tally,
    /// The process behind the mount; 0 while there is none.
    daemon: AtomicI32,
    /// Whether a commit is being waited for.
    committing: AtomicBool,
    gate: RwLock<()>,
    over: AtomicBool,
    faults: Mutex<Vec<String>>,
}

impl Arena {
    /// One where nothing has happened yet.
    pub fn new(mountpoint: PathBuf, truth: PathBuf, server: Dovecot) -> Self {
        fs::create_dir(&truth).expect("a directory to create");
        Self {
            mountpoint,
            truth,
            server: Mutex::new(server),
            ledger: Ledger::default(),
            tally: Tally::default(),
            daemon: AtomicI32::new(0),
            committing: AtomicBool::new(false),
            gate: RwLock::new(()),
            over: AtomicBool::new(false),
            faults: Mutex::default(),
        }
    }

    /// A message arrives.
    pub fn deliver(&self, letter: &Letter) {
        fs::write(self.truth.join(&letter.name), letter.as_sent()).expect("a file to write");
        self.ledger.announce(letter);
        self.server.lock().expect("no panic").deliver(letter);
        self.ledger.settle(&letter.name, Standing::Present);
        self.tally.add(Count::Delivered, 1);
    }

    /// The names of all messages that the server has.
    pub fn held(&self) -> BTreeSet<String> {
        let server = self.server.lock().expect("no panic");
        // What is renamed while a directory is read may be missed.
        (0..3).flat_map(|_| server.names()).collect()
    }

    /// Does something over and over until the end, except while somebody has the mount alone.
    pub fn work(&self, mut act: impl FnMut()) {
        while !self.is_over() {
            self.inside(&mut act);
        }
    }

    /// Does something while nobody has the mount alone.
    pub fn inside(&self, act: impl FnOnce()) {
        let _inside = self.gate.read().expect("no panic");
        act();
    }

    /// Does something while nobody else does anything.
    pub fn alone<T>(&self, act: impl FnOnce() -> T) -> T {
        let _alone = self.gate.write().expect("no panic");
        act()
    }

    /// Whether it is time to end.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// It is, once this is dropped.
    pub fn at_the_end(&self) -> End<'_> {
        End(self)
    }

    /// Something is wrong: that is the end.
    pub fn found(&self, fault: String) {
        self.faults.lock().expect("no panic").push(fault);
        self.over.store(true, Ordering::Relaxed);
    }

    /// # Panics
    ///
    /// Where something was found wrong; with the last that the daemon wrote into its log.
    pub fn assert_sound(&self, log: &Path) {
        let faults = self.faults.lock().expect("no panic");
        if !faults.is_empty() {
            let log = fs::read_to_string(log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().filter(|it| !it.contains("DEBUG")).collect();
            let last = lines.len().saturating_sub(LINES);
            panic!("{faults:#?}\nthe log:\n{}", lines[last..].join("\n"));
        }
    }

    /// The process behind the mount.
    pub fn daemon(&self) -> Option<Pid> {
        let id = self.daemon.load(Ordering::Relaxed);
        (id != 0).then(|| Pid::from_raw(id))
    }

    /// It is this one now, or none.
    pub fn set_daemon(&self, daemon: Option<Pid>) {
        let id = daemon.map_or(0, Pid::as_raw);
        self.daemon.store(id, Ordering::Relaxed);
    }

    /// Whether a commit is being waited for.
    pub fn is_committing(&self) -> bool {
        self.committing.load(Ordering::Relaxed)
    }

    /// Whether it is.
    pub fn set_committing(&self, committing: bool) {
        self.committing.store(committing, Ordering::Relaxed);
    }

    /// Where a message is to be found.
    pub fn path(&self, message: &Sighting) -> PathBuf {
        match message.standing {
            Standing::Marked | Standing::Restoring => self.deleted().join(&message.name),
            _ => self.mountpoint.join(&message.name),
        }
    }

    /// Where the marked messages are.
    pub fn deleted(&self) -> PathBuf {
        self.mountpoint.join(".pop3fs/deleted")
    }

    /// Makes a system call that must come back in time, and not fail for a reason of its own.
    pub fn call<T>(&self, path: &Path, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let begun = Instant::now();
        let result = call();
        let took = begun.elapsed();
        self.tally.took(took);
        if took > TIMEOUT + GRACE {
            self.found(format!("{} was waited for {took:?}", path.display()));
        }
        if let Err(error) = &result {
            let errno = Errno::from_raw(error.raw_os_error().unwrap_or(0));
            self.tally.failed(errno);
            if !EXPECTED.contains(&errno) {
                self.found(format!("{}: {error}", path.display()));
            }
        }
        result
    }
}

/// The end, however it comes: nobody is left to work on alone.
pub struct End<'a>(&'a Arena);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
    }
}
