//! Why a command gives no secret.

use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

/// What is wrong with a command, or its program. Programs are named without their arguments.
#[derive(Debug)]
pub enum CommandFault {
    /// It is empty, or a quote in it has no end.
    Words,
    /// Its program could not be run.
    Start {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// Its program said that it failed.
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The last line that it wrote to its standard error, printable; maybe empty.
        said: String,
    },
    /// Its program did not end in time.
    TimedOut {
        /// The program.
        program: String,
        /// How long it was allowed to take.
        bound: Duration,
    },
}

/// What follows "the password command".
impl fmt::Display for CommandFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words => {
                f.write_str("cannot be split into words: it is empty, or a quote in it has no end")
            }
            Self::Start { program, source } => write!(
                f,
                "{program} cannot be run: {source}; it is looked for in PATH and run without a shell"
            ),
            Self::Failed {
                program,
                status,
                said,
            } => {
                write!(f, "{program} failed: {status}")?;
                match said.as_str() {
                    "" => Ok(()),
                    said => write!(f, ": {said}"),
                }
            }
            Self::TimedOut { program, bound } => {
                write!(f, "{program} did not end within {} s", bound.as_secs())
            }
        }
    }
}
