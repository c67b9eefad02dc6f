//! Answers that programs wait for.

use std::sync::{Arc, Mutex, PoisonError};

use super::error::Error;

/// An answer that is given once, by whoever takes it first: the one who has what was asked for, or
/// the one who notices that the program has something more urgent to do.
pub struct Pending<T>(Arc<Mutex<Option<Answer<T>>>>);

/// Gives the answer.
type Answer<T> = Box<dyn FnOnce(Result<T, Error>) + Send>;

impl<T> Pending<T> {
    /// An answer that nobody has given yet.
    pub fn new(answer: impl FnOnce(Result<T, Error>) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::new(answer)))))
    }

    /// Gives the answer, unless that was done: then the result is given back.
    pub fn give(&self, result: Result<T, Error>) -> Option<Result<T, Error>> {
        let Some(answer) = self.take() else {
            return Some(result);
        };
        answer(result);
        None
    }

    /// The answer, for the first who wants to give it.
    pub fn take(&self) -> Option<Answer<T>> {
        self.slot().take()
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Answer<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Pending<T> {
    /// The same answer, for another who may give it.
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// A wait that can be cut short.
pub trait Interruptible: Send {
    /// Whether the answer has been given.
    fn is_over(&self) -> bool;

    /// Has the program go on with EINTR, unless the answer has been given.
    fn interrupt(&self);
}

impl<T> Interruptible for Pending<T> {
    fn is_over(&self) -> bool {
        self.slot().is_none()
    }

    fn interrupt(&self) {
        self.give(Err(Error::Interrupted));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn an_answer_is_given_once() {
        let (given, answers) = channel();
        let pending = Pending::new(move |answer| given.send(answer).unwrap());
        let other = pending.clone();
        assert!(!pending.is_over());
        assert_eq!(other.give(Ok(1)), None);
        assert!(pending.is_over());
        pending.interrupt();
        assert_eq!(pending.give(Ok(2)), Some(Ok(2)));
        assert_eq!(answers.iter().collect::<Vec<_>>(), [Ok(1)]);
    }

    #[test]
    fn whoever_is_interrupted_is_told_so() {
        let (given, answers) = channel();
        let pending = Pending::<u8>::new(move |answer| given.send(answer).unwrap());
        pending.interrupt();
        assert_eq!(
            answers.iter().collect::<Vec<_>>(),
            [Err(Error::Interrupted)]
        );
    }
}
