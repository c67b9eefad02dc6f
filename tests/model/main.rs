//! The maildrop under random operations and random faults, held against a model of what must be.
//!
//! ```text
//!  what happens   operations: user, mishaps, faults              all of it chosen by the Dice
//!  the program    Daemon: Maildrop and Engine; steps do the driver's part; Paper is its journal
//!  the world      Link: octets up and down, cuts, silence; network and farewells move it; Clock
//!  the server     Conversation, from the test server
//!  what is true   Ledger: who deleted what; View: which name is which mail; Handle: what may be read
//!  held against   listings, answers; finale: all is well again, so all must come right
//! ```
//!
//! No thread, socket or clock is involved, so a run is its seed. Each run has a theme, for some mishaps need many
//! things of a kind to come together. The sightings count what the runs came across.
//!
//! - `POP3FS_MODEL_RUNS=200000 cargo test --test model` plays more runs;
//! - `POP3FS_MODEL_SEED=17 cargo test --test model -- --nocapture` plays one and tells what happens.
//!   `RUST_LOG=debug` adds what the program logs.

mod answers;
mod clock;
mod daemon;
mod dice;
mod farewells;
mod faults;
mod finale;
mod handle;
mod ledger;
mod link;
mod listings;
mod mail;
mod mishaps;
mod network;
mod operations;
mod paper;
mod request;
mod sightings;
mod steps;
mod trace;
mod user;
mod view;
mod world;

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use sightings::Tally;
use world::World;

/// How many runs the suite plays.
const RUNS: u64 = 10_000;

/// Operations of one run, at most.
const OPERATIONS: usize = 60;

/// Whatever fails, in whatever order, no message is deleted that was not to be, none is read wrong, no commit says
/// what is not so, no request waits beyond its deadline; and when all is well again, all comes right.
#[test]
fn random_operations_and_faults_break_no_promise() {
    let seed = environment("POP3FS_MODEL_SEED");
    if let Some(seed) = seed {
        trace::start();
        println!("{}", play(seed));
        return;
    }
    let runs = environment("POP3FS_MODEL_RUNS").unwrap_or(RUNS);
    let started = Instant::now();
    let tally = play_all(0..runs).unwrap_or_else(|failure| panic!("{failure}"));
    println!(
        "{runs} runs in {:.1?} came across\n{tally}",
        started.elapsed()
    );
    let missing = tally.missing();
    assert!(
        runs < RUNS || missing.is_empty(),
        "the runs never came across {missing:?}"
    );
}

fn environment(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {value}")),
    )
}

/// Plays these runs on all processors; what they came across, or what went wrong in the first that failed.
fn play_all(seeds: Range<u64>) -> Result<Tally, String> {
    let (next, stop) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let worker = || {
        let mut tally = Tally::default();
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if !seeds.contains(&seed) {
                break;
            }
            let played = catch_unwind(AssertUnwindSafe(|| play(seed)));
            let played = played.inspect_err(|_| stop.store(true, Ordering::Relaxed));
            tally.add(&played.map_err(|panic| (seed, words(&*panic)))?);
        }
        Ok(tally)
    };
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let results: Vec<Result<Tally, (u64, String)>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..processors).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("panics are caught"))
            .collect()
    });
    let mut sum = Tally::default();
    for result in results {
        sum.add(&result.map_err(|(seed, words)| {
            format!("run {seed}: {words}\nreplay it with POP3FS_MODEL_SEED={seed} cargo test --test model -- --nocapture")
        })?);
    }
    Ok(sum)
}

fn play(seed: u64) -> Tally {
    let mut world = World::new(seed);
    world.start();
    for _ in 0..world.dice.below(OPERATIONS) {
        world.operate();
        world.go_on();
    }
    world.finish();
    world.tally
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "a panic without words".to_owned())
}
