//! A command line that ends with a text.

use std::io::{self, Write};

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::typed::Typed;
use super::{ExitStatus, Misuse};

/// A text to show, and nothing else to do.
#[derive(Debug)]
pub enum Stop {
    /// Help or the version, which was asked for.
    Information(String),
    /// What is wrong with the command line.
    Usage(String),
    /// The same, when mount(8) is the caller.
    UsageOfHelper(String),
}

impl Stop {
    /// Shows the text where it belongs; the status to leave with.
    pub fn print(&self) -> ExitStatus {
        // A reader that has gone away has seen enough.
        match self {
            Self::Information(text) => {
                let _ = io::stdout().write_all(text.as_bytes());
                ExitStatus::Ok
            }
            Self::Usage(text) => {
                let _ = io::stderr().write_all(text.as_bytes());
                ExitStatus::Usage
            }
            Self::UsageOfHelper(text) => {
                let _ = io::stderr().write_all(text.as_bytes());
                ExitStatus::MountFailure
            }
        }
    }

    /// The same text, for mount(8).
    pub(super) fn of_helper(self) -> Self {
        match self {
            Self::Usage(text) => Self::UsageOfHelper(text),
            other => other,
        }
    }
}

impl From<clap::Error> for Stop {
    fn from(error: clap::Error) -> Self {
        if let Some(word) = superfluous(&error) {
            return Misuse::Superfluous(word).into();
        }
        let text = error.render().to_string();
        if error.use_stderr() {
            Self::Usage(signed(&text))
        } else {
            Self::Information(text)
        }
    }
}

/// What clap takes for a verb in the wrong place, where it is none.
fn superfluous(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    let is_verb = Typed::command().find_subcommand(word).is_some();
    (!is_verb).then(|| word.clone())
}

/// The text with our name in front, as all that we have to say has it.
fn signed(text: &str) -> String {
    format!("pop3fs: {}", text.strip_prefix("error: ").unwrap_or(text))
}

impl From<Misuse> for Stop {
    fn from(misuse: Misuse) -> Self {
        Typed::command()
            .error(ErrorKind::ValueValidation, misuse)
            .into()
    }
}
