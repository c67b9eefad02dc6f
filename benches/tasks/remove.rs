//! Deleting all of a mailbox, up to the server's word that it is done.

use std::io;
use std::process::Command;
use std::time::Duration;

use super::{BARE, POP3FS};
use crate::bare::Bare;
use crate::measure::{self, Entrant, timed};
use crate::mount::Mount;
use crate::process::succeed;
use crate::race::Race;
use crate::stage::{Spare, Stage};

/// Removes the files and unmounts, against a session that lists and deletes: a commit is a session
/// of its own.
pub fn race(stage: &Stage) -> io::Result<Vec<Race>> {
    let entrants = vec![
        Entrant::new(BARE, || spoil(stage, bare)),
        Entrant::new(POP3FS, || spoil(stage, mounted)),
    ];
    let scores = measure::race(stage.runs, entrants);
    Ok(vec![Race::against_the_first(
        &format!("`rm` and `umount`, {}", stage.mailbox),
        scores,
    )])
}

/// Lets somebody delete everything from a copy, and looks whether it is gone.
fn spoil(stage: &Stage, delete: fn(&Spare) -> io::Result<Duration>) -> io::Result<Duration> {
    let spare = stage.spare()?;
    let time = delete(&spare)?;
    match spare.remaining()? {
        0 => Ok(time),
        remaining => Err(io::Error::other(format!(
            "{remaining} messages were not deleted"
        ))),
    }
}

fn bare(spare: &Spare) -> io::Result<Duration> {
    let (time, tally) = timed(|| {
        let mut bare = Bare::connect(&spare.account)?;
        bare.list()?;
        bare.delete(spare.mailbox.numbers())
    })?;
    // One is for QUIT.
    spare.mailbox.expect_count(tally.accepted - 1)?;
    Ok(time)
}

fn mounted(spare: &Spare) -> io::Result<Duration> {
    let mount = Mount::of(&spare.account)?;
    let files = mount.files()?;
    let (time, ()) = timed(|| {
        succeed(Command::new("rm").args(files))?;
        mount.umount()
    })?;
    Ok(time)
}
