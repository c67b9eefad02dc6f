//! Programs that read every message of a mailbox.

use std::io;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::bare::Bare;
use crate::measure::timed;
use crate::mount::Mount;
use crate::stage::Stage;

/// Fetches everything on a session that has listed.
pub fn bare(stage: &Stage) -> io::Result<Duration> {
    let mut bare = Bare::connect(&stage.account)?;
    bare.list()?;
    let (time, tally) = timed(|| bare.retrieve(stage.mailbox.numbers()))?;
    stage.mailbox.expect_count(tally.accepted)?;
    bare.quit()?;
    Ok(time)
}

/// Walks a mount that has read nothing yet, with a directory in memory for what comes of it;
/// then checks that.
pub fn mounted(
    stage: &Stage,
    walk: impl FnOnce(&Path, &Path) -> io::Result<()>,
    check: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<Duration> {
    let mount = Mount::of(&stage.account)?;
    let scratch = in_memory()?;
    let (time, ()) = timed(|| walk(&mount.path(), scratch.path()))?;
    mount.umount()?;
    check(scratch.path())?;
    Ok(time)
}

/// A directory on tmpfs.
pub fn in_memory() -> io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix("pop3fs-bench-")
        .tempdir_in("/dev/shm")
}
