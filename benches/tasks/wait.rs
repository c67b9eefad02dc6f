//! Everybody else, while some readers wait for a server that is silent.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::sys::statvfs::statvfs;

use super::POP3FS;
use crate::measure::{Score, timed};
use crate::mount::Mount;
use crate::race::Race;
use crate::stage::Stage;

/// More than there are threads to answer the kernel, should each be kept by one.
const READERS: usize = 4;

/// How often each operation is tried.
const REPETITIONS: usize = 200;

/// Long enough for the readers to have asked.
const SETTLING: Duration = Duration::from_millis(300);

/// What others do meanwhile, and how to do it for the n-th time.
type Operation<'a> = (&'static str, Box<dyn Fn(usize) -> io::Result<()> + 'a>);

/// Times operations that need no network, first with nobody waiting, then beside readers whose
/// messages the server holds back.
pub fn races(stage: &Stage) -> io::Result<Vec<Race>> {
    let (relay, account) = stage.relayed()?;
    let mount = Mount::of(&account)?;
    let (root, files) = (mount.path(), mount.files()?);
    stage.mailbox.expect_count(files.len())?;
    let (known, unknown) = files.split_at(files.len() - READERS);
    read_through(middle(known))?;
    let operations = operations(&root, known);

    let alone = times(&operations)?;
    let hold = relay.hold();
    let mut readers = unknown
        .iter()
        .map(|file| reader(file))
        .collect::<io::Result<Vec<_>>>()?;
    thread::sleep(SETTLING);
    let beside = times(&operations)?;
    let waited = readers
        .iter_mut()
        .all(|reader| matches!(reader.try_wait(), Ok(None)));
    drop(hold);
    let served = readers
        .iter_mut()
        .all(|reader| reader.wait().is_ok_and(|status| status.success()));
    mount.umount()?;
    if !(waited && served) {
        return Err(io::Error::other(format!(
            "the readers did not wait ({waited}) or were not served ({served})"
        )));
    }
    let pairs = alone.into_iter().zip(beside);
    Ok(operations
        .iter()
        .zip(pairs)
        .map(|((what, _), (alone, beside))| race(what, alone, beside))
        .collect())
}

/// Operations of which the daemon has to answer all but the first.
fn operations<'a>(root: &'a Path, known: &'a [PathBuf]) -> Vec<Operation<'a>> {
    // The kernel remembers which names are missing, so none is asked for twice.
    let asked = Cell::new(0);
    let new_name = move || root.join(format!("missing-{}", asked.replace(asked.get() + 1)));
    vec![
        (
            "`stat`",
            Box::new(|n| fs::metadata(&known[n % known.len()]).map(drop)),
        ),
        (
            "look-up of a missing name",
            Box::new(move |_| missing(&new_name())),
        ),
        ("`statfs`", Box::new(|_| Ok(statvfs(root).map(drop)?))),
        (
            "`ls` of 300 messages",
            Box::new(move |_| fs::read_dir(root)?.try_for_each(|entry| entry.map(drop))),
        ),
        (
            "read of a message in memory",
            Box::new(|_| read_through(middle(known))),
        ),
    ]
}

/// One that no walk begins with.
fn middle(files: &[PathBuf]) -> &Path {
    &files[files.len() / 2]
}

fn times(operations: &[Operation]) -> io::Result<Vec<Vec<Duration>>> {
    let time = |operation: &Operation, n| timed(|| (operation.1)(n)).map(|(time, ())| time);
    operations
        .iter()
        .map(|operation| (0..REPETITIONS).map(|n| time(operation, n)).collect())
        .collect()
}

fn race(what: &str, alone: Vec<Duration>, beside: Vec<Duration>) -> Race {
    let waiting = format!("{POP3FS}, {READERS} readers wait");
    let scores = vec![
        Score::of_times(&format!("{POP3FS}, nobody waits"), &alone),
        Score::of_times(&waiting, &beside),
    ];
    Race::side_by_side(&format!("{what} beside readers who wait"), scores)
}

fn reader(file: &Path) -> io::Result<Child> {
    Command::new("cat").arg(file).stdout(Stdio::null()).spawn()
}

fn missing(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::other(format!(
            "{} should not be there",
            path.display()
        ))),
    }
}

/// Reads a file, past what the kernel holds of it.
fn read_through(path: &Path) -> io::Result<()> {
    let mut file = File::open(path)?;
    posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
    file.read_to_end(&mut Vec::new()).map(drop)
}
