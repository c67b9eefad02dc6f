//! Signals of programs that wait for an answer.
//!
//! The kernel does not pass on to us that a program which waits has been interrupted: the crate that
//! speaks to it refuses the message, once and for all, and then not even SIGKILL ends the wait. So
//! whoever waits for long is looked at, and goes on with EINTR where a signal is pending.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::fs::Interruptible;

/// How often those who wait are looked at: what takes less seems to happen at once.
const PULSE: Duration = Duration::from_millis(100);

/// Those who wait, and a thread that looks after them.
#[derive(Clone, Default)]
pub(super) struct Interrupts(Arc<Waiting>);

#[derive(Default)]
struct Waiting {
    waits: Mutex<Vec<Wait>>,
    begun: Condvar,
}

struct Wait {
    /// The thread that waits.
    thread: u32,
    heeds: Heeds,
    answer: Box<dyn Interruptible>,
}

/// Which signals end a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heeds {
    /// All: where a wait has no end of its own, as on a pipe. A thread whose signals are not to be
    /// seen does not wait for long there.
    All,
    /// Those that ask a program to end. Programs with timers and children would not expect others to
    /// end what they take for a short wait.
    Ending,
}

/// The bits of the signals that ask a program to end. Others that will end one show as SIGKILL.
const ENDING: u64 = bit(Signal::SIGKILL)
    | bit(Signal::SIGINT)
    | bit(Signal::SIGTERM)
    | bit(Signal::SIGHUP)
    | bit(Signal::SIGQUIT);

impl Interrupts {
    /// Starts the thread.
    pub(super) fn start(&self) -> io::Result<()> {
        let waiting = Arc::clone(&self.0);
        thread::Builder::new()
            .name("interrupts".to_owned())
            .spawn(move || waiting.look_after_all())
            .map(drop)
    }

    /// Looks after a thread that waits, if its answer is not given yet.
    pub(super) fn heed(&self, thread: u32, heeds: Heeds, answer: impl Interruptible + 'static) {
        if answer.is_over() {
            return;
        }
        let answer = Box::new(answer);
        self.0.waits().push(Wait {
            thread,
            heeds,
            answer,
        });
        self.0.begun.notify_one();
    }
}

impl Waiting {
    fn look_after_all(&self) {
        loop {
            self.sleep();
            let looked = catch_unwind(AssertUnwindSafe(|| self.look()));
            if looked.is_err() {
                log::error!("a bug: interrupting a wait panicked; going on");
            }
        }
    }

    /// Sleeps for a pulse, and longer if nobody waits.
    fn sleep(&self) {
        let waits = self.waits();
        drop(
            self.begun
                .wait_while(waits, |waits| waits.is_empty())
                .unwrap_or_else(PoisonError::into_inner),
        );
        thread::sleep(PULSE);
    }

    fn look(&self) {
        // Not under the lock, which those who begin to wait need.
        let mut waits = std::mem::take(&mut *self.waits());
        waits.retain(|wait| !wait.answer.is_over());
        waits.retain(|wait| {
            let interrupted = wait.heeds.signals(wait.thread);
            if interrupted {
                wait.answer.interrupt();
            }
            !interrupted
        });
        self.waits().append(&mut waits);
    }

    /// Nothing can be half done inside, so a poisoned lock is as good as any.
    fn waits(&self) -> MutexGuard<'_, Vec<Wait>> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heeds {
    /// Whether a thread has a signal pending that ends its wait.
    fn signals(self, thread: u32) -> bool {
        match self {
            Self::All => pending(thread).is_none_or(|signals| signals != 0),
            Self::Ending => pending(thread).is_some_and(|signals| signals & ENDING != 0),
        }
    }
}

/// The signals that wait for a thread and are not blocked; none if they are not to be seen. Where
/// one is sure to end the process at once, SIGKILL is among them.
fn pending(thread: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    parse(&status)
}

/// See proc_pid_status(5).
fn parse(status: &str) -> Option<u64> {
    let mask = |field: &str| {
        let mut lines = status.lines();
        let value = lines.find_map(|line| line.strip_prefix(field))?;
        u64::from_str_radix(value.trim(), 16).ok()
    };
    Some((mask("SigPnd:")? | mask("ShdPnd:")?) & !mask("SigBlk:")?)
}

/// A signal's bit in a set of signals.
const fn bit(signal: Signal) -> u64 {
    1 << (signal as u32 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Pending;
    use std::sync::mpsc::channel;

    const STATUS: &str = "Name:\tcat\nSigPnd:\t0000000000000100\nShdPnd:\t0000000000000006\n\
                          SigBlk:\t0000000000000004\nSigIgn:\t0000000000000000\n";

    #[test]
    fn what_is_pending_and_not_blocked_counts() {
        assert_eq!(parse(STATUS), Some(0x102));
        assert_eq!(parse("Name:\tcat\n"), None);
    }

    #[test]
    fn what_ends_a_program_is_told_from_what_does_not() {
        assert_eq!(ENDING, 0b100_0000_0000_0000 | 0b1_0000_0111);
        assert_eq!(ENDING & bit(Signal::SIGALRM), 0);
    }

    #[test]
    fn a_thread_without_signals_waits_on() {
        let this = nix::unistd::gettid();
        assert_eq!(pending(this.as_raw().cast_unsigned()), Some(0));
    }

    #[test]
    fn whose_signals_cannot_be_seen_does_not_wait_for_long() {
        let interrupts = Interrupts::default();
        interrupts.start().unwrap();
        let (given, answers) = channel();
        let pending = Pending::<u8>::new(move |answer| given.send(answer).unwrap());
        interrupts.heed(u32::MAX, Heeds::All, pending);
        assert!(answers.recv().unwrap().is_err());
    }

    #[test]
    fn nobody_is_looked_after_whose_answer_is_given() {
        let interrupts = Interrupts::default();
        let pending = Pending::<u8>::new(drop);
        pending.take().unwrap()(Ok(1));
        interrupts.heed(u32::MAX, Heeds::All, pending);
        assert!(interrupts.0.waits().is_empty());
    }
}
