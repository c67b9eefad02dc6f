//! Those who wait for one thing, each until a moment of its own.

use std::time::Duration;

use super::super::clock::Moment;
use super::super::error::Error;
use super::super::reader::Answer;
use super::Turn;

/// Who waits, in order of asking.
pub(super) struct Waiters<T>(Vec<(Moment, Answer<T>)>);

impl<T: Clone + Send + 'static> Waiters<T> {
    /// Adds one who waits until then.
    pub fn push(&mut self, until: Moment, answer: Answer<T>) {
        self.0.push((until, answer));
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// When the first of them must have an answer.
    pub fn deadline(&self) -> Option<Moment> {
        self.0.iter().map(|(until, _)| *until).min()
    }

    /// Lets all wait so much longer.
    pub fn postpone(&mut self, span: Duration) {
        for (until, _) in &mut self.0 {
            *until = *until + span;
        }
    }

    /// Gives all the same answer.
    pub fn answer(&mut self, result: &Result<T, Error>, turn: &mut Turn<'_>) {
        for (_, answer) in self.0.drain(..) {
            turn.answer(answer, result.clone());
        }
    }

    /// Refuses those whose deadline has passed.
    pub fn refuse_late(&mut self, turn: &mut Turn<'_>) {
        self.refuse_until(turn.now, &Error::TimedOut, turn);
    }

    /// Refuses those whose deadline is no later.
    pub fn refuse_until(&mut self, moment: Moment, error: &Error, turn: &mut Turn<'_>) {
        for (_, answer) in self.0.extract_if(.., |(until, _)| *until <= moment) {
            turn.answer(answer, Err(error.clone()));
        }
    }
}

impl<T> Default for Waiters<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> IntoIterator for Waiters<T> {
    type Item = (Moment, Answer<T>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
