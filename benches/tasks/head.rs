//! The first lines of a message that is large.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{BARE, POP3FS};
use crate::bare::Bare;
use crate::measure::{self, Entrant, timed};
use crate::mount::Mount;
use crate::process::succeed;
use crate::race::Race;
use crate::stage::Stage;

/// How much somebody wants to see.
const OCTETS: &str = "4096";

/// So many lines are at least as much.
const LINES: usize = 60;

/// Looks into a message on a fresh mount, against TOP on a session that has listed.
pub fn race(stage: &Stage) -> io::Result<Vec<Race>> {
    let bare = Entrant::new(BARE, || {
        let mut bare = Bare::connect(&stage.account)?;
        bare.list()?;
        let (time, _) = timed(|| bare.top([1], LINES))?;
        bare.quit()?;
        Ok(time)
    });
    let pop3fs = Entrant::new(POP3FS, || {
        let mount = Mount::of(&stage.account)?;
        let files = mount.files()?;
        stage.mailbox.expect_count(files.len())?;
        // Not the first, which is how most walks begin.
        let (time, ()) = timed(|| head(&files[files.len() - 1]))?;
        mount.umount()?;
        Ok(time)
    });
    let scores = measure::race(stage.runs, vec![bare, pop3fs]);
    Ok(vec![Race::in_round_trips(
        "`head -c 4096` of a message of 25 MB",
        scores,
        stage.distance.round_trip,
    )])
}

fn head(file: &Path) -> io::Result<()> {
    succeed(
        Command::new("head")
            .args(["-c", OCTETS])
            .arg(file)
            .stdout(Stdio::null()),
    )
}
