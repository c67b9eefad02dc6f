//! A message that is larger than the memory that there is for messages.

use std::io;

use super::reading::read;
use super::{BARE, POP3FS, walk};
use crate::measure::{self, Entrant, Score, timed};
use crate::mount::Mount;
use crate::quantity::Quantity;
use crate::race::Race;
use crate::stage::Stage;

/// The most that it may take: the cache, and half as much for all else.
const MEMORY: u64 = (64 + 32) << 20;

/// Reads it on a fresh mount, against fetching it, and looks how much memory that took.
pub fn races(stage: &Stage) -> io::Result<Vec<Race>> {
    let octets = stage.mailbox.octets()?;
    let mut memory = Vec::new();
    let scores = measure::race(
        stage.runs,
        vec![
            Entrant::new(BARE, || walk::bare(stage)),
            Entrant::new(POP3FS, || {
                let mount = Mount::of(&stage.account)?;
                let files = mount.files()?;
                stage.mailbox.expect_count(files.len())?;
                let (time, read) = timed(|| read(&files[0]))?;
                memory.push(bounded(mount.most_memory()?)? as f64);
                mount.umount()?;
                if read == octets {
                    Ok(time)
                } else {
                    Err(io::Error::other(format!("{read} octets of {octets}")))
                }
            }),
        ],
    );
    let memory = vec![Score::of(POP3FS, Quantity::Memory, memory)];
    Ok(vec![
        Race::against_the_first("read of a message of 1 GiB", scores),
        Race::side_by_side(
            "the most memory ever, with the usual cache of 64 MiB",
            memory,
        ),
    ])
}

fn bounded(memory: u64) -> io::Result<u64> {
    if memory <= MEMORY {
        Ok(memory)
    } else {
        Err(io::Error::other(format!(
            "{memory} octets of memory, where {MEMORY} are allowed"
        )))
    }
}
