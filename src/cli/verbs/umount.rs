//! `pop3fs umount`: commit, say what happened, unmount.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::commit::commit_through;
use super::control::Control;
use super::exit::await_exit;
use super::{Answer, VerbError};
use crate::cli::ExitStatus;

/// How long the process may take to end once its mount is gone. The commit is over by then; what
/// is left is a farewell to the server.
const EXIT_BOUND: Duration = Duration::from_secs(30);

/// What to say of a mount that nobody serves any more.
const DEAD: &str = "nothing is committed, as the process that served the mount is gone; what was \
                    marked stays marked, and the next mount takes it over\n";

/// Commits, unmounts by `unmount`, and waits for the process that served the mount to end. What
/// cannot be deleted stays marked and does not keep the mailbox from being unmounted.
///
/// # Errors
///
/// [`VerbError::NotMounted`], or [`VerbError::Refused`] if it is another user's.
pub fn umount(
    mountpoint: &Path,
    unmount: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<Answer, VerbError> {
    match Control::open(mountpoint) {
        Ok(control) => Ok(commit_and_unmount(&control, mountpoint, unmount)),
        Err(VerbError::Dead(_)) => {
            let dead = Answer {
                text: DEAD.to_owned(),
                status: ExitStatus::TempFail,
            };
            Ok(followed_by(dead, unmounted(mountpoint, unmount)))
        }
        Err(error) => Err(error),
    }
}

fn commit_and_unmount(
    control: &Control,
    mountpoint: &Path,
    unmount: impl FnOnce(&Path) -> io::Result<()>,
) -> Answer {
    let status = control.status().unwrap_or_default();
    let pid = status.pid;
    let committed = if status.read_only {
        nothing_to_say()
    } else {
        told(commit(control))
    };
    let unmounted = unmounted(mountpoint, unmount);
    let is_off = unmounted.status == ExitStatus::Ok;
    let so_far = followed_by(committed, unmounted);
    match pid {
        Some(pid) if is_off => followed_by(so_far, ended(pid, EXIT_BOUND)),
        _ => so_far,
    }
}

fn commit(control: &Control) -> Result<Answer, VerbError> {
    let report = commit_through(control)?;
    Ok(Answer {
        text: report.to_string(),
        status: report.status(),
    })
}

fn nothing_to_say() -> Answer {
    Answer {
        text: String::new(),
        status: ExitStatus::Ok,
    }
}

/// A failure is part of the story here, not its end.
fn told(outcome: Result<Answer, VerbError>) -> Answer {
    outcome.unwrap_or_else(|error| Answer {
        text: format!("{error}\n"),
        status: error.status(),
    })
}

fn unmounted(mountpoint: &Path, unmount: impl FnOnce(&Path) -> io::Result<()>) -> Answer {
    let path = mountpoint.display();
    match unmount(mountpoint) {
        Ok(()) => Answer {
            text: format!("unmounted {path}\n"),
            status: ExitStatus::Ok,
        },
        Err(error) => Answer {
            text: format!("cannot unmount {path}: {error}{}\n", advice(&error)),
            status: status_of(&error),
        },
    }
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ResourceBusy => "; close what is open there, and leave the directory",
        _ => "",
    }
}

fn status_of(error: &io::Error) -> ExitStatus {
    match error.kind() {
        io::ErrorKind::ResourceBusy => ExitStatus::TempFail,
        io::ErrorKind::PermissionDenied => ExitStatus::NoPerm,
        _ => ExitStatus::OsErr,
    }
}

fn ended(pid: u32, bound: Duration) -> Answer {
    if await_exit(pid, bound) {
        return nothing_to_say();
    }
    let seconds = bound.as_secs();
    Answer {
        text: format!(
            "process {pid} has not ended after {seconds} s; another program, or a container, may \
             still hold the mount\n"
        ),
        status: ExitStatus::TempFail,
    }
}

/// Both texts, and the first status that is a failure.
fn followed_by(first: Answer, then: Answer) -> Answer {
    Answer {
        text: first.text + &then.text,
        status: match first.status {
            ExitStatus::Ok => then.status,
            failure => failure,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::control::tests::{mount, written};
    use super::*;

    const COMPLETE: &str = r#"{"complete": true, "remaining": 5, "messages": []}"#;

    #[test]
    fn it_commits_before_it_unmounts() {
        let mount = mount(&[("last-commit", COMPLETE), ("status", "{}")]);
        let answer = umount(mount.path(), |path| {
            assert_eq!(path, mount.path());
            assert_eq!(written(&mount), "commit\n");
            Ok(())
        });
        let text = format!("0 deleted, 5 left\nunmounted {}\n", mount.path().display());
        let status = ExitStatus::Ok;
        assert_eq!(answer.unwrap(), Answer { text, status });
    }

    #[test]
    fn it_unmounts_even_if_the_commit_fails_and_its_status_tells() {
        let mount = mount(&[("last-commit", r#"{"complete": false}"#)]);
        let mut unmounted = false;
        let answer = umount(mount.path(), |_| {
            unmounted = true;
            Ok(())
        });
        assert!(unmounted);
        assert_eq!(answer.unwrap().status, ExitStatus::TempFail);
    }

    #[test]
    fn a_busy_mount_is_reported_after_its_commit() {
        let mount = mount(&[("last-commit", COMPLETE)]);
        let busy = |_: &Path| Err(io::Error::from(io::ErrorKind::ResourceBusy));
        let answer = umount(mount.path(), busy).unwrap();
        assert!(answer.text.starts_with("0 deleted, 5 left\ncannot unmount"));
        assert_eq!(answer.status, ExitStatus::TempFail);
    }

    #[test]
    fn what_is_no_mount_is_not_unmounted() {
        let directory = tempfile::tempdir().unwrap();
        let error = umount(directory.path(), |_| panic!("it must not be tried")).unwrap_err();
        assert!(matches!(error, VerbError::NotMounted(_)));
    }

    #[test]
    fn a_process_that_stays_is_told_of() {
        let answer = ended(std::process::id(), Duration::ZERO);
        assert_eq!(answer.status, ExitStatus::TempFail);
    }
}
