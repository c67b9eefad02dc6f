//! Searching what has been read already.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::unistd::getuid;
use tempfile::TempDir;

use super::copy::copy;
use super::grep::{check, grep};
use super::{POP3FS, TMPFS, walk};
use crate::measure::{self, Entrant, timed};
use crate::mount::Mount;
use crate::race::Race;
use crate::stage::Stage;

/// Searches messages that the program has in memory, some of which the kernel has, too, beside a
/// copy of them.
pub fn race(stage: &Stage) -> io::Result<Vec<Race>> {
    let mount = Mount::of(&stage.account)?;
    let copies = walk::in_memory()?;
    copy(&mount.path(), copies.path())?;
    let files = mount.files()?;
    let before = mount.status()?.transfer.received;
    let scores = measure::race(
        stage.runs,
        vec![
            Entrant::new(TMPFS, || search(stage, &copies.path().join("copy"))),
            Entrant::new(&format!("{POP3FS}, the kernel knows nothing"), || {
                forget(&mount, &files)?;
                search(stage, &mount.path())
            }),
            Entrant::new(&format!("{POP3FS}, the kernel knows all"), || {
                search(stage, &mount.path())
            }),
        ],
    );
    let fetched = mount.status()?.transfer.received - before;
    mount.umount()?;
    if fetched > stage.mailbox.count as u64 {
        return Err(io::Error::other(format!(
            "{fetched} octets came from the server, where all was in memory"
        )));
    }
    Ok(vec![Race::against_the_first(
        &format!("`grep -r` again, {}", stage.mailbox),
        scores,
    )])
}

fn search(stage: &Stage, directory: &Path) -> io::Result<Duration> {
    let found: TempDir = walk::in_memory()?;
    let (time, ()) = timed(|| grep(stage, directory, found.path()))?;
    check(stage, found.path())?;
    Ok(time)
}

/// Empties the kernel's caches of the mount; who is not root can empty only that of contents.
fn forget(mount: &Mount, files: &[PathBuf]) -> io::Result<()> {
    if getuid().is_root() {
        return mount.forget();
    }
    for file in files {
        let file = File::open(file)?;
        posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
    }
    Ok(())
}
