//! Where the program speaks: warnings to the terminal as long as there is one, all of it to a
//! file where there is no terminal to be read later.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use env_logger::{Builder, Logger, Target};
use log::{LevelFilter, Log, Metadata, Record};

use super::failure::Failure;

/// A log larger than this is put aside when a mount begins, in place of the one before.
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

fn terminal(level: LevelFilter) -> Logger {
    let mut builder = Builder::new();
    builder.filter_module("pop3fs", level);
    builder.format(|line, record| writeln!(line, "pop3fs: {}", record.args()));
    builder.build()
}

fn to_file(path: &Path, level: LevelFilter) -> Result<Logger, Failure> {
    let unusable = |error| Failure::Log(path.to_owned(), error);
    if path
        .metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.len() > LARGE)
    {
        std::fs::rename(path, path.with_extension("log.old")).map_err(unusable)?;
    }
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
