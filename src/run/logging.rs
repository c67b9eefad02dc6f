//! Where the program speaks: warnings to the terminal as long as there is one, all of it to a
//! file where there is no terminal to be read later.

use std::fs::{OpenOptions, rename};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use env_logger::{Builder, Logger, Target};
use log::{LevelFilter, Log, Metadata, Record};

use super::failure::Failure;
use crate::maildrop::file_name;

/// A log of ours that is larger is put aside when a mount begins, in place of the one before.
const LARGE: u64 = 1 << 20;

struct Both {
    terminal: Logger,
    file: Option<Logger>,
}

/// Starts logging; to `file` too if there is one. `verbosity` is how often `-v` was given.
pub(super) fn start(verbosity: u8, file: Option<&Path>) -> Result<(), Failure> {
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
    let both = Both {
        terminal: terminal(on_terminal),
        file: file.map(|path| to_file(path, level)).transpose()?,
    };
    // It fails only where a logger is set already, which then does.
    if log::set_boxed_logger(Box::new(both)).is_ok() {
        log::set_max_level(level);
    }
    Ok(())
}

/// The log of an account's mounts, beside its journal. It does not grow for ever.
pub(super) fn own(state: &Path, account: &str) -> Result<PathBuf, Failure> {
    let named = |ending| state.join(file_name(account.as_bytes(), 1, ending));
    let log = named(".log");
    if log.metadata().is_ok_and(|metadata| metadata.len() > LARGE) {
        rename(&log, named(".log.old")).map_err(|error| Failure::Log(log.clone(), error))?;
    }
    Ok(log)
}

fn terminal(level: LevelFilter) -> Logger {
    let mut builder = Builder::new();
    builder.filter_module("pop3fs", level);
    builder.format(|line, record| writeln!(line, "pop3fs: {}", record.args()));
    builder.build()
}

fn to_file(path: &Path, level: LevelFilter) -> Result<Logger, Failure> {
    let unusable = |error| Failure::Log(path.to_owned(), error);
    let mut options = OpenOptions::new();
    let file = options
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(unusable)?;
    let mut builder = Builder::new();
    builder
        .filter_module("pop3fs", level)
        .target(Target::Pipe(Box::new(file)));
    builder.format_target(false);
    Ok(builder.build())
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

    fn flush(&self) {
        self.terminal.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_large_log_is_put_aside_and_no_other_accounts() {
        let state = tempfile::tempdir().unwrap();
        let log = |account| own(state.path(), account).unwrap();
        let (ann, bob) = (log("ann@h:995"), log("bob@h:995"));
        assert_ne!(ann, bob);
        let large = vec![b' '; LARGE as usize + 1];
        for path in [&ann, &bob] {
            fs::write(path, &large).unwrap();
        }
        assert_eq!(log("ann@h:995"), ann);
        assert!(!ann.exists() && bob.exists());
        assert_eq!(fs::read_dir(&state).unwrap().count(), 2);
    }

    #[test]
    fn a_small_log_is_added_to() {
        let state = tempfile::tempdir().unwrap();
        let log = own(state.path(), "../ann@h:995").unwrap();
        assert_eq!(log.parent(), Some(state.path()));
        fs::write(&log, "before\n").unwrap();
        own(state.path(), "../ann@h:995").unwrap();
        assert_eq!(fs::read_to_string(&log).unwrap(), "before\n");
    }
}
