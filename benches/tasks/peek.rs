//! Looking at the header of every message.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::{BARE, POP3FS, walk};
use crate::bare::Bare;
use crate::measure::{self, Entrant, timed};
use crate::process::succeed;
use crate::race::Race;
use crate::stage::Stage;

/// What every header has.
const FIELD: &str = "^Subject:";

/// Looks into each message of a fresh mount, against fetching all headers.
pub fn race(stage: &Stage) -> io::Result<Vec<Race>> {
    let entrants = vec![
        Entrant::new(&format!("{BARE}: TOP"), || headers(stage)),
        Entrant::new(POP3FS, || {
            walk::mounted(stage, grep, |found| check(stage, found))
        }),
    ];
    let scores = measure::race(stage.runs, entrants);
    let title = format!("cold `grep -r -m1 {FIELD}`, {}", stage.mailbox);
    Ok(vec![Race::against_the_first(&title, scores)])
}

fn headers(stage: &Stage) -> io::Result<Duration> {
    let mut bare = Bare::connect(&stage.account)?;
    bare.list()?;
    let (time, tally) = timed(|| bare.top(stage.mailbox.numbers(), 0))?;
    stage.mailbox.expect_count(tally.accepted)?;
    bare.quit()?;
    Ok(time)
}

fn grep(mount: &Path, scratch: &Path) -> io::Result<()> {
    let lines = File::create(scratch.join("lines"))?;
    let mut grep = Command::new("grep");
    succeed(grep.args(["-r", "-m1", FIELD]).arg(mount).stdout(lines))
}

fn check(stage: &Stage, scratch: &Path) -> io::Result<()> {
    let lines = fs::read_to_string(scratch.join("lines"))?;
    stage.mailbox.expect_count(lines.lines().count())
}
