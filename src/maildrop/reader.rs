//! A request that waits for octets from the wire.

use super::clock::Moment;
use super::error::Error;
use super::message::{Correction, Entry, Octets, OpenMessage};

/// Takes the result of a request, at once or later, on whatever thread has it.
pub type Answer<T> = Box<dyn FnOnce(Result<T, Error>) + Send>;

/// An answer with its result, to be given once no lock is held.
pub(super) type Due = Box<dyn FnOnce() + Send>;

/// One who waits for a message, or for a part of it.
pub(super) struct Reader {
    pub until: Moment,
    pub wants: Wants,
}

/// What a reader waits for.
pub(super) enum Wants {
    /// The message's exact size.
    Open(Answer<(OpenMessage, Option<Correction>)>),
    /// The message's exact size, in its entry.
    Measure(Answer<Entry>),
    /// A part of a message whose exact size is known.
    Read {
        version: u32,
        offset: u64,
        length: usize,
        answer: Answer<Octets>,
    },
}

impl Reader {
    /// Whether it is owed bytes of this one version of the message.
    pub fn is_bound_to_version(&self) -> bool {
        matches!(self.wants, Wants::Read { .. })
    }

    /// The answer that there is no answer.
    pub fn refuse(self, error: Error) -> Due {
        match self.wants {
            Wants::Open(answer) => Box::new(move || answer(Err(error))),
            Wants::Measure(answer) => Box::new(move || answer(Err(error))),
            Wants::Read { answer, .. } => Box::new(move || answer(Err(error))),
        }
    }
}
