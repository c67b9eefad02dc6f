//! A search through every message of a mailbox that nobody has read yet.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::Command;

use super::{BARE, POP3FS, walk};
use crate::measure::{self, Entrant};
use crate::process::succeed;
use crate::race::Race;
use crate::stage::Stage;

/// Searches a fresh mount, against fetching everything.
pub fn race(stage: &Stage) -> io::Result<Vec<Race>> {
    let entrants = vec![
        Entrant::new(BARE, || walk::bare(stage)),
        Entrant::new(POP3FS, || {
            let grep = |mail: &Path, scratch: &Path| grep(stage, mail, scratch);
            walk::mounted(stage, grep, |found| check(stage, found))
        }),
    ];
    let scores = measure::race(stage.runs, entrants);
    Ok(vec![Race::against_the_first(
        &format!("cold `grep -r`, {}", stage.mailbox),
        scores,
    )])
}

/// Searches all files of a directory. Into a file: grep(1) stops at the first hit when its output goes to /dev/null.
pub fn grep(stage: &Stage, directory: &Path, scratch: &Path) -> io::Result<()> {
    let counts = File::create(scratch.join("counts"))?;
    succeed(
        Command::new("grep")
            .args(["-rc", stage.mailbox.word()])
            .arg(directory)
            .stdout(counts),
    )
}

/// Whether every message was searched.
pub fn check(stage: &Stage, scratch: &Path) -> io::Result<()> {
    stage
        .mailbox
        .expect_count(fs::read_to_string(scratch.join("counts"))?.lines().count())
}
