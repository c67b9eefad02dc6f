//! Other programs, run to their end.

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Runs a program that needs no input and must succeed. Its complaints go to the terminal.
pub fn succeed(command: &mut Command) -> io::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.stdin(Stdio::null()).status();
    match status.map_err(|error| io::Error::other(format!("cannot start {program}: {error}")))? {
        status if status.success() => Ok(()),
        status => Err(io::Error::other(format!("{program} failed: {status}"))),
    }
}

/// Where a program is, if it is in PATH or where servers are, which not everybody has in PATH.
pub fn path_of(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
}
