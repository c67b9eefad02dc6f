//! What a run is to be like.

use std::env;
use std::fmt;
use std::time::Duration;

/// Long enough for each thing to happen, where nobody asks for more.
const SHORT: u64 = 20;

/// What was asked for.
pub struct Plan {
    /// How long it goes on.
    pub span: Duration,
    /// Where all choices come from.
    pub seed: u64,
    /// Whether the daemon is ended, in one way or another.
    pub kills: bool,
}

impl Plan {
    /// As the environment says.
    pub fn of_environment() -> Self {
        Self {
            span: Duration::from_secs(number("POP3FS_FAULTS_SECONDS").unwrap_or(SHORT)),
            seed: number("POP3FS_FAULTS_SEED").unwrap_or_else(|| fastrand::u64(..)),
            kills: env::var_os("POP3FS_FAULTS_KILLS").is_none_or(|kills| kills != "no"),
        }
    }
}

/// How to have the same again.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kills = if self.kills { "yes" } else { "no" };
        let span = self.span.as_secs();
        write!(f, "FAULTS={span} SEED={} KILLS={kills}", self.seed)
    }
}

fn number(variable: &str) -> Option<u64> {
    let value = env::var(variable).ok().filter(|value| !value.is_empty())?;
    let number = value.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable}={value} is no number")))
}
