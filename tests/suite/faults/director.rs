//! Who has things happen.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fastrand::Rng;
use nix::sys::signal::Signal;
use pop3fs_server::{Mishap, Relay};

use crate::support::account::Account;
use crate::support::corpus::{Letter, letters, odd_letters};
use crate::support::mount::{Mount, Site};
use crate::support::process::{Outcome, Running};

use super::arena::Arena;
use super::ledger::Standing;
use super::plan::Plan;
use super::programs::verb;
use super::tally::Count;
use super::watch;
use super::weather::Weather;

/// How many messages there are, as far as they arrive faster than they are deleted. So few that as many
/// as before are not taken for a part of what there is.
const MESSAGES: usize = 90;

/// One in so many is longer than what is fetched whole before it is read.
const LONG: u32 = 30;
const LONG_LINES: usize = 30_000;

/// How the mailbox is mounted: so that much happens.
const OPTIONS: &[&str] = &[
    "--timeout=10",
    "--idle=3",
    "--refresh=3",
    "--cache-size=1M",
    "-v",
];

/// How often to try to mount while links break.
const ATTEMPTS: usize = 50;

/// How long a verb is waited for: longer than a commit waits for a silent server.
const PATIENCE: Duration = Duration::from_secs(90);

/// Who has things happen.
pub struct Director<'a> {
    site: &'a Site,
    arena: &'a Arena,
    rng: Rng,
    weather: Weather,
    /// The mailbox in clear and in TLS; it is the same account, with one journal.
    accounts: [Account; 2],
    relay: Relay,
    secrets: [String; 2],
    mounted: Option<(Running, Mount<'a>)>,
    delivered: usize,
}

impl<'a> Director<'a> {
    /// Everything is in its place, and the mailbox mounted.
    pub fn new(site: &'a Site, arena: &'a Arena, rng: &mut Rng) -> Self {
        let weather = Weather::default();
        let (accounts, secrets) = {
            let server = arena.server.lock().expect("no panic");
            let accounts = [server.in_clear().at_host("localhost"), server.stls()];
            let password = accounts[0].password().to_owned();
            // As SASL has it (RFC 4616).
            let plain = STANDARD.encode(format!("\0{}\0{password}", server.user()));
            (accounts, [password, plain])
        };
        let relay = weather.relay(accounts[0].port(), rng.fork());
        let mut director = Self {
            site,
            arena,
            rng: rng.fork(),
            weather,
            accounts: accounts.map(|account| account.at_port(relay.port())),
            relay,
            secrets,
            mounted: None,
            delivered: 0,
        };
        director.deliver();
        director.mount();
        director
    }

    /// Has things happen for as long as is planned.
    pub fn direct(&mut self, plan: &Plan) {
        let begun = Instant::now();
        while begun.elapsed() < plan.span && !self.arena.is_over() {
            thread::sleep(Duration::from_millis(self.rng.u64(..1500)));
            self.deliver();
            self.count_deleted();
            match self.rng.u32(if plan.kills { ..12 } else { ..7 }) {
                0..=2 => self.refresh(),
                3 => self.park(),
                4 | 5 => self.restart(),
                6 => self.arena.alone(|| take_stock(self.arena)),
                7 => self.kill(),
                8 | 9 => self.kill_in_commit(),
                10 => self.unmount_and_mount(),
                _ => {}
            }
        }
        if !plan.kills {
            watch::judge_growth(self.arena);
        }
    }

    /// Unmounts in peace, and looks whether all is as it must be.
    pub fn finish(mut self) {
        self.weather.calm();
        self.count_mishaps();
        take_stock(self.arena);
        for _ in 0..3 {
            if self.unmount().status.success() {
                break;
            }
            self.mount();
        }
        self.count_deleted();
        let held = self.arena.held();
        let present = self.arena.ledger.standing(Standing::Present);
        for name in held.symmetric_difference(&present) {
            self.arena
                .found(format!("{name} should be held and is not, or the reverse"));
        }
    }

    fn deliver(&mut self) {
        let held = self.arena.held().len();
        for _ in held..MESSAGES {
            let letter = self.letter();
            self.arena.deliver(&letter);
        }
    }

    fn letter(&mut self) -> Letter {
        self.delivered += 1;
        let odd = odd_letters();
        let octets = match self.rng.u32(..LONG) {
            0 => b"Subject: long\n\na line of some length, many times over\n".repeat(LONG_LINES),
            1..5 => self.rng.choice(odd).expect("some").octets,
            _ => self.rng.choice(letters()).expect("some").octets.clone(),
        };
        Letter {
            name: format!("{:06}.message", self.delivered),
            octets,
        }
    }

    /// Nothing is gone that was not marked.
    fn count_deleted(&self) {
        let before = self.arena.ledger.all();
        let held = self.arena.held();
        for message in before.iter().filter(|it| !held.contains(&it.name)) {
            let is_claimed = match message.standing {
                Standing::Present if self.arena.ledger.is_unchanged(message) => {
                    let name = &message.name;
                    self.arena
                        .found(format!("{name} was deleted, and nobody had removed it"));
                    false
                }
                Standing::Marked | Standing::Unclear => {
                    self.arena.ledger.claim(message, Standing::Gone)
                }
                _ => false,
            };
            self.arena.tally.add(Count::Deleted, u64::from(is_claimed));
        }
    }

    fn refresh(&self) {
        let refresh = verb(self.arena, "refresh", &[], PATIENCE);
        let succeeded = u64::from(refresh.status.success());
        self.arena.tally.add(Count::Refreshed, succeeded);
    }

    fn park(&self) {
        let park = verb(self.arena, "park", &[], PATIENCE);
        let succeeded = u64::from(park.status.success());
        self.arena.tally.add(Count::Parked, succeeded);
    }

    fn restart(&mut self) {
        let pause = Duration::from_millis(self.rng.u64(..3000));
        let mut server = self.arena.server.lock().expect("no panic");
        server.restart(|| thread::sleep(pause));
        self.arena.tally.add(Count::Restarted, 1);
    }

    fn kill_in_commit(&mut self) {
        let until = Instant::now() + Duration::from_secs(3);
        while !self.arena.is_committing() && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(self.rng.u64(..200)));
        self.kill();
    }

    fn kill(&mut self) {
        let is_committing = self.arena.is_committing();
        self.signal(Signal::SIGKILL);
        self.arena.tally.add(Count::Killed, 1);
        self.arena
            .tally
            .add(Count::KilledInCommit, u64::from(is_committing));
        self.arena.alone(|| {
            self.bury();
            self.mount();
            take_stock(self.arena);
        });
    }

    fn unmount_and_mount(&mut self) {
        self.arena.alone(|| {
            self.unmount();
            self.mount();
            take_stock(self.arena);
        });
    }

    /// Unmounts, which comes to its end whatever happens; what could not be deleted stays marked.
    fn unmount(&mut self) -> Outcome {
        let umount = verb(self.arena, "umount", &[], PATIENCE);
        if umount.says("unmounted") {
            self.arena.tally.add(Count::Unmounted, 1);
        } else {
            self.arena
                .found(format!("it cannot be unmounted: {umount:?}"));
            self.signal(Signal::SIGKILL);
        }
        self.bury();
        umount
    }

    fn signal(&self, signal: Signal) {
        if let Some((daemon, _)) = &self.mounted {
            daemon.signal(signal);
        }
    }

    /// Waits for the daemon's end, and listens to its last words.
    fn bury(&mut self) {
        self.arena.set_daemon(None);
        let Some((daemon, mount)) = self.mounted.take() else {
            return;
        };
        let last_words = daemon.finish().stderr;
        drop(mount);
        let log = fs::read_to_string(self.site.log()).unwrap_or_default();
        self.listen(&last_words);
        self.listen(&log);
    }

    /// No secret is told, and nothing goes wrong that should not.
    fn listen(&self, words: &str) {
        for word in self.secrets.iter().map(String::as_str).chain(["panicked"]) {
            if words.contains(word) {
                self.arena.found(format!("the daemon has said {word}"));
            }
        }
    }

    fn mount(&mut self) {
        for _ in 0..ATTEMPTS {
            let account = self.rng.choice(&self.accounts).expect("two");
            match self.site.try_mount_in_foreground(account, OPTIONS) {
                Ok(mounted) => {
                    self.arena.set_daemon(Some(mounted.1.daemon().id()));
                    self.mounted = Some(mounted);
                    return self.arena.tally.add(Count::Mounted, 1);
                }
                Err(outcome) => {
                    self.listen(&outcome.stderr);
                    self.arena.tally.add(Count::NotMounted, 1);
                }
            }
        }
        self.arena.found("it cannot be mounted any more".to_owned());
    }

    fn count_mishaps(&self) {
        for mishap in self.relay.mishaps() {
            let count = match mishap {
                Mishap::HangUp => Count::HungUp,
                Mishap::Break => Count::Broken,
                Mishap::Stall(_) => Count::Stalled,
                Mishap::HalfOpen(_) => Count::HalfOpen,
            };
            self.arena.tally.add(count, 1);
        }
    }
}

/// While nobody does anything: each message is where it must be, and no mark is lost.
fn take_stock(arena: &Arena) {
    let (Some(root), Some(deleted)) = (
        names(arena, &arena.mountpoint),
        names(arena, &arena.deleted()),
    ) else {
        return;
    };
    // Last, for a commit that nobody waits for any more may go on.
    let held = arena.held();
    for message in arena.ledger.all() {
        let name = &message.name;
        let (is_held, is_in_root, is_deleted) = (
            held.contains(name),
            root.contains(name),
            deleted.contains(name),
        );
        let is_wrong = match message.standing {
            Standing::Present => is_deleted || message.shown && !is_in_root,
            Standing::Marked => is_in_root || is_held && !is_deleted,
            Standing::Gone => is_in_root,
            Standing::Arriving => false,
            Standing::Removing | Standing::Restoring | Standing::Unclear => {
                let found = match (is_in_root, is_deleted) {
                    (true, false) => Standing::Present,
                    (false, true) => Standing::Marked,
                    _ => Standing::Gone,
                };
                arena.ledger.settle(name, found);
                is_in_root && is_deleted || found == Standing::Gone && is_held
            }
        };
        if is_wrong {
            let standing = message.standing;
            arena.found(format!(
                "{name} is {standing:?}: held {is_held}, shown {is_in_root}, marked {is_deleted}"
            ));
        }
    }
    arena.tally.add(Count::Stock, 1);
}

fn names(arena: &Arena, directory: &Path) -> Option<BTreeSet<String>> {
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.map(|entry| entry.file_name().to_string_lossy().into_owned())
    };
    let listed = arena.call(directory, || fs::read_dir(directory)?.map(name).collect());
    if let Err(error) = &listed {
        arena.found(format!("{} cannot be listed: {error}", directory.display()));
    }
    listed.ok()
}
