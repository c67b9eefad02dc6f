//! Many runs, on all processors.

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::trace;
use crate::world::World;

/// A kind of runs.
pub struct Kind {
    /// The beginning of the name of the test that plays them.
    pub test: &'static str,
    /// How one is played.
    pub play: fn(u64, &mut Account),
}

/// Which runs are to be played.
pub struct Campaign {
    kind: Kind,
    seeds: Range<u64>,
    /// Whether they end before, and when.
    end: Option<Instant>,
    next: AtomicU64,
    has_failed: AtomicBool,
}

/// The seed of a run that failed, and why it did.
type Failure = (u64, String);

impl Campaign {
    /// These runs, for so long at most.
    pub fn new(kind: Kind, seeds: Range<u64>, patience: Option<Duration>) -> Self {
        Self {
            kind,
            next: AtomicU64::new(seeds.start),
            end: patience.map(|patience| Instant::now() + patience),
            has_failed: AtomicBool::new(false),
            seeds,
        }
    }

    /// Plays them; what they covered, or what went wrong in the first that failed.
    pub fn play(&self) -> Result<Account, String> {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let results: Vec<Result<Account, Failure>> = thread::scope(|scope| {
            let workers: Vec<_> = (0..processors)
                .map(|_| scope.spawn(|| self.work()))
                .collect();
            let workers = workers.into_iter();
            workers
                .map(|worker| worker.join().expect("panics are caught"))
                .collect()
        });
        let mut sum = Account::default();
        for result in results {
            sum.add(result.map_err(|(seed, words)| {
                format!("run {seed}: {words}\nreplay it with POP3FS_MODEL_SEED={seed} cargo test --test model -- --nocapture {}", self.kind.test)
            })?);
        }
        Ok(sum)
    }

    fn work(&self) -> Result<Account, Failure> {
        let mut account = Account::default();
        while let Some(seed) = self.next() {
            let played = catch_unwind(AssertUnwindSafe(|| (self.kind.play)(seed, &mut account)));
            played.map_err(|panic| {
                self.has_failed.store(true, Ordering::Relaxed);
                (seed, words(&*panic))
            })?;
        }
        Ok(account)
    }

    fn next(&self) -> Option<u64> {
        let is_over = self.end.is_some_and(|end| Instant::now() >= end);
        if is_over || self.has_failed.load(Ordering::Relaxed) {
            return None;
        }
        let seed = self.next.fetch_add(1, Ordering::Relaxed);
        self.seeds.contains(&seed).then_some(seed)
    }
}

/// Plays one run.
pub fn play(seed: u64, account: &mut Account) {
    let mut world = World::new(seed);
    world.live();
    account.enter(&world.tally, trace::take_schedule(), world.states);
}

/// Plays a day, and the first hours of it again to see what has grown since.
pub fn play_day(seed: u64, account: &mut Account) {
    let mut world = World::new(seed);
    let evening = world.live_for(24);
    account.enter(&world.tally, trace::take_schedule(), world.states);
    let morning = World::new(seed).live_for(2);
    evening.hold_against(&morning);
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "a panic without words".to_owned())
}
