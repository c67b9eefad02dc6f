//! A server that has to be asked one thing at a time, and sends its replies in parts.

use std::io;
use std::time::Duration;

use super::copy::{check, copy};
use super::{POP3FS, walk};
use crate::bare::Bare;
use crate::measure::{self, Entrant, timed};
use crate::race::Race;
use crate::stage::Stage;

/// Fetches everything message by message: with and without acknowledging at once what comes, and
/// through a mount.
pub fn race(stage: &Stage) -> io::Result<Vec<Race>> {
    let entrants = vec![
        Entrant::new("one at a time, with TCP_QUICKACK", || bare(stage, true)),
        Entrant::new("one at a time, without", || bare(stage, false)),
        Entrant::new(&format!("{POP3FS}: `cp -r`"), || {
            walk::mounted(stage, copy, |copied| check(stage, copied))
        }),
    ];
    let scores = measure::race(stage.runs, entrants);
    Ok(vec![Race::against_the_first(
        &format!("all of {}, server without PIPELINING", stage.mailbox),
        scores,
    )])
}

fn bare(stage: &Stage, acknowledge_at_once: bool) -> io::Result<Duration> {
    let mut bare = Bare::connect(&stage.account)?;
    bare.list()?;
    if acknowledge_at_once {
        bare.acknowledge_at_once();
    }
    let (time, ()) = timed(|| {
        stage
            .mailbox
            .numbers()
            .try_for_each(|number| bare.retrieve([number]).map(drop))
    })?;
    bare.quit()?;
    Ok(time)
}
