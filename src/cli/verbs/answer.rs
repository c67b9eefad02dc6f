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
