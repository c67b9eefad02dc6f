//! Somebody who wants one message while a program walks the mailbox.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use super::reading::read;
use super::{BARE, POP3FS, disorder, walk};
use crate::bare::Bare;
use crate::measure::{Score, timed};
use crate::mount::Mount;
use crate::race::Race;
use crate::stage::Stage;

/// Wanted in each run.
const WANTED: usize = 10;

/// Larger messages take their time by themselves.
const SHORT: u64 = 16 * 1024;

/// The pause before each.
const PAUSE: Duration = Duration::from_millis(10);

/// How often to look how far the walk has come.
const GLANCE: Duration = Duration::from_millis(2);

/// Reads short messages in the middle of `cp -r`, against fetching them on a session that does
/// nothing else.
pub fn race(stage: &Stage) -> io::Result<Vec<Race>> {
    let (mut alone, mut amidst) = (Vec::new(), Vec::new());
    for _ in 0..stage.runs {
        let mount = Mount::of(&stage.account)?;
        let wanted = Wanted::of(&mount)?;
        alone.extend(fetched(stage, &wanted)?);
        amidst.extend(read_amidst(stage, &mount, &wanted)?);
        mount.umount()?;
    }
    let scores = vec![
        Score::of_times(&format!("{BARE}, nothing else to do"), &alone),
        Score::of_times(&format!("{POP3FS}: open, read, close"), &amidst),
    ];
    Ok(vec![Race::against_the_first(
        &format!("one short message amidst `cp -r`, {}", stage.mailbox),
        scores,
    )])
}

/// Short messages that a walk comes to last, and their numbers.
struct Wanted {
    messages: Vec<(usize, PathBuf)>,
}

impl Wanted {
    fn of(mount: &Mount) -> io::Result<Wanted> {
        let files = mount.files()?;
        let late = files.len() * 3 / 4;
        let mut messages = Vec::new();
        for place in disorder::places(files.len()) {
            let file = &files[place];
            if place >= late && fs::symlink_metadata(file)?.len() <= SHORT {
                messages.push((place + 1, file.clone()));
            }
        }
        messages.truncate(WANTED);
        Ok(Wanted { messages })
    }
}

fn fetched(stage: &Stage, wanted: &Wanted) -> io::Result<Vec<Duration>> {
    let mut bare = Bare::connect(&stage.account)?;
    bare.list()?;
    let times = wanted
        .messages
        .iter()
        .map(|(number, _)| {
            thread::sleep(PAUSE);
            timed(|| bare.retrieve([*number])).map(|(time, _)| time)
        })
        .collect();
    bare.quit()?;
    times
}

/// Only as long as the walk is in the first half of the mailbox: later it may have come near, or
/// to its end.
fn read_amidst(stage: &Stage, mount: &Mount, wanted: &Wanted) -> io::Result<Vec<Duration>> {
    let scratch = walk::in_memory()?;
    let mut scan = Scan::start(mount, scratch.path())?;
    let mut times = Vec::new();
    for (_, file) in &wanted.messages {
        thread::sleep(PAUSE);
        if scan.copied()? > stage.mailbox.count / 2 {
            break;
        }
        times.push(timed(|| read(file))?.0);
    }
    scan.end()?;
    Ok(times)
}

/// `cp -r` under way.
struct Scan {
    copy: Child,
    target: PathBuf,
}

impl Scan {
    /// Starts it, and waits for the first messages.
    fn start(mount: &Mount, scratch: &Path) -> io::Result<Scan> {
        let target = scratch.join("copy");
        let mut command = Command::new("cp");
        command.arg("-r").arg(mount.path()).arg(&target);
        let mut scan = Scan {
            copy: command.spawn()?,
            target,
        };
        while scan.copied()? < WANTED {
            thread::sleep(GLANCE);
        }
        Ok(scan)
    }

    /// How many messages are there.
    fn copied(&mut self) -> io::Result<usize> {
        match fs::read_dir(&self.target) {
            Ok(files) => Ok(files.count()),
            Err(error) if self.copy.try_wait()?.is_some() => Err(error),
            Err(_) => Ok(0),
        }
    }

    fn end(mut self) -> io::Result<()> {
        match self.copy.wait()? {
            status if status.success() => Ok(()),
            status => Err(io::Error::other(format!("cp failed: {status}"))),
        }
    }
}
