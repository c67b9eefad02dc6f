//! Waiting for a process that is not our child to end.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// How often it is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Waits until the process of this number has ended, or `bound` has passed; whether it has ended.
///
/// A zombie has ended: in a container there may be nobody who buries it. But as long as it has other
/// threads, what it has locked is still locked.
pub(super) fn await_exit(pid: u32, bound: Duration) -> bool {
    let start = Instant::now();
    let Some(first) = incarnation(pid) else {
        return true;
    };
    while incarnation(pid).as_ref() == Some(&first) {
        if start.elapsed() >= bound {
            return false;
        }
        thread::sleep(POLL_INTERVAL);
    }
    true
}

/// What tells a running process from others that have had or will have its number: when it was
/// started (proc_pid_stat(5), field 22; field 20 is its threads. Field 3 follows the name).
fn incarnation(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ');
    let state = fields.next()?;
    let threads = fields.nth(16)?;
    let start_time = fields.nth(1)?;
    let has_ended = matches!(state, "Z" | "X") && matches!(threads, "0" | "1");
    (!has_ended).then(|| start_time.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    const AMPLE: Duration = Duration::from_secs(60);

    #[test]
    fn a_running_process_is_not_waited_for_too_long() {
        assert!(!await_exit(std::process::id(), Duration::ZERO));
    }

    #[test]
    fn a_process_that_ends_is_noticed_even_if_nobody_buries_it() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        assert!(!await_exit(child.id(), Duration::ZERO));
        drop(stdin);
        assert!(await_exit(child.id(), AMPLE));
        child.wait().unwrap();
    }

    #[test]
    fn a_process_that_never_was_has_ended() {
        assert!(await_exit(u32::MAX, AMPLE));
    }
}
