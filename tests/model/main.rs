//! The maildrop under random operations and random faults, held against a model of what must be.
//!
//! ```text
//!  what happens   operations: user, mishaps, faults              all of it chosen by the Dice
//!  the program    Daemon: Maildrop and Engine; steps do the driver's part; Paper is its journal, on a Disk with Storage
//!  the world      Link: octets up and down, cuts, silence; network, handshake and farewells move it; Clock
//!  the server     Conversation, from the test server
//!  what is true   Ledger: who deleted what; View: which name is which mail; Handle: what may be read
//!  held against   listings, answers; finale: all is well again, so all must come right; footprint, after a day
//! ```
//!
//! No thread, socket or clock is involved, so a run is its seed. Each run has a theme, for some mishaps need many
//! things of a kind to come together. The sightings count what the runs came across, and the account also how many
//! different schedules and states they were.
//!
//! - `POP3FS_MODEL_RUNS=200000 cargo test --test model` plays more runs, `POP3FS_MODEL_SECONDS=3600` as many as there is
//!   time for, `POP3FS_MODEL_FIRST=1000000` others; `make soak` does that in a release build;
//! - `POP3FS_MODEL_DAYS=100` plays more days: a mount that lives for one, and must hold no more in memory at its end;
//! - `POP3FS_MODEL_SEED=17 cargo test --test model -- --nocapture random_operations` plays one and tells what happens.
//!   `RUST_LOG=debug` adds what the program logs.

mod account;
mod answers;
mod campaign;
mod clock;
mod daemon;
mod day;
mod dice;
mod disk;
mod farewells;
mod faults;
mod finale;
mod footprint;
mod handle;
mod handshake;
mod hidden;
mod ledger;
mod likeness;
mod link;
mod listings;
mod mail;
mod mishaps;
mod network;
mod operations;
mod paper;
mod request;
mod sightings;
mod standstill;
mod steps;
mod storage;
mod trace;
mod user;
mod view;
mod window;
mod world;

use std::time::{Duration, Instant};

use account::Account;
use campaign::{Campaign, Kind, play, play_day};

/// How many runs the suite plays.
const RUNS: u64 = 20_000;

/// How many days the suite plays.
const DAYS: u64 = 10;

/// Runs that are played twice, to compare them.
const TWICE: u64 = 50;

/// Whatever fails, in whatever order, no message is deleted that was not to be, none is read wrong, no commit says
/// what is not so, no request waits beyond its deadline; and when all is well again, all comes right.
#[test]
fn random_operations_and_faults_break_no_promise() {
    let kind = Kind {
        test: "random_operations",
        play,
    };
    let Some(account) = account_of(kind, "POP3FS_MODEL_RUNS", RUNS) else {
        return;
    };
    let missing = account.missing();
    assert!(
        account.runs() < RUNS || missing.is_empty(),
        "the runs never came across {missing:?}"
    );
}

/// A mount that lives through a day of this breaks none either, and holds no more in memory at its end than after two
/// hours, but for what is known of messages.
#[test]
fn random_days_leave_nothing_behind() {
    let kind = Kind {
        test: "random_days",
        play: play_day,
    };
    account_of(kind, "POP3FS_MODEL_DAYS", DAYS);
}

/// What as many runs cover as are asked for; none where it is one to look at.
fn account_of(kind: Kind, variable: &str, default: u64) -> Option<Account> {
    if let Some(seed) = environment("POP3FS_MODEL_SEED") {
        let mut account = Account::default();
        trace::print();
        (kind.play)(seed, &mut account);
        println!("{account}");
        return None;
    }
    let patience = environment("POP3FS_MODEL_SECONDS").map(Duration::from_secs);
    let default = if patience.is_some() {
        u64::MAX
    } else {
        default
    };
    let runs = environment(variable).unwrap_or(default);
    let first = environment("POP3FS_MODEL_FIRST").unwrap_or(0);
    let started = Instant::now();
    println!("the first of {} is {first}", kind.test);
    let campaign = Campaign::new(kind, first..first.saturating_add(runs), patience);
    let account = campaign
        .play()
        .unwrap_or_else(|failure| panic!("{failure}"));
    let took = started.elapsed();
    let pace = account.runs() as f64 / took.as_secs_f64();
    println!("{took:.1?}, {pace:.1} runs a second\n{account}");
    Some(account)
}

/// A seed that failed fails again, for the same reason.
#[test]
fn a_run_is_its_seed() {
    for seed in 0..TWICE {
        let trace = || trace::of(|| play(seed, &mut Account::default()));
        let (once, again) = (trace(), trace());
        let differs = |(one, other): &(&str, &str)| one != other;
        let difference = once.lines().zip(again.lines()).find(differs);
        assert!(
            once == again,
            "run {seed} went on otherwise: {difference:#?}"
        );
    }
}

fn environment(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {value}")),
    )
}
