//! `cp -r` of a mailbox into memory, and programs that are made for downloading.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::{BARE, POP3FS, Race, walk};
use crate::measure::{self, Entrant, timed};
use crate::peers::{self, Peer};
use crate::process::succeed;
use crate::stage::Stage;

/// Copies out of a fresh mount; the downloaders are timed from their start, login included.
pub fn race(stage: &Stage) -> io::Result<Vec<Race>> {
    let mut entrants = vec![
        Entrant::new(BARE, || walk::bare(stage)),
        Entrant::new(POP3FS, || {
            walk::mounted(stage, copy, |copied| check(stage, &copied.join("copy")))
        }),
    ];
    for peer in peers::present(stage.distance).filter(|_| stage.peers) {
        entrants.push(Entrant::new(peer.name, || download(stage, peer)));
    }
    let scores = measure::race(stage.runs, entrants);
    Ok(vec![Race::against_the_first(
        &format!("cold `cp -r`, {}", stage.mailbox),
        scores,
    )])
}

fn copy(mount: &Path, scratch: &Path) -> io::Result<()> {
    succeed(
        Command::new("cp")
            .arg("-r")
            .arg(mount)
            .arg(scratch.join("copy")),
    )
}

/// Whether every message is there, whole.
fn check(stage: &Stage, copied: &Path) -> io::Result<()> {
    let mut octets = 0;
    let mut count = 0;
    for entry in fs::read_dir(copied)? {
        octets += entry?.metadata()?.len();
        count += 1;
    }
    stage.mailbox.expect_count(count)?;
    stage.mailbox.expect_octets(octets)
}

fn download(stage: &Stage, peer: &Peer) -> io::Result<Duration> {
    let scratch = walk::in_memory()?;
    let mut command = peer.command(&stage.account, stage.mailbox.count, scratch.path())?;
    let (time, ()) = timed(|| succeed(&mut command))?;
    peer.check(scratch.path(), stage.mailbox)?;
    Ok(time)
}
