//! A mount of a real Dovecot under all that can go wrong at once: links that break, stall and are
//! half open, a server that is stopped and started, a daemon that is killed, also in the middle of a
//! commit; while programs read, list and remove, mail arrives, and commits go on.
//!
//! `make faults FAULTS=60` is for so many seconds, `SEED=1` repeats the choices of a run (threads and
//! the network have a will of their own), and with `KILLS=no` one daemon lives through all of it.

mod arena;
mod commits;
mod director;
mod ledger;
mod plan;
mod programs;
mod readers;
mod removers;
mod tally;
mod watch;
mod weather;

use std::thread;

use fastrand::Rng;

use crate::support::dovecot::Dovecot;
use crate::support::mount::Site;
use crate::support::skip::{Need, lacking, say};

use self::arena::Arena;
use self::director::Director;
use self::plan::Plan;
use self::tally::Count;

/// How many threads read, list and remove.
const READERS: u64 = 3;
const REMOVERS: u64 = 2;

/// Whatever happens, no octet is wrong, no mark is lost, nothing is deleted that was not marked, no
/// program is held longer than it may be, and the daemon neither grows nor tells a secret.
#[test]
fn a_mount_bears_whatever_happens() {
    if lacking(&[Need::Fuse, Need::Dovecot, Need::Program("openssl")]) {
        return;
    }
    let plan = Plan::of_environment();
    say(&format!("{plan}"));
    let site = Site::new();
    let truth = site.beside("truth");
    let arena = Arena::new(site.mountpoint(), truth, Dovecot::with_letters(&[]));
    let mut seeds = Rng::with_seed(plan.seed);
    let mut director = Director::new(&site, &arena, &mut seeds);
    thread::scope(|scope| {
        for _ in 0..READERS {
            let rng = seeds.fork();
            scope.spawn(|| readers::read(&arena, rng));
        }
        for _ in 0..REMOVERS {
            let rng = seeds.fork();
            scope.spawn(|| removers::remove(&arena, rng));
        }
        let rng = seeds.fork();
        scope.spawn(|| programs::run_all(&arena, rng));
        scope.spawn(|| commits::commit(&arena));
        scope.spawn(|| watch::watch(&arena));
        let _end = arena.at_the_end();
        director.direct(&plan);
    });
    director.finish();
    say(&arena.tally.to_string());
    arena.assert_sound(&site.log());
    for count in [Count::Whole, Count::Removed, Count::Deleted] {
        assert!(arena.tally.count(count) > 0, "no {count:?}");
    }
}
