//! What a commit did, as `.pop3fs/last-commit` tells it.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;

use super::printable::printable;
use crate::cli::ExitStatus;

/// Messages of which the same is said, one by one.
const ALIKE_MAX: usize = 10;

/// The last commit.
#[derive(Debug, Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct Report {
    complete: bool,
    problem: Option<String>,
    /// Whether a new listing shows that what is said to be gone is gone.
    verified: bool,
    /// Why not, where that was wanted.
    unverified: Option<String>,
    remaining: Option<u64>,
    /// Messages that are still marked, or again.
    marked: u64,
    messages: Vec<Message>,
}

#[derive(Debug, Deserialize)]
struct Message {
    name: String,
    #[serde(default)]
    outcome: Outcome,
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Deleted,
    AlreadyGone,
    Refused,
    Kept,
    #[default]
    #[serde(other)]
    Unknown,
}

impl Outcome {
    fn is_gone(self) -> bool {
        matches!(self, Self::Deleted | Self::AlreadyGone)
    }
}

impl Report {
    /// The status that says whether all that was marked is gone.
    pub(super) fn status(&self) -> ExitStatus {
        if self.complete {
            ExitStatus::Ok
        } else {
            ExitStatus::TempFail
        }
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.messages
            .iter()
            .filter(|m| m.outcome == outcome)
            .count()
    }

    /// What is the same for many is told of the first.
    fn write_left(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told: HashMap<_, usize> = HashMap::new();
        let mut more = 0;
        for message in self.messages.iter().filter(|it| !it.outcome.is_gone()) {
            let alike = told.entry((message.outcome, &message.reason)).or_default();
            *alike += 1;
            match *alike {
                ..=ALIKE_MAX => write!(f, "{message}")?,
                _ => more += 1,
            }
        }
        match more {
            0 => Ok(()),
            more => writeln!(f, "and {more} more"),
        }
    }

    fn write_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} deleted", self.count(Outcome::Deleted))?;
        match self.count(Outcome::AlreadyGone) {
            0 => {}
            count => write!(f, ", {count} gone before")?,
        }
        if let Some(count) = self.remaining {
            write!(f, ", {count} left")?;
        }
        match &self.unverified {
            _ if self.verified => writeln!(f, ", verified"),
            Some(why) => writeln!(f, ", not verified: {}", printable(why)),
            None => writeln!(f),
        }
    }
}

/// Lines for a person: the counts, each message that is not known to be gone, and the problem.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_counts(f)?;
        self.write_left(f)?;
        if let Some(problem) = &self.problem {
            let done = if self.complete {
                "done, but"
            } else {
                "not complete"
            };
            writeln!(f, "{done}: {}", printable(problem))?;
        }
        match self.marked {
            0 => Ok(()),
            marked => writeln!(
                f,
                "marked in the journal: {marked}; the next commit tries again, also in another mount"
            ),
        }
    }
}

/// A line.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.outcome {
            Outcome::Deleted | Outcome::AlreadyGone => "gone",
            Outcome::Refused => "refused by the server",
            Outcome::Kept => "not deleted",
            Outcome::Unknown => "not confirmed",
        };
        write!(f, "{}: {what}", printable(&self.name))?;
        match &self.reason {
            Some(reason) => writeln!(f, ": {}", printable(reason)),
            None => writeln!(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(json: &str) -> Report {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_complete_commit_is_one_line() {
        let report = report(
            r#"{"finished": 1, "complete": true, "problem": null, "remaining": 88, "messages": [
                {"name": "a", "unique_id": "a", "outcome": "deleted", "reason": null},
                {"name": "b", "unique_id": "b", "outcome": "already-gone", "reason": null}]}"#,
        );
        assert_eq!(report.to_string(), "1 deleted, 1 gone before, 88 left\n");
        assert_eq!(report.status(), ExitStatus::Ok);
    }

    #[test]
    fn a_commit_that_was_held_against_a_new_listing_says_so() {
        let report = report(r#"{"complete": true, "verified": true, "remaining": 88}"#);
        assert_eq!(report.to_string(), "0 deleted, 88 left, verified\n");
    }

    #[test]
    fn a_commit_that_could_not_be_held_against_one_says_why() {
        let report = report(r#"{"complete": true, "remaining": 88, "unverified": "a pause"}"#);
        assert_eq!(
            report.to_string(),
            "0 deleted, 88 left, not verified: a pause\n"
        );
    }

    #[test]
    fn each_message_that_is_not_deleted_is_named_with_its_reason() {
        let report = report(
            r#"{"complete": false, "problem": "the link broke", "remaining": 3, "marked": 3, "messages": [
                {"name": "a", "outcome": "refused", "reason": "locked\u001b[2J"},
                {"name": "b", "outcome": "kept"},
                {"name": "c", "outcome": "some-new-word"}]}"#,
        );
        let lines = "0 deleted, 3 left\n\
            a: refused by the server: locked\\u{1b}[2J\n\
            b: not deleted\n\
            c: not confirmed\n\
            not complete: the link broke\n\
            marked in the journal: 3; the next commit tries again, also in another mount\n";
        assert_eq!(report.to_string(), lines);
        assert_eq!(report.status(), ExitStatus::TempFail);
    }

    #[test]
    fn what_is_complete_is_not_said_not_to_be() {
        let report = report(r#"{"complete": true, "problem": "no space left"}"#).to_string();
        assert_eq!(report, "0 deleted\ndone, but: no space left\n");
    }

    #[test]
    fn what_is_the_same_for_many_is_told_of_a_few() {
        let kept = r#"{"name": "a", "outcome": "kept"}"#;
        let refused = r#"{"name": "z", "outcome": "refused", "reason": "locked"}"#;
        let messages = [vec![kept; 30], vec![refused; 30]].concat().join(",");
        let report = report(&format!(r#"{{"messages": [{messages}]}}"#)).to_string();
        assert_eq!(report.matches("a: not deleted\n").count(), 10);
        assert_eq!(report.matches("z: refused").count(), 10);
        assert!(report.contains("and 40 more\n"));
    }

    #[test]
    fn what_does_not_say_that_it_is_complete_is_not() {
        assert_eq!(report("{}").status(), ExitStatus::TempFail);
    }
}
