//! What has happened, in numbers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use nix::errno::Errno;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Count {
    Whole,
    Part,
    Beginning,
    Octets,
    Listed,
    Packed,
    Removed,
    Restored,
    Delivered,
    Deleted,
    Complete,
    Incomplete,
    Unawaited,
    HungUp,
    Broken,
    Stalled,
    HalfOpen,
    Restarted,
    Refreshed,
    Parked,
    Stock,
    Mounted,
    NotMounted,
    Unmounted,
    Killed,
    KilledInCommit,
}

impl Count {
    fn label(self) -> &'static str {
        match self {
            Self::Whole => "messages read whole",
            Self::Part => "parts of messages read",
            Self::Beginning => "beginnings of messages read",
            Self::Octets => "octets compared in our own reads",
            Self::Listed => "listings",
            Self::Packed => "archives packed",
            Self::Removed => "messages removed",
            Self::Restored => "messages brought back",
            Self::Delivered => "messages delivered",
            Self::Deleted => "messages deleted on the server",
            Self::Complete => "commits complete",
            Self::Incomplete => "commits that were not, and said so",
            Self::Unawaited => "commits not waited for to the end",
            Self::HungUp => "links hung up",
            Self::Broken => "links broken",
            Self::Stalled => "links stalled",
            Self::HalfOpen => "links half open",
            Self::Restarted => "restarts of the server",
            Self::Refreshed => "refreshes",
            Self::Parked => "times parked",
            Self::Stock => "times everything was looked at in peace",
            Self::Mounted => "mounts",
            Self::NotMounted => "mounts that failed, and said so",
            Self::Unmounted => "unmounts",
            Self::Killed => "daemons killed",
            Self::KilledInCommit => "of those, in a commit",
        }
    }
}

/// What a daemon has at some time.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Memory, in octets.
    pub memory: usize,
    pub descriptors: usize,
}

/// All of it.
#[derive(Default)]
pub struct Tally {
    counts: Mutex<BTreeMap<Count, u64>>,
    failures: Mutex<BTreeMap<&'static str, u64>>,
    longest_call: Mutex<Duration>,
    longest_sleep: Mutex<Duration>,
    samples: Mutex<Vec<Sample>>,
}

impl Tally {
    /// So many more.
    pub fn add(&self, count: Count, more: u64) {
        *self
            .counts
            .lock()
            .expect("no panic")
            .entry(count)
            .or_default() += more;
    }

    /// How many there were.
    pub fn count(&self, count: Count) -> u64 {
        let counts = self.counts.lock().expect("no panic");
        counts.get(&count).copied().unwrap_or_default()
    }

    /// A system call has failed.
    pub fn failed(&self, errno: Errno) {
        *self
            .failures
            .lock()
            .expect("no panic")
            .entry(errno.desc())
            .or_default() += 1;
    }

    /// A system call has taken so long.
    pub fn took(&self, span: Duration) {
        let mut longest = self.longest_call.lock().expect("no panic");
        *longest = longest.max(span);
    }

    /// A process has been in uninterruptible sleep for so long.
    pub fn slept(&self, span: Duration) {
        let mut longest = self.longest_sleep.lock().expect("no panic");
        *longest = longest.max(span);
    }

    /// The daemon has so much.
    pub fn sampled(&self, sample: Sample) {
        self.samples.lock().expect("no panic").push(sample);
    }

    /// What the daemon had, one look after the other.
    pub fn samples(&self) -> Vec<Sample> {
        self.samples.lock().expect("no panic").clone()
    }
}

/// A table.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, number) in &*self.counts.lock().expect("no panic") {
            writeln!(f, "{number:>12}  {}", count.label())?;
        }
        for (reason, number) in &*self.failures.lock().expect("no panic") {
            writeln!(f, "{number:>12}  system calls failed: {reason}")?;
        }
        let call = *self.longest_call.lock().expect("no panic");
        writeln!(f, "{call:>12.1?}  the longest system call")?;
        let sleep = *self.longest_sleep.lock().expect("no panic");
        writeln!(f, "{sleep:>12.1?}  the longest uninterruptible sleep")?;
        let samples = self.samples();
        write_course(f, "KiB of memory", samples.iter().map(|it| it.memory >> 10))?;
        write_course(f, "descriptors", samples.iter().map(|it| it.descriptors))
    }
}

/// How something went over time.
fn write_course(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    course: impl Iterator<Item = usize>,
) -> fmt::Result {
    let course: Vec<usize> = course.collect();
    let (Some(first), Some(last)) = (course.first(), course.last()) else {
        return Ok(());
    };
    let most = course.iter().max().unwrap_or(last);
    let median = median(&course);
    writeln!(
        f,
        "{most:>12}  {what} at most; first {first}, median {median}, last {last}"
    )
}

/// The middle one; of none, 0.
pub fn median(course: &[usize]) -> usize {
    let mut sorted = course.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
