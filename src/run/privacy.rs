//! What others on the machine are not to see of the process.

use std::io;

use nix::sys::prctl;

use crate::password::Environment;

use super::failure::Failure;

/// Keeps the memory from core dumps and from other processes of the same user (ptrace, `/proc`),
/// and takes the password out of the environment.
///
/// No other thread may exist yet.
pub(super) fn withdraw() -> Result<Environment, Failure> {
    let hidden = prctl::set_dumpable(false);
    hidden.map_err(|errno| Failure::System("hide the process's memory", io::Error::from(errno)))?;
    // SAFETY: the process has one thread until it is split off.
    Ok(unsafe { Environment::take() })
}
