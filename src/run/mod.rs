//! Composition: from what is meant to an exit status.
//!
//! ```text
//! Request -- verb --> cli::verbs, on a mount that is there
//!         `- mount -> split -> keeper -> journal -> sandbox -> password, link, listing -> mount
//!                     -> announce
//!                     -> serve until it ends -> commit -> leave -> exit status
//! ```

mod compose;
mod confinement;
mod failure;
mod journal;
mod life;
mod lines;
mod logging;
mod login;
mod mounting;
mod mounts;
mod privacy;
mod proof;
mod route;
mod storage;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::cli::{self, ExitStatus, Request, verbs};

use mounts::SystemMounts;

/// Does what the command line says, the program's own name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let status = match cli::parse(arguments) {
        Ok(request) => carry_out(request),
        Err(stop) => stop.print(),
    };
    status.into()
}

fn carry_out(request: Request) -> ExitStatus {
    match request {
        Request::Mount(request) => mounting::mount(&request),
        Request::Pretend => ExitStatus::Ok,
        Request::Umount {
            mountpoint,
            manner,
            terms,
        } => {
            let mountpoint = mounts::from_outside(mountpoint);
            verbs::show(verbs::umount(&mountpoint, manner, terms, &SystemMounts))
        }
        Request::Commit { mountpoint, terms } => verbs::show(verbs::commit(&mountpoint, terms)),
        Request::Status {
            mountpoint,
            json: true,
        } => verbs::show(verbs::status_as_json(&mountpoint)),
        Request::Status {
            mountpoint,
            json: false,
        } => verbs::show(verbs::status(&mountpoint)),
        Request::Refresh { mountpoint } => verbs::show(verbs::refresh(&mountpoint)),
        Request::Wait {
            mountpoint,
            new,
            patience,
        } => verbs::show(verbs::wait(&mountpoint, new, patience)),
        Request::Park { mountpoint } => verbs::show(verbs::park(&mountpoint)),
        Request::Undelete { mountpoint, which } => {
            verbs::show(verbs::undelete(&mountpoint, &which))
        }
    }
}
