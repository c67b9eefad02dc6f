//! The password as somebody types it.

use std::fs::OpenOptions;
use std::io::{self, Write};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};

use super::terminal::DEVICE;
use super::{Origin, PasswordError, Terminal, line};
use crate::pop3::Secret;

/// Asks with the echo off.
///
/// # Errors
///
/// [`PasswordError::Nowhere`] without a terminal, [`PasswordError::NotTyped`] if there is nothing
/// in the line, or Ctrl-D in place of one, [`PasswordError::Interrupted`] after Ctrl-C, if
/// SIGINT does not end the process.
pub(super) fn ask(login: &str, host: &str) -> Result<Secret, PasswordError> {
    if Terminal::as_it_is().is_none() {
        return Err(PasswordError::Nowhere);
    }
    let question = format!("password of {login} at {host}: ");
    let typed = without_interruption(|| rpassword::prompt_password(question));
    match typed {
        Ok(text) if text.is_empty() => Err(PasswordError::NotTyped),
        Ok(text) => line::first(Secret::new(text).expose().as_bytes(), &Origin::Terminal),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(PasswordError::Interrupted),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            end_line();
            Err(PasswordError::NotTyped)
        }
        Err(error) => Err(PasswordError::Terminal(error)),
    }
}

/// After Ctrl-D the cursor is still behind the question.
fn end_line() {
    let terminal = OpenOptions::new().write(true).open(DEVICE);
    // Then the next words are there, too.
    let _ = terminal.and_then(|mut terminal| terminal.write_all(b"\n"));
}

/// On Ctrl-C, rpassword raises SIGINT before it turns the echo on again. The signal has to wait
/// until it has, or the terminal is left without echo.
fn without_interruption(ask: impl FnOnce() -> io::Result<String>) -> io::Result<String> {
    let interrupt: SigSet = [Signal::SIGINT].into_iter().collect();
    let before = interrupt.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let typed = ask();
    before.thread_set_mask()?;
    typed
}
