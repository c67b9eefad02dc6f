//! Where the program speaks: warnings to the terminal as long as there is one, all of it to a
//! file where there is no terminal to be read later.

use std::fs::{File, OpenOptions, rename};
use std::io::{self, Write};
use std::iter;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use env_logger::{Builder, Logger, Target};
use log::{LevelFilter, Log, Metadata, Record};

use super::failure::Failure;
use super::lines::Lines;
use crate::maildrop::StateDirectory;

/// A log of ours that is larger is put aside when a mount begins, in place of the one before.
const LARGE: u64 = 1 << 20;

/// How the names of an account's logs end.
const LOG: &str = ".log";
const OLD_LOG: &str = ".log.old";

struct Both {
    terminal: Logger,
    file: Option<Logger>,
    sinks: Sinks,
}

/// What is written to.
#[derive(Clone)]
pub(super) struct Sinks(Vec<Lines>);

impl Sinks {
    /// From now on nobody waits until a line is written.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(super) fn write_aside(&self) -> io::Result<()> {
        self.0.iter().try_for_each(Lines::write_aside)
    }
}

/// Starts logging; to `file` too if there is one. `verbosity` is how often `-v` was given.
pub(super) fn start(verbosity: u8, file: Option<File>) -> Sinks {
    let level = match verbosity {
        0 => LevelFilter::Info,
        1 => LevelFilter::Debug,
        _ => LevelFilter::Trace,
    };
    let on_terminal = if file.is_some() {
        LevelFilter::Warn
    } else {
        level
    };
    let (stderr, file) = (Lines::to(io::stderr()), file.map(Lines::to));
    let sinks = Sinks(iter::once(stderr.clone()).chain(file.clone()).collect());
    let both = Both {
        terminal: terminal(stderr, on_terminal),
        file: file.map(|file| to_file(file, level)),
        sinks: sinks.clone(),
    };
    // It fails only where a logger is set already, which then does.
    if log::set_boxed_logger(Box::new(both)).is_ok() {
        log::set_max_level(level);
    }
    sinks
}

/// The log that the user has named, who may well mean what a link leads to.
pub(super) fn named(path: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    let opened = options.create(true).append(true).mode(0o600).open(path);
    opened.map_err(|error| Failure::Log(path.to_owned(), error))
}

/// The log of an account's mounts, beside its journal. It does not grow for ever, but stays where it
/// is as long as another mount writes to it: each holds a lock.
pub(super) fn own(state: &StateDirectory, account: &str) -> Result<File, Failure> {
    let mut log = state.open(account, LOG)?;
    if is_large(&log) && log.try_lock().is_ok() {
        let path = state.file(account, LOG);
        rename(&path, state.file(account, OLD_LOG)).map_err(|error| Failure::Log(path, error))?;
        log = state.open(account, LOG)?;
    }
    // Where there are no locks, a log can be written all the same.
    let _ = log.try_lock_shared();
    Ok(log)
}

fn is_large(log: &File) -> bool {
    log.metadata().is_ok_and(|metadata| metadata.len() > LARGE)
}

fn terminal(stderr: Lines, level: LevelFilter) -> Logger {
    let mut builder = Builder::new();
    builder
        .filter_module("pop3fs", level)
        .target(Target::Pipe(Box::new(stderr)));
    builder.format(|line, record| writeln!(line, "pop3fs: {}", record.args()));
    builder.build()
}

fn to_file(file: Lines, level: LevelFilter) -> Logger {
    let mut builder = Builder::new();
    builder
        .filter_module("pop3fs", level)
        .target(Target::Pipe(Box::new(file)));
    builder.format_target(false);
    builder.build()
}

impl Log for Both {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.terminal.enabled(metadata)
            || self
                .file
                .as_ref()
                .is_some_and(|file| file.enabled(metadata))
    }

    fn log(&self, record: &Record<'_>) {
        self.terminal.log(record);
        if let Some(file) = &self.file {
            file.log(record);
        }
    }

    /// Waits until all is written that was said, but not for long.
    fn flush(&self) {
        self.sinks.0.iter().for_each(Lines::flush);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    const ANN: &str = "ann@h:995";

    fn state() -> (TempDir, StateDirectory) {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDirectory::make(directory.path().to_owned()).unwrap();
        (directory, state)
    }

    fn fill(path: &Path) {
        fs::write(path, vec![b' '; LARGE as usize + 1]).unwrap();
    }

    #[test]
    fn a_large_log_is_put_aside_and_no_other_accounts() {
        let (_directory, state) = state();
        let [ann, bob] = [ANN, "bob@h:995"].map(|account| state.file(account, LOG));
        assert_ne!(ann, bob);
        fill(&ann);
        fill(&bob);
        let log = own(&state, ANN).unwrap();
        assert!(!is_large(&log) && is_large(&File::open(bob).unwrap()));
        assert!(is_large(&File::open(state.file(ANN, OLD_LOG)).unwrap()));
    }

    #[test]
    fn a_log_that_another_mount_writes_to_stays_where_it_is() {
        let (_directory, state) = state();
        let running = own(&state, ANN).unwrap();
        fill(&state.file(ANN, LOG));
        own(&state, ANN).unwrap();
        assert!(!state.file(ANN, OLD_LOG).exists());
        drop(running);
        own(&state, ANN).unwrap();
        assert!(state.file(ANN, OLD_LOG).exists());
    }

    #[test]
    fn a_small_log_is_added_to() {
        let (directory, state) = state();
        let account = "../ann@h:995";
        let log = state.file(account, LOG);
        assert_eq!(log.parent(), Some(directory.path()));
        fs::write(&log, "before\n").unwrap();
        own(&state, account).unwrap().write_all(b"after\n").unwrap();
        assert_eq!(fs::read_to_string(&log).unwrap(), "before\nafter\n");
    }

    #[test]
    fn a_link_in_the_place_of_the_log_is_followed_only_where_the_user_named_it() {
        let (directory, state) = state();
        let (log, elsewhere) = (state.file(ANN, LOG), directory.path().join("elsewhere"));
        symlink(&elsewhere, &log).unwrap();
        assert!(own(&state, ANN).is_err() && !elsewhere.exists());
        assert!(named(&log).is_ok() && elsewhere.exists());
    }
}
