//! The engine's side of a commit: it does what the [transaction](super::transaction) says.

use std::sync::Arc;

use crate::pop3::{CommandError, Reply};

use super::super::clock::Moment;
use super::super::error::Error;
use super::super::message::{MessageId, Place};
use super::super::reader::Answer;
use super::super::report::{CommitReport, Outcome};
use super::transaction::{Next, Transaction};
use super::{Engine, Order, Turn};

impl Engine {
    pub(super) fn asked_to_commit(
        &mut self,
        until: Moment,
        answer: Answer<Arc<CommitReport>>,
        turn: &mut Turn<'_>,
    ) {
        let catalog = &turn.state.catalog;
        if self.commit.is_none() {
            self.commit = Transaction::begin(catalog);
        }
        match &self.commit {
            Some(commit) if commit.covers(catalog) => self.committers.push((until, answer)),
            Some(_) => self.next_committers.push((until, answer)),
            None => answer_nothing_to_do(answer, turn),
        }
    }

    pub(super) fn is_waiting_to_commit(&self) -> bool {
        self.commit.as_ref().is_some_and(Transaction::is_waiting)
    }

    /// Brings a listed session and the transaction together.
    pub(super) fn pursue_commit(&mut self, turn: &mut Turn<'_>) -> Result<(), CommandError> {
        if self.is_waiting_to_commit() {
            self.begin_in_fresh_session(turn)?;
        }
        let window = self.commands_max();
        while let Some(session) = self
            .link
            .session_mut()
            .filter(|session| session.flight().commands < window)
        {
            let Some(id) = self.deleting.pop_front() else {
                break;
            };
            session.delete(id, turn.now)?;
        }
        Ok(())
    }

    /// A session that has done anything else is left first: errors add up in it, and it may be
    /// about to be hung up. Where the server makes clients wait between logins, it must do.
    fn begin_in_fresh_session(&mut self, turn: &mut Turn<'_>) -> Result<(), CommandError> {
        let Some(session) = self.link.session_mut() else {
            return Ok(());
        };
        let waits = session
            .capabilities()
            .login_delay()
            .is_some_and(|seconds| seconds > 0);
        if session.is_fresh(turn.now) || waits {
            let suffix = turn.state.settings.suffix.clone();
            let next = self
                .commit
                .as_mut()
                .map(|commit| commit.listed(&turn.state.catalog, &suffix));
            self.proceed(next, turn);
        } else if session.flight().commands == 0 {
            session.quit(turn.now)?;
        }
        Ok(())
    }

    pub(super) fn deleted(&mut self, id: MessageId, reply: &Reply, turn: &mut Turn<'_>) {
        let next = self.commit.as_mut().map(|commit| commit.deleted(id, reply));
        self.proceed(next, turn);
    }

    pub(super) fn was_reset(&mut self, reply: &Reply, turn: &mut Turn<'_>) {
        let next = self.commit.as_mut().map(|commit| commit.reset(reply));
        self.proceed(next, turn);
    }

    pub(super) fn commit_quit(&mut self, reply: &Reply, turn: &mut Turn<'_>) {
        let next = self.commit.as_mut().map(|commit| commit.quit(reply));
        self.proceed(next, turn);
    }

    pub(super) fn commit_lost(&mut self, why: &str, turn: &mut Turn<'_>) {
        let next = self.commit.as_mut().map(|commit| commit.lost(why));
        self.proceed(next, turn);
    }

    pub(super) fn commit_failed(&mut self, error: &Error, turn: &mut Turn<'_>) {
        let next = self.commit.as_mut().filter(|commit| !commit.is_recording());
        let next = next.map(|commit| commit.give_up(error.to_string()));
        self.proceed(next, turn);
    }

    fn proceed(&mut self, next: Option<Next>, turn: &mut Turn<'_>) {
        let Some(next) = next.filter(|next| *next != Next::Wait) else {
            return;
        };
        self.deleting.clear();
        let sent = match next {
            Next::Wait => return,
            Next::Delete(ids) => {
                self.deleting = ids.into();
                Ok(())
            }
            Next::Reset => self
                .link
                .session_mut()
                .map_or(Ok(()), |session| session.reset(turn.now)),
            Next::Quit => self
                .link
                .session_mut()
                .map_or(Ok(()), |session| session.quit(turn.now)),
            Next::Reconnect => return self.lose("the commit needs another session", turn),
            Next::Record(ids) => {
                self.record(&ids, turn);
                Ok(())
            }
        };
        if let Err(error) = sent {
            self.lose(&error.to_string(), turn);
        }
    }

    fn record(&mut self, gone: &[MessageId], turn: &mut Turn<'_>) {
        for &id in gone {
            turn.state.place(id, Place::Gone, &mut turn.step.effects);
        }
        turn.step.orders.push(Order::WriteJournal);
    }

    /// The journal is written, or could not be: the commit is over.
    pub(super) fn recorded(&mut self, result: Result<(), String>, turn: &mut Turn<'_>) {
        let Some(commit) = self.commit.take_if(|commit| commit.is_recording()) else {
            return;
        };
        let left = turn.state.catalog.totals().messages;
        let report = Arc::new(commit.report(result.err(), left, turn.now.unix_seconds()));
        say(&report);
        turn.state.last_commit = Some(report.clone());
        for (_, answer) in self.committers.drain(..) {
            let report = report.clone();
            turn.step
                .effects
                .answers
                .push(Box::new(move || answer(Ok(report))));
        }
        for (until, answer) in std::mem::take(&mut self.next_committers) {
            self.asked_to_commit(until, answer, turn);
        }
    }
}

fn answer_nothing_to_do(answer: Answer<Arc<CommitReport>>, turn: &mut Turn<'_>) {
    let report = Arc::new(CommitReport {
        finished: turn.now.unix_seconds(),
        complete: true,
        problem: None,
        remaining: turn.state.catalog.totals().messages,
        messages: Vec::new(),
    });
    turn.state.last_commit = Some(report.clone());
    turn.step
        .effects
        .answers
        .push(Box::new(move || answer(Ok(report))));
}

fn say(report: &CommitReport) {
    let deleted = report
        .messages
        .iter()
        .filter(|message| message.outcome == Outcome::Deleted)
        .count();
    log::info!("commit: {deleted} deleted, {} left", report.remaining);
    for message in report
        .messages
        .iter()
        .filter(|message| message.reason.is_some())
    {
        log::warn!(
            "commit: {}: {}",
            message.name,
            message.reason.as_deref().unwrap_or_default()
        );
    }
    if let Some(problem) = &report.problem {
        log::error!("commit: {problem}; the marks are kept in the journal");
    }
}
