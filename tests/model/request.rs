//! Requests to the maildrop, and the answers that come sooner or later.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use pop3fs::maildrop::{
    Answer, CommitReport, Correction, Entry, Error, MessageId, Moment, Octets, OpenMessage,
};

use crate::mail::MailId;

/// Which request; rises.
pub type RequestId = u64;

/// A request that has no answer yet.
#[derive(Debug)]
pub struct Request {
    pub until: Moment,
    pub want: Want,
}

/// What is asked for.
#[derive(Debug)]
pub enum Want {
    Connect,
    /// When this was there.
    Refresh(There),
    Open(MessageId),
    /// Of this handle.
    Read {
        handle: usize,
        offset: u64,
        length: usize,
    },
    Measure(MessageId),
    /// A mark of this mail; whether it may be set later.
    Mark {
        mail: MailId,
        is_late: bool,
    },
    /// The mark of this mail, to be taken off; whether that may be later.
    Undelete {
        mail: MailId,
        is_late: bool,
    },
    /// What was marked when the engine took it; none until then.
    Commit(Option<BTreeSet<MailId>>),
    Leave,
}

/// What there was at some time.
#[derive(Debug)]
pub struct There {
    /// The mail on the server.
    pub mails: BTreeSet<MailId>,
    /// How much there ever was.
    pub known: usize,
}

/// An answer.
pub enum Reply {
    Connect(Result<(), Error>),
    Refresh(Result<(), Error>),
    Open(Result<(OpenMessage, Option<Correction>), Error>),
    Read(Result<Octets, Error>),
    Measure(Result<Entry, Error>),
    Mark(Result<(), Error>),
    Undelete(Result<(), Error>),
    Commit(Result<Arc<CommitReport>, Error>),
    Leave(Result<(), Error>),
}

/// Where the answers arrive; all clones are the same one.
#[derive(Clone, Default)]
pub struct Inbox(Arc<Mutex<Vec<(RequestId, Reply)>>>);

impl Inbox {
    /// Takes the answer to one request.
    pub fn answer<T: 'static>(
        &self,
        id: RequestId,
        reply: fn(Result<T, Error>) -> Reply,
    ) -> Answer<T> {
        let inbox = self.0.clone();
        Box::new(move |result| inbox.lock().unwrap().push((id, reply(result))))
    }

    /// The answers since the last time, in order of asking: theirs is no promise.
    pub fn take(&self) -> Vec<(RequestId, Reply)> {
        let mut replies = std::mem::take(&mut *self.0.lock().unwrap());
        replies.sort_by_key(|(id, _)| *id);
        replies
    }
}
