//! What is looked at all the time: that nobody is held in the kernel, and what the daemon has.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::arena::{Arena, GRACE, TIMEOUT};
use super::tally::{Sample, median};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// Looks at the daemon are so many times rarer.
const SELDOM: u32 = 4;

/// The most memory that a daemon with a cache of 1 MiB may have, in octets, in a build that is made to be
/// debugged.
const MEMORY: usize = 64 << 20;

/// The most descriptors: those of the mount, one link, and one for each long message that is open.
const DESCRIPTORS: usize = 48;

/// Fewer looks than these do not tell growth from a good start.
const SAMPLES: usize = 100;

/// Looks until the end.
pub fn watch(arena: &Arena) {
    let mut sleepers = BTreeMap::new();
    for look in 0_u32.. {
        if arena.is_over() {
            break;
        }
        watch_sleepers(arena, &mut sleepers);
        if look % SELDOM == 0
            && let Some(sample) = arena.daemon().and_then(sample)
        {
            arena.tally.sampled(sample);
            judge(arena, sample);
        }
        thread::sleep(PAUSE);
    }
}

fn judge(arena: &Arena, sample: Sample) {
    if sample.memory > MEMORY || sample.descriptors > DESCRIPTORS {
        arena.found(format!("the daemon has {sample:?}"));
    }
}

/// A daemon that has lived through all of it has in the end no more than it had in the middle.
pub fn judge_growth(arena: &Arena) {
    let samples = arena.tally.samples();
    if samples.len() < SAMPLES {
        return;
    }
    let (_, settled) = samples.split_at(samples.len() / 4);
    let (early, late) = settled.split_at(settled.len() / 2);
    let memory = |part: &[Sample]| median(&part.iter().map(|it| it.memory).collect::<Vec<_>>());
    let descriptors =
        |part: &[Sample]| median(&part.iter().map(|it| it.descriptors).collect::<Vec<_>>());
    if memory(late) > memory(early) + memory(early) / 4
        || descriptors(late) > descriptors(early) + 4
    {
        arena.found("the daemon grows".to_owned());
    }
}

/// Nobody is in uninterruptible sleep for longer than a request may take.
fn watch_sleepers(arena: &Arena, sleepers: &mut BTreeMap<(PathBuf, u64), Instant>) {
    let asleep: Vec<_> = tasks()
        .filter_map(|task| Some((task.clone(), turns(&task)?)))
        .collect();
    sleepers.retain(|sleeper, _| asleep.contains(sleeper));
    for sleeper in asleep {
        let task = sleeper.0.display().to_string();
        let since = sleepers
            .entry(sleeper)
            .or_insert_with(Instant::now)
            .elapsed();
        arena.tally.slept(since);
        if since > TIMEOUT + GRACE {
            arena.found(format!("{task} is held in the kernel for {since:?}"));
        }
    }
}

/// How often a task in uninterruptible sleep has slept before; none of another one.
fn turns(task: &Path) -> Option<u64> {
    let status = fs::read_to_string(task.join("status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    field("State:")?.trim_start().strip_prefix('D')?;
    field("voluntary_ctxt_switches:")?.trim().parse().ok()
}

/// Our own threads, and those of the processes that we have started.
fn tasks() -> impl Iterator<Item = PathBuf> {
    let own = std::process::id().to_string();
    let is_ours = move |process: &Path| {
        let status = fs::read_to_string(process.join("status")).unwrap_or_default();
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
        let id = |name: &str| field(name).is_some_and(|id| id.trim() == own);
        id("Pid:") || id("PPid:")
    };
    let processes = entries(Path::new("/proc")).filter(move |process| is_ours(process));
    processes.flat_map(|process| entries(&process.join("task")).collect::<Vec<_>>())
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path())
}

/// What a process has; none if it has ended, or may not be looked into.
fn sample(process: Pid) -> Option<Sample> {
    let process = PathBuf::from(format!("/proc/{process}"));
    let status = fs::read_to_string(process.join("status")).ok()?;
    let memory = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: usize = memory.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(Sample {
        memory: kibibytes << 10,
        descriptors: fs::read_dir(process.join("fd")).ok()?.count(),
    })
}
