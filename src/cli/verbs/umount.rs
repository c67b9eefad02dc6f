//! `pop3fs umount`: commit, say what happened, unmount.

use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::commit::commit_through;
use super::control::Control;
use super::exit::await_exit;
use super::force::umount_by_force;
use super::{Answer, Manner, Mounts, Terms, VerbError};
use crate::cli::ExitStatus;

/// How long the process may take to end once its mount is gone. The commit is over by then; what
/// is left is a farewell to the server.
const EXIT_BOUND: Duration = Duration::from_secs(30);

/// How long a mount may be in use with nobody to be seen who uses it. The process that serves it does,
/// for a moment, when it lets those who watch know of mail that came or vanished.
const OWN_USE_BOUND: Duration = Duration::from_secs(1);

/// How often it is looked at meanwhile.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// What to say of a mount that nobody serves any more.
const DEAD: &str = "nothing is committed, as the process that served the mount is gone; what was \
                    marked stays marked, and the next mount takes it over\n";

/// Commits, unmounts, and waits for the process that served the mount to end. What cannot be
/// deleted stays marked and does not keep the mailbox from being unmounted. Where somebody uses the
/// mount and it is to be unmounted plainly, nothing is done.
///
/// # Errors
///
/// [`VerbError::NotMounted`], [`VerbError::NotOurs`], [`VerbError::InUse`], [`VerbError::Foreign`],
/// or [`VerbError::Unreadable`].
pub fn umount(
    mountpoint: &Path,
    manner: Manner,
    terms: Terms,
    mounts: &impl Mounts,
) -> Result<Answer, VerbError> {
    if manner == Manner::Forcibly {
        return umount_by_force(mountpoint, mounts);
    }
    match Control::open(mountpoint) {
        Ok(control) => {
            check_use(mountpoint, manner, mounts)?;
            Ok(commit_and_unmount(
                &control, mountpoint, manner, terms, mounts,
            ))
        }
        Err(VerbError::Dead(_)) => clear_away(mountpoint, manner, mounts),
        Err(error) => Err(error),
    }
}

/// Before the commit, so that a refusal to unmount leaves all as it was.
fn check_use(mountpoint: &Path, manner: Manner, mounts: &impl Mounts) -> Result<(), VerbError> {
    if manner != Manner::Plainly {
        return Ok(());
    }
    let is_unseen = |holders: &Option<Vec<_>>| holders.as_ref().is_some_and(Vec::is_empty);
    match outlasting_own_use(|| mounts.holders(mountpoint), is_unseen) {
        Some(holders) => Err(VerbError::InUse {
            mountpoint: mountpoint.to_owned(),
            holders,
        }),
        None => Ok(()),
    }
}

/// What comes of an attempt, made again as long as it fails in a way that may be our own doing.
fn outlasting_own_use<T>(attempt: impl Fn() -> T, may_be_own: impl Fn(&T) -> bool) -> T {
    let start = Instant::now();
    loop {
        let outcome = attempt();
        if !may_be_own(&outcome) || start.elapsed() >= OWN_USE_BOUND {
            return outcome;
        }
        thread::sleep(POLL_INTERVAL);
    }
}

fn commit_and_unmount(
    control: &Control,
    mountpoint: &Path,
    manner: Manner,
    terms: Terms,
    mounts: &impl Mounts,
) -> Answer {
    let status = control.status().unwrap_or_default();
    let committed = if status.read_only {
        Answer::nothing()
    } else {
        // A failure is part of the story here, not its end.
        commit(control, terms).unwrap_or_else(Answer::from)
    };
    let unmounted = unmounted(mountpoint, manner, mounts);
    let is_off = unmounted.status == ExitStatus::Ok;
    let so_far = committed.followed_by(unmounted);
    match status.pid {
        Some(pid) if is_off => so_far.followed_by(ended(pid, EXIT_BOUND)),
        _ => so_far,
    }
}

fn clear_away(
    mountpoint: &Path,
    manner: Manner,
    mounts: &impl Mounts,
) -> Result<Answer, VerbError> {
    if !mounts.is_mailbox(mountpoint) {
        return Err(VerbError::NotOurs(mountpoint.to_owned()));
    }
    let dead = Answer {
        text: DEAD.to_owned(),
        status: ExitStatus::TempFail,
    };
    Ok(dead.followed_by(unmounted(mountpoint, manner, mounts)))
}

/// The mount need not try again what this commit cannot do.
fn commit(control: &Control, terms: Terms) -> Result<Answer, VerbError> {
    commit_through(control, &format!("{} last", terms.words()))
}

/// Unmounts, and says so.
pub(super) fn unmounted(mountpoint: &Path, manner: Manner, mounts: &impl Mounts) -> Answer {
    let path = mountpoint.display();
    match outlasting_own_use(|| mounts.unmount(mountpoint, manner), is_busy) {
        Ok(()) => Answer::done(format!("unmounted {path}\n")),
        Err(error) => Answer {
            text: format!("cannot unmount {path}: {error}{}\n", advice(&error)),
            status: status_of(&error),
        },
    }
}

fn is_busy(outcome: &io::Result<()>) -> bool {
    matches!(outcome, Err(error) if error.kind() == io::ErrorKind::ResourceBusy)
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ResourceBusy => {
            "; close what is open there, and leave the directory; or use --lazy"
        }
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
        return Answer::nothing();
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

#[cfg(test)]
mod tests {
    use super::super::control::tests::{mount, written};
    use super::super::mounts::tests::Simulated;
    use super::*;

    const TRUSTED: Terms = Terms {
        verify: false,
        even_unread: false,
    };

    const COMPLETE: &str = r#"{"complete": true, "remaining": 5, "messages": []}"#;

    #[test]
    fn it_commits_before_it_unmounts() {
        let mount = mount(&[("last-commit", COMPLETE), ("status", "{}")]);
        let mounts = Simulated::default();
        let answer = umount(mount.path(), Manner::Plainly, TRUSTED, &mounts);
        let text = format!("0 deleted, 5 left\nunmounted {}\n", mount.path().display());
        let status = ExitStatus::Ok;
        assert_eq!(answer.unwrap(), Answer { text, status });
        assert_eq!(written(&mount), "commit nowait no-verify last\nsync\n");
        assert_eq!(mounts.unmounted.take(), [Manner::Plainly]);
    }

    #[test]
    fn it_unmounts_even_if_the_commit_fails_and_its_status_tells() {
        let mount = mount(&[("last-commit", r#"{"complete": false}"#), ("status", "{}")]);
        let mounts = Simulated::default();
        let answer = umount(mount.path(), Manner::Plainly, TRUSTED, &mounts);
        assert_eq!(answer.unwrap().status, ExitStatus::TempFail);
        assert_eq!(mounts.unmounted.take(), [Manner::Plainly]);
    }

    #[test]
    fn what_is_in_use_is_neither_committed_nor_unmounted() {
        let mount = mount(&[("last-commit", COMPLETE), ("status", "{}")]);
        let mounts = Simulated {
            holders: Some(vec!["sh\u{1b} (7) works in it".to_owned()]),
            ..Simulated::default()
        };
        let error = umount(mount.path(), Manner::Plainly, TRUSTED, &mounts).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("sh\\u{1b} (7) works in it") && text.contains("--lazy"));
        assert_eq!(error.status(), ExitStatus::TempFail);
        assert_eq!(written(&mount), "");
        assert_eq!(mounts.unmounted.take(), []);
        umount(mount.path(), Manner::Lazily, TRUSTED, &mounts).unwrap();
        assert_eq!(mounts.unmounted.take(), [Manner::Lazily]);
    }

    #[test]
    fn a_mount_that_is_taken_into_use_meanwhile_is_reported_after_its_commit() {
        let mount = mount(&[("last-commit", COMPLETE), ("status", "{}")]);
        let mounts = Simulated {
            refusal: Some(io::ErrorKind::ResourceBusy),
            ..Simulated::default()
        };
        let answer = umount(mount.path(), Manner::Plainly, TRUSTED, &mounts).unwrap();
        assert!(answer.text.starts_with("0 deleted, 5 left\ncannot unmount"));
        assert_eq!(answer.status, ExitStatus::TempFail);
    }

    #[test]
    fn what_the_mount_itself_does_in_it_is_waited_for() {
        let mount = mount(&[("last-commit", COMPLETE), ("status", "{}")]);
        let mounts = Simulated {
            passing_uses: 2.into(),
            ..Simulated::default()
        };
        let answer = umount(mount.path(), Manner::Plainly, TRUSTED, &mounts).unwrap();
        assert_eq!(answer.status, ExitStatus::Ok);
        assert_eq!(mounts.unmounted.take(), [Manner::Plainly]);
        mounts.passing_uses.set(2);
        let answer = unmounted(mount.path(), Manner::Plainly, &mounts);
        assert_eq!(answer.status, ExitStatus::Ok);
        assert_eq!(mounts.unmounted.take(), [Manner::Plainly; 3]);
    }

    #[test]
    fn what_is_no_mount_is_not_unmounted() {
        let directory = tempfile::tempdir().unwrap();
        let mounts = Simulated::default();
        let error = umount(directory.path(), Manner::Lazily, TRUSTED, &mounts).unwrap_err();
        assert!(matches!(error, VerbError::NotMounted(_)));
        assert_eq!(mounts.unmounted.take(), []);
    }

    #[test]
    fn what_is_no_mailbox_is_left_alone_though_its_process_is_gone() {
        let mounts = Simulated {
            is_mailbox: false,
            ..Simulated::default()
        };
        let error = clear_away(Path::new("/mnt"), Manner::Plainly, &mounts).unwrap_err();
        assert!(matches!(error, VerbError::NotOurs(_)));
        assert_eq!(mounts.unmounted.take(), []);
    }

    #[test]
    fn a_mailbox_whose_process_is_gone_is_cleared_away() {
        let mounts = Simulated::default();
        let answer = clear_away(Path::new("/mnt"), Manner::Plainly, &mounts).unwrap();
        assert!(answer.text.ends_with("unmounted /mnt\n"));
        assert_eq!(answer.status, ExitStatus::TempFail);
    }

    #[test]
    fn a_process_that_stays_is_told_of() {
        let answer = ended(std::process::id(), Duration::ZERO);
        assert_eq!(answer.status, ExitStatus::TempFail);
    }
}
