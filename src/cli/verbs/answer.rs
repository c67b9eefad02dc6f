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

/// A failure that is a part of the story, and not its end.
impl From<VerbError> for Answer {
    fn from(error: VerbError) -> Self {
        Self {
            text: format!("{error}\n"),
            status: error.status(),
        }
    }
}

/// Writes what was done to standard output, and what was not to standard error; the status to
/// leave with.
pub fn show(outcome: Result<Answer, VerbError>) -> ExitStatus {
    let answer = outcome.unwrap_or_else(Answer::from);
    // A reader that has gone away has seen enough.
    let _ = match answer.status {
        ExitStatus::Ok => io::stdout().write_all(answer.text.as_bytes()),
        _ => io::stderr().write_all(signed(&answer.text).as_bytes()),
    };
    answer.status
}

/// The text with the name of the program before each line, so that it is known in a log of many.
fn signed(text: &str) -> String {
    text.lines()
        .map(|line| format!("pop3fs: {line}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_a_failure_says_whose_it_is() {
        assert_eq!(signed("a\n  b\n"), "pop3fs: a\npop3fs:   b\n");
        assert_eq!(signed(""), "");
    }
}
