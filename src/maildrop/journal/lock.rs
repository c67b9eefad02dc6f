//! The lock on an account's journal.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use super::JournalError;
use super::directory::StateDirectory;

const LOCK: &str = ".lock";

/// The octets of the highest number of a process, and some more.
const LONGEST_NUMBER: u64 = 16;

/// A mount that has ended has the lock until its keeper has ended too: a moment, even on a machine
/// that has much to do.
const PARTING: Duration = Duration::from_secs(2);

/// How often it is looked again.
const GLANCE: Duration = Duration::from_millis(10);

/// The right to an account's journal in a state directory. A process that is forked has it as well:
/// nobody else gets it before all of them have ended.
#[derive(Debug)]
pub struct JournalLock {
    pub(super) directory: StateDirectory,
    pub(super) account: String,
    _file: File,
}

impl JournalLock {
    /// Takes the lock, and waits a moment for one who is about to leave it.
    ///
    /// # Errors
    /// Somebody else has it, or it cannot be made.
    pub fn take(directory: &StateDirectory, account: &str) -> Result<Self, JournalError> {
        let until = Instant::now() + PARTING;
        Self::take_after(directory, account, || {
            thread::sleep(GLANCE);
            Instant::now() < until
        })
    }

    /// Pauses as long as somebody else has it, and the pause is not the last one.
    fn take_after(
        directory: &StateDirectory,
        account: &str,
        mut pause: impl FnMut() -> bool,
    ) -> Result<Self, JournalError> {
        loop {
            match Self::try_take(directory, account) {
                Err(JournalError::Locked { .. }) if pause() => {}
                taken => return taken,
            }
        }
    }

    fn try_take(directory: &StateDirectory, account: &str) -> Result<Self, JournalError> {
        let file = directory.open(account, LOCK)?;
        lock(&file, &directory.file(account, LOCK))?;
        // What cannot be written, as on a full disk, is not needed.
        let _ = sign(&file);
        Ok(Self {
            directory: directory.clone(),
            account: account.to_owned(),
            _file: file,
        })
    }
}

fn lock(file: &File, path: &Path) -> Result<(), JournalError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => JournalError::Locked {
            path: path.to_owned(),
            holder: holder(file),
        },
        TryLockError::Error(error) => JournalError::io(path, error),
    })
}

/// Tells those who come later whom to ask. Nothing but the lock keeps them out.
fn sign(mut lock: &File) -> io::Result<()> {
    lock.set_len(0)?;
    writeln!(lock, "{}", process::id())
}

/// Who holds the lock, going by the text in it, in which anything may stand.
fn holder(lock: &File) -> Option<u32> {
    let mut text = String::new();
    lock.take(LONGEST_NUMBER).read_to_string(&mut text).ok()?;
    text.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::directory::tests::{ACCOUNT, state};
    use super::*;

    #[test]
    fn two_daemons_cannot_have_one_journal() {
        let (_directory, state) = state();
        let _first = JournalLock::take(&state, ACCOUNT).unwrap();
        let second = JournalLock::take(&state, ACCOUNT);
        assert!(matches!(second, Err(JournalError::Locked { .. })));
        assert!(JournalLock::take(&state, "bob@pop.example.org:995").is_ok());
    }

    #[test]
    fn one_who_is_about_to_leave_is_waited_for() {
        let (_directory, state) = state();
        let mut first = Some(JournalLock::take(&state, ACCOUNT).unwrap());
        let leave = || first.take().is_some();
        assert!(JournalLock::take_after(&state, ACCOUNT, leave).is_ok());
        assert!(first.is_none());
    }

    #[test]
    fn who_has_a_journal_is_named_as_far_as_can_be_told() {
        let (_directory, state) = state();
        let _first = JournalLock::take(&state, ACCOUNT).unwrap();
        let named = format!("process {} has", process::id());
        let lock = state.file(ACCOUNT, LOCK);
        let long = format!("1{}", " ".repeat(1 << 20));
        for (text, words) in [
            (None, named.as_str()),
            (Some("4194304\n"), "process 4194304 has"),
            (Some(long.as_str()), "process 1 has"),
            (Some(""), "another pop3fs has"),
            (Some("\u{1b}[2J\n"), "another pop3fs has"),
            (Some("99999999999999999999\n"), "another pop3fs has"),
        ] {
            if let Some(text) = text {
                fs::write(&lock, text).unwrap();
            }
            let refused = JournalLock::try_take(&state, ACCOUNT);
            let error = refused.unwrap_err().to_string();
            assert!(error.starts_with(words), "{error}");
            assert!(error.contains("or is about to mount it"), "{error}");
            assert!(!error.contains('\u{1b}'), "{error}");
        }
    }

    #[test]
    fn a_lock_that_nobody_holds_keeps_nobody_out_whatever_stands_in_it() {
        let (_directory, state) = state();
        let lock = state.file(ACCOUNT, LOCK);
        fs::write(&lock, "1\nnobody\n").unwrap();
        let _taken = JournalLock::take(&state, ACCOUNT).unwrap();
        let text = fs::read_to_string(&lock).unwrap();
        assert_eq!(text, format!("{}\n", process::id()));
    }
}
