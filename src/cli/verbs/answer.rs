//! What a verb has to say in the end.

use std::io::{self, Write};

use super::VerbError;
use crate::cli::ExitStatus;

/// A text, and the status to leave with.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whole lines.
    pub text: String,
    /// Whether what was asked for is done.
    pub status: ExitStatus,
}

impl Answer {
    /// What was asked for is done, and this is to be said of it.
    pub(super) fn done(text: String) -> Self {
        let status = ExitStatus::Ok;
        Self { text, status }
    }

    /// The same, without a word.
    pub(super) fn nothing() -> Self {
        Self::done(String::new())
    }

    /// Both texts, and the first status that is a failure.
    pub(super) fn followed_by(self, then: Self) -> Self {
        Self {
            text: self.text + &then.text,
            status: match self.status {
                ExitStatus::Ok => then.status,
                failure => failure,
            },
        }
    }
}

/// Writes what was done to standard output, and what was not to standard error; the status to
/// leave with.
pub fn show(outcome: Result<Answer, VerbError>) -> ExitStatus {
    // A reader that has gone away has seen enough.
    match outcome {
        Ok(answer) => {
            let _ = match answer.status {
                ExitStatus::Ok => io::stdout().write_all(answer.text.as_bytes()),
                _ => io::stderr().write_all(answer.text.as_bytes()),
            };
            answer.status
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "pop3fs: {error}");
            error.status()
        }
    }
}
