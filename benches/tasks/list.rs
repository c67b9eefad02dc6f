//! From the start of the program to the end of the first listing.

use std::fs;
use std::io;
use std::process::{Command, Stdio};

use super::{BARE, POP3FS};
use crate::bare::Bare;
use crate::measure::{self, Entrant, timed};
use crate::mount::Mount;
use crate::process::succeed;
use crate::race::Race;
use crate::stage::Stage;

/// Mounts and lists, against logging in and listing.
pub fn race(stage: &Stage) -> io::Result<Vec<Race>> {
    let pop3fs = Entrant::new(POP3FS, || {
        let (time, mount) = timed(|| {
            let mount = Mount::of(&stage.account)?;
            succeed(
                Command::new("ls")
                    .arg("-f")
                    .arg(mount.path())
                    .stdout(Stdio::null()),
            )?;
            Ok(mount)
        })?;
        let listed = fs::read_dir(mount.path())?.count();
        mount.umount()?;
        stage.mailbox.expect_count(listed)?;
        Ok(time)
    });
    let scores = measure::race(stage.runs, vec![listing(stage), pop3fs]);
    Ok(vec![Race::against_the_first(
        &format!("mount and `ls -f`, {}", stage.mailbox),
        scores,
    )])
}

/// The bare client logs in and lists.
pub fn listing(stage: &Stage) -> Entrant<'_> {
    Entrant::new(BARE, || {
        let (time, bare) = timed(|| {
            let mut bare = Bare::connect(&stage.account)?;
            bare.list()?;
            Ok(bare)
        })?;
        bare.quit()?;
        Ok(time)
    })
}
