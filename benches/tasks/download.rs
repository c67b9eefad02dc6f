//! A whole mailbox, from the start of a program to its end: what programs for downloading are made
//! for.

use std::io;
use std::time::Duration;

use super::copy::{check, copy};
use super::{BARE, POP3FS, walk};
use crate::bare::Bare;
use crate::measure::{self, Entrant, Score, timed};
use crate::mount::Mount;
use crate::peers::{self, Peer};
use crate::process::succeed;
use crate::race::Race;
use crate::stage::Stage;

/// Whom people would use instead.
const RIVAL: &str = "mpop";

/// Mounts, copies and unmounts, against the bare client's whole session; the others write files,
/// too.
pub fn races(stage: &Stage) -> io::Result<Vec<Race>> {
    let mut entrants = vec![
        Entrant::new(BARE, || session(stage)),
        Entrant::new(&format!("{POP3FS}: mount, `cp -r`, umount"), || {
            mounted(stage)
        }),
    ];
    for peer in peers::present(stage.distance).filter(|_| stage.peers) {
        entrants.push(Entrant::new(peer.name, || download(stage, peer)));
    }
    let scores = measure::race(stage.runs, entrants);
    let rival = scores.iter().find(|score| score.who == RIVAL).cloned();
    let own: Vec<Score> = scores.get(1).cloned().into_iter().collect();
    let title = format!("from start to end, {}", stage.mailbox);
    let mut races = vec![Race::against_the_first(&title, scores)];
    if let Some(rival) = &rival {
        let title = format!("{title}, against {RIVAL} into a Maildir");
        races.push(Race::beside(&title, own, Some(rival)));
    }
    Ok(races)
}

fn session(stage: &Stage) -> io::Result<Duration> {
    let (time, tally) = timed(|| {
        let mut bare = Bare::connect(&stage.account)?;
        bare.list()?;
        let tally = bare.retrieve(stage.mailbox.numbers())?;
        bare.quit()?;
        Ok(tally)
    })?;
    stage.mailbox.expect_count(tally.accepted)?;
    Ok(time)
}

fn mounted(stage: &Stage) -> io::Result<Duration> {
    let scratch = walk::in_memory()?;
    let (time, ()) = timed(|| {
        let mount = Mount::of(&stage.account)?;
        copy(&mount.path(), scratch.path())?;
        mount.umount()
    })?;
    check(stage, scratch.path())?;
    Ok(time)
}

fn download(stage: &Stage, peer: &Peer) -> io::Result<Duration> {
    let scratch = walk::in_memory()?;
    let mut command = peer.command(&stage.account, stage.mailbox.count, scratch.path())?;
    let (time, ()) = timed(|| succeed(&mut command))?;
    peer.check(scratch.path(), stage.mailbox)?;
    Ok(time)
}
