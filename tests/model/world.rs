//! One run: a server, a network, a daemon, a disk and a clock, all in memory.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pop3fs::maildrop::{IN_MEMORY, Moment, Settings};
use pop3fs::net::Security;
use pop3fs_server::{Builder, Server};

use crate::clock::Clock;
use crate::daemon::Daemon;
use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::link::Link;
use crate::mail::{MailId, Post};
use crate::paper::Paper;
use crate::sightings::{Sighting, Tally};
use crate::storage::Storage;
use crate::window::{BEYOND, WINDOW};

/// Messages in the maildrop at the beginning, at most.
const MESSAGES: usize = 8;

/// More mail than this there never is in one run, where a session shows all of it.
const MAILS_MAX: usize = 24;

/// What is kept in memory of a message where little is: longer ones go to the disk.
const SMALL: usize = 70_000;

/// Operations of one run, at most.
const OPERATIONS: usize = 60;

/// Who logs in.
pub const LOGIN: (&str, &str) = ("ann", "secret");

/// One run.
pub struct World {
    pub dice: Dice,
    pub clock: Clock,
    pub tally: Tally,
    /// What it was like after each step.
    pub states: HashSet<u64>,
    pub post: Post,
    pub ledger: Ledger,
    pub paper: Paper,
    pub server: Server,
    pub daemon: Option<Daemon>,
    pub settings: Settings,
    pub network: Network,
    /// Where messages are kept that are too long for memory.
    pub storage: Storage,
    /// Until when the disk does nothing.
    pub disk_late_until: Option<Moment>,
    /// Sizes that the server tells in place of those it told at first.
    pub sizes: HashMap<MailId, u64>,
    /// Whether the server knows CAPA.
    pub has_capa: bool,
    /// Whether a session excludes others.
    pub locks: bool,
    /// Whether a session shows a part of the mailbox.
    pub is_windowed: bool,
    /// Whether the server may answer RETR out of order, or not at all, and go on.
    pub confuses: bool,
    /// Whether the server may send lines that start with a dot as they are.
    pub unstuffs: bool,
    /// Whether TOP has never given anything but the beginning of what RETR gives.
    pub is_top_sound: bool,
    pub theme: Theme,
    /// More mail than this there never is.
    pub mails_max: usize,
    /// Whether the process lives to the end, whatever happens.
    pub endures: bool,
    /// Whether all is well, for good or for a while.
    pub is_healed: bool,
    deletes: Arc<AtomicBool>,
}

/// What there is more of in a run.
#[derive(Clone, Copy)]
pub enum Theme {
    Reading,
    Commits,
    Disk,
    Others,
}

/// What lies between the daemon and the server.
#[derive(Default)]
pub struct Network {
    /// The link that the daemon has.
    pub live: Option<Link>,
    /// Links that the daemon has left, until the server notices.
    pub left: Vec<(Moment, Link)>,
    /// When the link that was ordered is made.
    pub connecting: Option<Moment>,
    /// When the handshake that STLS asked for ends.
    pub securing: Option<Moment>,
    pub silent_until: Option<Moment>,
    pub refuses_until: Option<Moment>,
    /// When a QUIT that was answered is carried out.
    pub settles_at: Option<Moment>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let tells_unique_ids = !dice.one_in(10);
        // What comes into sight would not be told from what shares its unique-id.
        let is_windowed = tells_unique_ids && dice.one_in(200);
        let confuses = !is_windowed && dice.one_in(6);
        let unstuffs = !is_windowed && !confuses && dice.one_in(8);
        let has_own_sizes = confuses || unstuffs;
        let spills = !is_windowed && dice.one_in(16);
        let mut post = Post::new(tells_unique_ids, !is_windowed, has_own_sizes, &mut dice);
        (post.is_long, post.is_huge) = (post.is_long || spills, spills);
        let mut ledger = Ledger::default();
        let count = match is_windowed {
            true => WINDOW + dice.below(BEYOND),
            false => dice.below(MESSAGES + 1),
        };
        let messages: Vec<_> = (0..count).flat_map(|_| post.write(&mut dice)).collect();
        (0..messages.len()).for_each(|id| ledger.delivered(id));
        let (deletes, locks) = (Arc::new(AtomicBool::new(false)), dice.one_in(2));
        let flag = deletes.clone();
        let mut builder = Server::with_messages(messages)
            .login(LOGIN.0, LOGIN.1)
            .lock_maildrop(locks)
            .on_commit(move |commit| {
                flag.fetch_or(commit.deleted > 0, Ordering::Relaxed);
            });
        if !tells_unique_ids {
            builder = builder.without("UIDL");
        }
        let has_capa = !dice.one_in(16);
        if !has_capa {
            builder = builder.without("CAPA");
        }
        // Where there is STLS, CAPA says so (RFC 2595 section 4).
        let security = match has_capa && dice.one_in(4) {
            true => Security::StartTls,
            false => Security::Cleartext,
        };
        if security == Security::StartTls {
            builder = builder.pretended_stls();
        }
        Self {
            has_capa,
            server: capable(builder, &mut dice)
                .aside()
                .expect("memory is readable"),
            settings: Settings {
                // Nothing tells whose beginning it is.
                top: !confuses && dice.one_in(2),
                // That dots are missing is found out at the end of the first message that shows it.
                long: match unstuffs {
                    true => u64::MAX,
                    false => [0, 1000, 1000, u64::MAX][dice.below(4)],
                },
                in_memory: if spills { SMALL } else { IN_MEMORY },
                security,
                ..settings(spills, &mut dice)
            },
            confuses,
            unstuffs,
            is_top_sound: true,
            clock: Clock::new(),
            tally: Tally::default(),
            states: HashSet::new(),
            post,
            ledger,
            paper: Paper::default(),
            daemon: None,
            network: Network::default(),
            storage: Storage::default(),
            disk_late_until: None,
            sizes: HashMap::new(),
            locks,
            is_windowed,
            theme: [Theme::Reading, Theme::Commits, Theme::Disk, Theme::Others][dice.below(4)],
            mails_max: if is_windowed { 3 * WINDOW } else { MAILS_MAX },
            endures: false,
            is_healed: false,
            deletes,
            dice,
        }
    }

    /// All that happens, to the end.
    pub fn live(&mut self) {
        self.behave();
        self.start();
        for _ in 0..self.dice.below(OPERATIONS) {
            self.operate();
            self.go_on();
        }
        self.finish();
    }

    pub fn see(&mut self, kind: Sighting) {
        self.tally.see(kind);
    }

    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// The mail that is on the server.
    pub fn on_server(&self) -> BTreeSet<MailId> {
        let messages = self.server.messages();
        messages
            .iter()
            .map(|message| self.post.find(message))
            .collect()
    }

    /// Whether a twin of the mail is on the server.
    pub fn has_twin_there(&self, id: MailId) -> bool {
        let mut twins = self.post.twins(id);
        twins.any(|twin| self.ledger.on_server.contains(&twin))
    }

    /// Looks whether a session has deleted anything since the last time, and was permitted to; whether it has.
    pub fn audit(&mut self, permitted: &BTreeSet<MailId>) -> bool {
        let deletes = self.deletes.swap(false, Ordering::Relaxed);
        if deletes {
            let left = self.on_server();
            for gone in self.ledger.deleted(&left, permitted) {
                if self.has_twin_there(gone) {
                    self.see(Sighting::DeletedTwin);
                }
            }
        }
        deletes
    }

    /// What the server has promised to delete, and has not yet.
    pub fn owed(&self) -> BTreeSet<MailId> {
        let left = self.network.left.iter().map(|(_, link)| link);
        let links = self.network.live.iter().chain(left);
        let owing = links.filter(|link| link.is_owing());
        owing
            .flat_map(|link| link.permitted.iter().copied())
            .collect()
    }
}

fn capable(mut builder: Builder, dice: &mut Dice) -> Builder {
    for capability in ["PIPELINING", "SASL", "RESP-CODES"] {
        if dice.one_in(4) {
            builder = builder.without(capability);
        }
    }
    for line in ["UTF8", "LOGIN-DELAY 5"] {
        if dice.one_in(4) {
            builder = builder.capability(line);
        }
    }
    builder
}

/// Those of a mount that keeps little in memory, if it spills.
fn settings(spills: bool, dice: &mut Dice) -> Settings {
    Settings {
        source: "pop3://ann@pop.example.org".into(),
        sandbox: Vec::new(),
        security: Security::Cleartext,
        method: None,
        language: None,
        suffix: ["", ".eml"][dice.below(2)].into(),
        cache_size: [0, 0, 1000, 200_000, 10_000_000][dice.below(if spills { 4 } else { 5 })],
        in_memory: IN_MEMORY,
        message_max: None,
        long: u64::MAX,
        top: true,
        read_ahead: [0, 1000, 1_000_000][dice.below(3)],
        timeout: Duration::from_secs([5, 20, 60][dice.below(3)]),
        idle: [None, Some(1), Some(60), Some(300)][dice.below(4)].map(Duration::from_secs),
        seed: dice.number(0..u64::MAX),
        refresh: [None, None, Some(300)][dice.below(3)].map(Duration::from_secs),
        read_only: false,
        verify_commit: dice.one_in(2),
        commit_every: [None, None, Some(1), Some(3)][dice.below(4)],
        delete_guard: dice.one_in(6).then_some(1),
        exact_sizes: dice.one_in(6),
    }
}
