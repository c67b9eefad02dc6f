//! `pop3fs umount --force`: the end of a mount that does not come to an end by itself.

use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::control::Control;
use super::exit::await_exit;
use super::status::Status;
use super::umount::unmounted;
use super::{Answer, Manner, Mounts, VerbError};
use crate::cli::ExitStatus;

/// How long the process may take to say how it is: any answer comes from memory.
const ANSWER_BOUND: Duration = Duration::from_secs(3);

/// How long it may take to end when it is told to, before it is killed.
const END_BOUND: Duration = Duration::from_secs(3);

/// Ends the process that serves a mount, which releases all who wait for it, and unmounts, without a
/// commit.
///
/// # Errors
///
/// [`VerbError::NotMounted`], [`VerbError::Foreign`]
pub(super) fn umount_by_force(
    mountpoint: &Path,
    mounts: &impl Mounts,
) -> Result<Answer, VerbError> {
    if !mounts.is_mailbox(mountpoint) {
        return Err(VerbError::NotMounted(mountpoint.to_owned()));
    }
    if !mounts.is_ours(mountpoint) {
        return Err(VerbError::Foreign(mountpoint.to_owned()));
    }
    let said = last_words(mountpoint);
    let ended = match (mounts.server(mountpoint), &said) {
        (Some(pid), _) => end(pid, END_BOUND),
        (None, Some(Err(VerbError::Dead(_)))) => Answer::nothing(),
        (None, _) => not_found(),
    };
    // With consent it has unmounted itself.
    let unmounted = if mounts.is_mailbox(mountpoint) {
        unmounted(mountpoint, Manner::Forcibly, mounts)
    } else {
        is_unmounted(mountpoint)
    };
    let gone = unmounted.followed_by(ended);
    // As long as the process is there it may yet commit.
    if gone.status != ExitStatus::Ok {
        return Ok(gone);
    }
    let status = said.and_then(Result::ok).unwrap_or_default();
    Ok(gone.followed_by(kept(&status)))
}

/// What the mount says of itself. It may not answer, and whoever waits for that cannot always be
/// interrupted, so another thread waits.
fn last_words(mountpoint: &Path) -> Option<Result<Status, VerbError>> {
    let (sender, answer) = channel();
    let mountpoint = mountpoint.to_owned();
    let ask = move || Control::open(&mountpoint).and_then(|control| control.status());
    // Nobody listens any more when it comes too late.
    let asking = thread::Builder::new().spawn(move || drop(sender.send(ask())));
    asking.ok()?;
    answer.recv_timeout(ANSWER_BOUND).ok()
}

/// Ends a process without a commit; a process that is stopped or stuck does not hear the first
/// signal.
fn end(pid: u32, bound: Duration) -> Answer {
    let mut signals = [Signal::SIGQUIT, Signal::SIGKILL].into_iter();
    if signals.any(|signal| ends_by(signal, pid, bound)) {
        return Answer::nothing();
    }
    Answer {
        text: format!("process {pid}, which served it, cannot be ended\n"),
        status: ExitStatus::TempFail,
    }
}

fn ends_by(signal: Signal, pid: u32, bound: Duration) -> bool {
    let id = i32::try_from(pid).map(Pid::from_raw);
    let is_told = id.is_ok_and(|id| kill(id, signal).is_ok());
    await_exit(pid, if is_told { bound } else { Duration::ZERO })
}

/// It may be out of sight, as the processes of other containers and, on some systems, of others are.
fn not_found() -> Answer {
    Answer {
        text: "the process that served it is not to be found, and may still run\n".to_owned(),
        status: ExitStatus::TempFail,
    }
}

fn is_unmounted(mountpoint: &Path) -> Answer {
    Answer::done(format!("unmounted {}\n", mountpoint.display()))
}

fn kept(status: &Status) -> Answer {
    let marked = match status.marked {
        Some(0) => return Answer::nothing(),
        Some(1) => "the marked message stays marked".to_owned(),
        Some(count) => format!("the {count} marked messages stay marked"),
        None => "what was marked stays marked".to_owned(),
    };
    let text = format!("nothing was committed; {marked}, and the next mount takes that over\n");
    Answer::done(text)
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Child, Command, Stdio};

    use super::super::control::tests::mount;
    use super::super::mounts::tests::Simulated;
    use super::*;

    const AMPLE: Duration = Duration::from_secs(60);

    /// A process that waits for ever, once it has done this. A shell that has this test run aside
    /// lets it ignore the signal at first.
    fn waiting(having_done: &str) -> Child {
        let script = format!("{having_done}; echo; exec sleep 600");
        let mut command = Command::new("env");
        command.args(["--default-signal=QUIT", "sh", "-c", &script]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let said = child.stdout.as_mut().unwrap().read_exact(&mut [0]);
        assert!(said.is_ok());
        child
    }

    fn forced(status: &str, server: Option<u32>) -> Answer {
        let mount = mount(&[("status", status)]);
        let mounts = Simulated {
            server,
            ..Simulated::default()
        };
        umount_by_force(mount.path(), &mounts).unwrap()
    }

    #[test]
    fn the_process_is_ended_and_what_is_marked_is_told() {
        let mut server = waiting(":");
        let answer = forced(r#"{"marked": 3}"#, Some(server.id()));
        assert!(answer.text.contains("the 3 marked messages stay marked"));
        assert_eq!(answer.status, ExitStatus::Ok);
        assert!(server.wait().unwrap().signal().is_some());
    }

    #[test]
    fn a_process_that_hears_is_not_killed() {
        let mut server = waiting(":");
        assert_eq!(end(server.id(), AMPLE).status, ExitStatus::Ok);
        let signal = server.wait().unwrap().signal();
        assert_eq!(signal, Some(Signal::SIGQUIT as i32));
    }

    #[test]
    fn a_process_that_does_not_hear_is_ended_too() {
        let mut server = waiting("trap '' QUIT");
        end(server.id(), Duration::from_millis(10));
        let signal = server.wait().unwrap().signal();
        assert_eq!(signal, Some(Signal::SIGKILL as i32));
    }

    #[test]
    fn a_process_that_answers_and_is_not_to_be_found_is_told_of() {
        let answer = forced("{}", None);
        assert!(answer.text.contains("may still run"));
        assert!(!answer.text.contains("stays marked"), "{}", answer.text);
        assert_eq!(answer.status, ExitStatus::TempFail);
    }

    #[test]
    fn what_cannot_be_unmounted_is_not_said_to_be_left_without_a_commit() {
        let mount = mount(&[("status", "{}")]);
        let mounts = Simulated {
            server: Some(u32::MAX),
            refusal: Some(io::ErrorKind::PermissionDenied),
            ..Simulated::default()
        };
        let answer = umount_by_force(mount.path(), &mounts).unwrap();
        assert!(answer.text.starts_with("cannot unmount"), "{}", answer.text);
        assert!(!answer.text.contains("committed"), "{}", answer.text);
        assert_eq!(answer.status, ExitStatus::NoPerm);
    }

    #[test]
    fn what_is_another_users_is_left_alone() {
        let mut server = waiting(":");
        let mounts = Simulated {
            is_ours: false,
            server: Some(server.id()),
            ..Simulated::default()
        };
        let error = umount_by_force(Path::new("/mnt"), &mounts).unwrap_err();
        assert!(error.to_string().contains("another user's"), "{error}");
        assert_eq!(error.status(), ExitStatus::NoPerm);
        assert_eq!(mounts.unmounted.take(), []);
        assert!(server.try_wait().unwrap().is_none());
        server.kill().unwrap();
        server.wait().unwrap();
    }

    #[test]
    fn what_is_no_mailbox_is_left_alone() {
        let mounts = Simulated {
            is_mailbox: false,
            ..Simulated::default()
        };
        let error = umount_by_force(Path::new("/mnt"), &mounts).unwrap_err();
        assert!(matches!(error, VerbError::NotMounted(_)));
        assert_eq!(mounts.unmounted.take(), []);
    }
}
