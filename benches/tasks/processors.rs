//! What it costs to wake another processor.
//!
//! A program that opens a file sleeps until it is answered. Whoever is to be woken gets an idle
//! processor from the kernel, if there is one, so a program and the thread that answers it wake
//! each other across two, file by file. Held on one, the one takes over from the other.

use std::io;
use std::path::Path;
use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use super::copy::{check, copy};
use super::{BARE, POP3FS, TMPFS, walk};
use crate::measure::{self, Entrant, timed};
use crate::mount::Mount;
use crate::race::Race;
use crate::stage::Stage;

/// The threads that answer the kernel are called this, and a number.
const ANSWERING: &str = "fuser-";

/// Copies out of a fresh mount, and again when the kernel has all contents, with the program
/// wherever the kernel puts it, and held on one processor with those who answer it.
pub fn races(stage: &Stage) -> io::Result<Vec<Race>> {
    let held = format!("{POP3FS}, program and answer on one processor");
    Ok(vec![cold(stage, &held), again(stage, &held)?])
}

fn cold(stage: &Stage, held: &str) -> Race {
    let entrants = vec![
        Entrant::new(BARE, || walk::bare(stage)),
        Entrant::new(POP3FS, || fresh(stage, false)),
        Entrant::new(held, || fresh(stage, true)),
    ];
    let scores = measure::race(stage.runs, entrants);
    Race::against_the_first(&format!("cold `cp -r`, {}", stage.mailbox), scores)
}

fn fresh(stage: &Stage, is_held: bool) -> io::Result<Duration> {
    let mount = Mount::of(&stage.account)?;
    let hold = is_held.then(|| Hold::of(&mount)).transpose()?;
    let time = copied(stage, &mount.path());
    drop(hold);
    mount.umount()?;
    time
}

fn again(stage: &Stage, held: &str) -> io::Result<Race> {
    let mount = Mount::of(&stage.account)?;
    let copies = walk::in_memory()?;
    copy(&mount.path(), copies.path())?;
    let entrants = vec![
        Entrant::new(TMPFS, || copied(stage, &copies.path().join("copy"))),
        Entrant::new(POP3FS, || copied(stage, &mount.path())),
        Entrant::new(held, || {
            let _hold = Hold::of(&mount)?;
            copied(stage, &mount.path())
        }),
    ];
    let scores = measure::race(stage.runs, entrants);
    mount.umount()?;
    let name = format!("`cp -r` again, {}", stage.mailbox);
    Ok(Race::against_the_first(&name, scores))
}

fn copied(stage: &Stage, directory: &Path) -> io::Result<Duration> {
    let scratch = walk::in_memory()?;
    let (time, ()) = timed(|| copy(directory, scratch.path()))?;
    check(stage, scratch.path())?;
    Ok(time)
}

/// As long as it lasts, programs that are started run on the same processor as those who answer
/// them.
struct Hold {
    threads: Vec<Pid>,
    before: CpuSet,
}

impl Hold {
    fn of(mount: &Mount) -> io::Result<Hold> {
        let this = Pid::from_raw(0);
        let mut threads = vec![this];
        threads.extend(mount.threads(ANSWERING)?);
        let before = sched_getaffinity(this)?;
        let mut one = CpuSet::new();
        let is_allowed = |&at: &usize| before.is_set(at) == Ok(true);
        let last = (0..CpuSet::count()).rfind(is_allowed);
        one.set(last.unwrap_or_default())?;
        let hold = Hold { threads, before };
        hold.place(&one)?;
        Ok(hold)
    }

    fn place(&self, processors: &CpuSet) -> io::Result<()> {
        let place = |&thread| sched_setaffinity(thread, processors);
        Ok(self.threads.iter().try_for_each(place)?)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Those of the mount may have ended, and come last.
        let _ = self.place(&self.before);
    }
}
