//! A directory of very many messages, beside one on tmpfs.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::{POP3FS, TMPFS, walk};
use crate::measure::{self, Entrant, timed};
use crate::mount::Mount;
use crate::process::succeed;
use crate::race::Race;
use crate::stage::Stage;

/// How many names are looked up, and removed.
const NAMES: usize = 10_000;

/// What is done, and how it is done to a directory, of which some names are known.
type Operation = (&'static str, fn(&Path, &[OsString]) -> io::Result<()>);

const OPERATIONS: [Operation; 5] = [
    ("`ls -f`", |directory, _| run("ls", "-f", directory)),
    ("`ls -l`", |directory, _| run("ls", "-l", directory)),
    ("`find -size +2k`", find),
    ("look-up of 10000 names", look_up),
    ("look-up of 10000 missing names", look_up_missing),
];

/// Does each for the first time and again.
pub fn races(stage: &Stage) -> io::Result<Vec<Race>> {
    let again = Mount::of(&stage.account)?;
    let local = Local::copy_of(&again)?;
    stage.mailbox.expect_count(local.files.len())?;
    let names = local.names(NAMES);
    let mut races = Vec::new();
    for operation in &OPERATIONS {
        races.push(race(stage, operation, &again, &local, &names)?);
    }
    again.umount()?;
    races.push(removal(stage, &local, &names));
    Ok(races)
}

fn race(
    stage: &Stage,
    (what, act): &Operation,
    known: &Mount,
    local: &Local,
    names: &[OsString],
) -> io::Result<Race> {
    let time = |directory: &Path| timed(|| act(directory, names)).map(|(time, ())| time);
    time(&known.path())?;
    let entrants = vec![
        Entrant::new(TMPFS, || time(local.directory.path())),
        Entrant::new(&format!("{POP3FS}, first"), || {
            let mount = Mount::of(&stage.account)?;
            let time = time(&mount.path())?;
            mount.umount()?;
            Ok(time)
        }),
        Entrant::new(&format!("{POP3FS}, again"), || time(&known.path())),
    ];
    let title = format!("{what}, {}", stage.mailbox);
    Ok(Race::against_the_first(
        &title,
        measure::race(stage.runs, entrants),
    ))
}

/// Marks messages, and takes the marks off again.
fn removal(stage: &Stage, local: &Local, names: &[OsString]) -> Race {
    let entrants = vec![
        Entrant::new(TMPFS, || {
            let time = remove(local.directory.path(), names)?;
            local.make()?;
            Ok(time)
        }),
        Entrant::new(POP3FS, || {
            let mount = Mount::of(&stage.account)?;
            let time = remove(&mount.path(), names)?;
            mount.undelete_all()?;
            mount.umount()?;
            Ok(time)
        }),
    ];
    let title = format!("`rm` of {} of {}", names.len(), stage.mailbox);
    Race::against_the_first(&title, measure::race(stage.runs, entrants))
}

/// Files of the same names and sizes on tmpfs.
struct Local {
    directory: TempDir,
    files: Vec<(OsString, u64)>,
}

impl Local {
    fn copy_of(mount: &Mount) -> io::Result<Local> {
        let files = fs::read_dir(mount.path())?
            .map(|entry| {
                let entry = entry?;
                Ok((entry.file_name(), entry.metadata()?.len()))
            })
            .collect::<io::Result<_>>()?;
        let local = Local {
            directory: walk::in_memory()?,
            files,
        };
        local.make()?;
        Ok(local)
    }

    /// Makes the files that are not there.
    fn make(&self) -> io::Result<()> {
        for (name, size) in &self.files {
            File::create(self.directory.path().join(name))?.set_len(*size)?;
        }
        Ok(())
    }

    /// Some names, from all over the directory.
    fn names(&self, count: usize) -> Vec<OsString> {
        let step = (self.files.len() / count).max(1);
        let names = self.files.iter().map(|(name, _)| name.clone());
        names.step_by(step).take(count).collect()
    }
}

fn run(program: &str, option: &str, directory: &Path) -> io::Result<()> {
    succeed(
        Command::new(program)
            .arg(option)
            .arg(directory)
            .stdout(Stdio::null()),
    )
}

fn find(directory: &Path, _: &[OsString]) -> io::Result<()> {
    succeed(
        Command::new("find")
            .arg(directory)
            .args(["-size", "+2k"])
            .stdout(Stdio::null()),
    )
}

fn look_up(directory: &Path, names: &[OsString]) -> io::Result<()> {
    names
        .iter()
        .try_for_each(|name| fs::symlink_metadata(directory.join(name)).map(drop))
}

fn look_up_missing(directory: &Path, names: &[OsString]) -> io::Result<()> {
    for name in names {
        let mut missing = name.clone();
        missing.push("-missing");
        match fs::symlink_metadata(directory.join(missing)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(_) => return Err(io::Error::other("a missing name is there")),
        }
    }
    Ok(())
}

fn remove(directory: &Path, names: &[OsString]) -> io::Result<Duration> {
    let mut rm = Command::new("rm");
    rm.args(names).current_dir(directory);
    timed(|| succeed(&mut rm)).map(|(time, ())| time)
}
