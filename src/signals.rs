//! Signals as messages.
//!
//! They are blocked before any other thread exists, so that every thread inherits that and none
//! is ever interrupted; one thread waits for them.

use std::fmt;
use std::io;
use std::sync::mpsc::Sender;
use std::thread;

use nix::sys::signal::{SigSet, Signal as Number};

/// What somebody outside wants of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: end in good order.
    Terminate,
    /// SIGINT: Ctrl-C on the terminal.
    Interrupt,
    /// SIGQUIT: end at once, without a commit.
    Quit,
    /// SIGHUP: the terminal is gone, or look for news.
    HangUp,
}

/// Its name.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
            Self::Quit => "SIGQUIT",
            Self::HangUp => "SIGHUP",
        })
    }
}

/// The signals that wait until somebody asks for them.
#[must_use = "blocked signals are lost unless somebody waits for them"]
#[derive(Debug)]
pub struct BlockedSignals(SigSet);

/// Blocks all of [`Signal`] in the calling thread and the threads it will start. Child processes
/// inherit it too: whoever starts a foreign program takes the block off there.
///
/// # Errors
///
/// The system refused, which it does not do for these signals.
pub fn block() -> io::Result<BlockedSignals> {
    let set: SigSet = [
        Number::SIGTERM,
        Number::SIGINT,
        Number::SIGQUIT,
        Number::SIGHUP,
    ]
    .into_iter()
    .collect();
    set.thread_block()?;
    Ok(BlockedSignals(set))
}

impl BlockedSignals {
    /// Starts a thread that sends each signal on as an event, until nobody receives any more.
    ///
    /// # Errors
    ///
    /// The system has no thread left.
    pub fn forward<E>(self, events: Sender<E>) -> io::Result<()>
    where
        E: From<Signal> + Send + 'static,
    {
        let wait_and_send = move || {
            while let Ok(signal) = self.wait() {
                log::debug!("{signal}");
                if events.send(signal.into()).is_err() {
                    break;
                }
            }
        };
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(wait_and_send)?;
        Ok(())
    }

    fn wait(&self) -> io::Result<Signal> {
        match self.0.wait()? {
            Number::SIGINT => Ok(Signal::Interrupt),
            Number::SIGQUIT => Ok(Signal::Quit),
            Number::SIGHUP => Ok(Signal::HangUp),
            _ => Ok(Signal::Terminate),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::raise;

    #[test]
    fn each_signal_is_one_of_its_own() {
        let blocked = block().unwrap();
        for (number, signal) in [
            (Number::SIGTERM, Signal::Terminate),
            (Number::SIGINT, Signal::Interrupt),
            (Number::SIGQUIT, Signal::Quit),
            (Number::SIGHUP, Signal::HangUp),
        ] {
            raise(number).unwrap();
            assert_eq!(blocked.wait().unwrap(), signal);
            assert_eq!(signal.to_string(), number.as_str());
        }
    }
}
