//! Requests that wait for octets from the wire.

use super::clock::Moment;
use super::error::Error;
use super::message::{Correction, Entry};
use super::octets::{Part, Whole};
use super::open::OpenMessage;

/// Takes the result of a request, at once or later, on whatever thread has it.
pub type Answer<T> = Box<dyn FnOnce(Result<T, Error>) + Send>;

/// An answer with its result, to be given once no lock is held.
pub(super) type Due = Box<dyn FnOnce() + Send>;

/// An answer with its result.
pub(super) fn due<T: Send + 'static>(answer: Answer<T>, result: Result<T, Error>) -> Due {
    Box::new(move || answer(result))
}

/// One who waits for a message's exact size, so for its end.
pub(super) struct Opener {
    pub until: Moment,
    pub wants: Wants,
}

/// What is to be made of the size.
pub(super) enum Wants {
    /// An open message.
    Open(Answer<(OpenMessage, Option<Correction>)>),
    /// An entry.
    Measure(Answer<Entry>),
}

/// One who waits for a part of an open message.
pub(super) struct Read {
    pub until: Moment,
    pub open: OpenMessage,
    pub offset: u64,
    pub length: usize,
    pub answer: Answer<Part>,
}

impl Opener {
    /// The answer that there is no answer.
    pub fn refuse(self, error: Error) -> Due {
        match self.wants {
            Wants::Open(answer) => due(answer, Err(error)),
            Wants::Measure(answer) => due(answer, Err(error)),
        }
    }
}

impl Read {
    /// The answer.
    pub fn give(self, part: Part) -> Due {
        due(self.answer, Ok(part))
    }

    /// How far into the message it goes, in octets.
    pub fn reach(&self) -> u64 {
        self.offset.saturating_add(self.length as u64)
    }

    /// The answer out of the message, which is whole now.
    pub fn give_from(self, whole: &Whole) -> Due {
        let part = self.open.part(whole, self.offset, self.length);
        due(self.answer, part)
    }

    /// The answer that there is no answer.
    pub fn refuse(self, error: Error) -> Due {
        due(self.answer, Err(error))
    }
}
