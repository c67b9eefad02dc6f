//! What a message costs before it is read: the same in small mailboxes as in huge ones?

use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::POP3FS;
use super::list::listing;
use crate::measure::{self, Entrant, Score, timed};
use crate::mount::Mount;
use crate::process::succeed;
use crate::quantity::Quantity;
use crate::race::Race;
use crate::stage::Stage;

/// Mounts, against logging in and listing; then lists, and looks at the memory.
pub fn races(stage: &Stage) -> io::Result<Vec<Race>> {
    let mut memory = Vec::new();
    let mut listings = Vec::new();
    let scores = measure::race(
        stage.runs,
        vec![
            listing(stage),
            Entrant::new(POP3FS, || {
                let (time, mount) = timed(|| Mount::of(&stage.account))?;
                memory.push(mount.memory()? as f64);
                listings.push(list(&mount)?);
                stage.mailbox.expect_count(mount.files()?.len())?;
                mount.umount()?;
                Ok(time)
            }),
        ],
    );
    let memory = Score::of(POP3FS, Quantity::Memory, memory);
    let listings = Score::of_times(POP3FS, &listings);
    Ok(told(stage.mailbox.count, scores, memory, listings))
}

fn told(count: usize, mounts: Vec<Score>, memory: Score, listings: Score) -> Vec<Race> {
    let share = |score: &Score| score.shared_by(count);
    let mounts_shared = mounts.iter().map(share).collect();
    let alone = |title: &str, score: Score| Race::side_by_side(title, vec![score]);
    vec![
        Race::against_the_first("mount", mounts),
        Race::side_by_side("mount, for each message", mounts_shared),
        alone("first `ls -l`, for each message", share(&listings)),
        alone("memory before anything is read", memory.clone()),
        alone("memory, for each message", share(&memory)),
    ]
}

fn list(mount: &Mount) -> io::Result<Duration> {
    let mut ls = Command::new("ls");
    ls.arg("-l").arg(mount.path()).stdout(Stdio::null());
    timed(|| succeed(&mut ls)).map(|(time, ())| time)
}
