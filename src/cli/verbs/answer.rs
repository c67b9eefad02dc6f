//! What a verb has to say in the end.

use std::io::{self, Write};

use super::VerbError;
use crate::cli::ExitStatus;

/// A text for standard output, and the status to leave with.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whole lines.
    pub text: String,
    /// Whether what was asked for is done.
    pub status: ExitStatus,
}

/// Writes an answer to standard output or an error to standard error; the status to leave with.
pub fn show(outcome: Result<Answer, VerbError>) -> ExitStatus {
    // A reader that has gone away has seen enough.
    match outcome {
        Ok(answer) => {
            let _ = io::stdout().write_all(answer.text.as_bytes());
            answer.status
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "pop3fs: {error}");
            error.status()
        }
    }
}
