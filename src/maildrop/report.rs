//! What a commit did, message by message.

use std::collections::HashSet;

use serde::Serialize;

use crate::pop3::text;

use super::mark::Mark;

/// Why nobody knows of a marked message whether it is gone.
pub(super) const OUT_OF_SIGHT: &str =
    "it is not listed now, which does not show yet that it is gone";

/// The last commit; `.pop3fs/last-commit` shows it as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommitReport {
    /// When it ended; seconds since 1970.
    pub finished: i64,
    /// Whether every message that was marked is known to be gone.
    pub complete: bool,
    /// Why it is not complete, for a person.
    pub problem: Option<String>,
    /// Whether it was asked for as the last one before unmounting.
    pub last: bool,
    /// Whether listings made after the deletions were held against them.
    pub verified: bool,
    /// Why not, where that was asked for and could not be.
    pub unverified: Option<String>,
    /// Messages left in the maildrop, as far as is known.
    pub remaining: u64,
    /// Messages that are marked now, listed or not.
    pub marked: u64,
    /// The messages that were marked, in listing order; those that are not listed come last.
    pub messages: Vec<MessageReport>,
}

impl CommitReport {
    /// That nothing was marked. So many messages are left in the maildrop.
    pub(super) fn of_nothing(is_last: bool, remaining: u64, finished: i64) -> Self {
        Self {
            finished,
            complete: true,
            problem: None,
            last: is_last,
            verified: false,
            unverified: None,
            remaining,
            marked: 0,
            messages: Vec::new(),
        }
    }

    /// These marks stand for messages that are not listed, which nothing can delete until they are.
    /// The commit itself may have told of some, those that it has lost sight of.
    pub(super) fn beside(mut self, unlisted: &[Mark], suffix: &str) -> Self {
        if unlisted.is_empty() {
            return self;
        }
        let count = unlisted.len();
        let problem = format!(
            "{count} of the marked messages are not listed now; commit again later, or take their marks \
             off with pop3fs undelete"
        );
        let problems: Vec<String> = self.problem.into_iter().chain([problem]).collect();
        self.problem = Some(problems.join("; "));
        self.marked += count as u64;
        self.complete = false;
        let told = self.messages.iter().filter(|it| !it.outcome.is_gone());
        let told: HashSet<String> = told.map(|it| it.name.clone()).collect();
        let reports = unlisted
            .iter()
            .map(|it| MessageReport::of_unlisted(it, suffix));
        self.messages
            .extend(reports.filter(|it| !told.contains(&it.name)));
        self
    }

    /// These marks stand. Says of what is neither gone nor among them that it is no longer marked.
    pub(super) fn unmarking(mut self, marks: &[Mark], suffix: &str) -> Self {
        let marked: HashSet<String> = marks.iter().map(|it| it.file_name(suffix)).collect();
        for message in &mut self.messages {
            if let Some(reason) = &mut message.reason
                && !message.outcome.is_gone()
                && !marked.contains(&message.name)
            {
                reason.push_str(", and no longer marked");
            }
        }
        self
    }

    /// Messages whose deletion the server confirmed.
    pub(super) fn deleted(&self) -> u64 {
        let deleted = |message: &&MessageReport| message.outcome == Outcome::Deleted;
        self.messages.iter().filter(deleted).count() as u64
    }

    /// Tells it in the log.
    pub(super) fn log(&self) {
        log::info!(
            "commit: {} deleted, {} left",
            self.deleted(),
            self.remaining
        );
        for message in &self.messages {
            if let Some(reason) = &message.reason {
                log::warn!("commit: {}: {reason}", message.name);
            }
        }
        self.log_problem();
    }

    /// Tells in the log why it is not complete.
    pub(super) fn log_problem(&self) {
        if let Some(problem) = &self.problem {
            match self.marked {
                0 => log::error!("commit: {problem}"),
                marked => log::error!("commit: {problem}; {marked} marks are kept in the journal"),
            }
        }
    }
}

/// What a commit did to one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MessageReport {
    /// Its file name.
    pub name: String,
    /// Its unique-id, made printable.
    pub unique_id: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, where it is still there.
    pub reason: Option<String>,
}

impl MessageReport {
    /// That a marked message is not listed.
    fn of_unlisted(mark: &Mark, suffix: &str) -> Self {
        Self {
            name: mark.file_name(suffix),
            unique_id: text::printable(&mark.unique_id),
            outcome: Outcome::Unknown,
            reason: Some(OUT_OF_SIGHT.to_owned()),
        }
    }
}

/// What became of a marked message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The server confirmed its deletion.
    Deleted,
    /// It was not in the maildrop any more.
    AlreadyGone,
    /// The server refused to delete it; it is still marked.
    Refused,
    /// It was not deleted, and is still marked unless the reason says otherwise.
    Kept,
    /// The server did not say; it is still marked, and the next commit finds out.
    Unknown,
}

impl Outcome {
    /// Whether the message is known to be no longer in the maildrop.
    pub(super) fn is_gone(self) -> bool {
        matches!(self, Self::Deleted | Self::AlreadyGone)
    }
}
