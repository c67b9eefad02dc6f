//! `cp -r` of a mailbox into memory.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use super::{BARE, POP3FS, walk};
use crate::measure::{self, Entrant};
use crate::process::succeed;
use crate::race::Race;
use crate::stage::Stage;

/// Copies out of a fresh mount, against fetching everything.
pub fn race(stage: &Stage) -> io::Result<Vec<Race>> {
    let entrants = vec![
        Entrant::new(BARE, || walk::bare(stage)),
        Entrant::new(POP3FS, || {
            walk::mounted(stage, copy, |copied| check(stage, copied))
        }),
    ];
    let scores = measure::race(stage.runs, entrants);
    Ok(vec![Race::against_the_first(
        &format!("cold `cp -r`, {}", stage.mailbox),
        scores,
    )])
}

/// Copies a directory, as `copy` in another.
pub fn copy(directory: &Path, into: &Path) -> io::Result<()> {
    succeed(
        Command::new("cp")
            .arg("-r")
            .arg(directory)
            .arg(into.join("copy")),
    )
}

/// Whether every message was copied, whole.
pub fn check(stage: &Stage, into: &Path) -> io::Result<()> {
    let mut octets = 0;
    let mut count = 0;
    for entry in fs::read_dir(into.join("copy"))? {
        octets += entry?.metadata()?.len();
        count += 1;
    }
    stage.mailbox.expect_count(count)?;
    stage.mailbox.expect_octets(octets)
}
