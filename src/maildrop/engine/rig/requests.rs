//! What is asked of the maildrop in a rig.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use super::super::super::error::{Error, OutageKind};
use super::super::super::fetch::Fetch;
use super::super::super::handle::Maildrop;
use super::super::super::locked;
use super::super::super::message::{MessageId, Place};
use super::super::super::octets::Octets;
use super::super::super::open::OpenMessage;
use super::super::super::reader::Answer;
use super::super::super::report::{CommitReport, Outcome};
use super::super::super::terms::Terms;
use super::Rig;

/// An answer that may have been given.
pub(in crate::maildrop) struct Reply<T>(Arc<Mutex<Option<Result<T, Error>>>>);

impl<T> Reply<T> {
    /// The answer, if it has been given by now.
    pub fn given(&self) -> Option<Result<T, Error>> {
        locked(&self.0).take()
    }
}

impl<T: Send + 'static> Reply<T> {
    /// One that nobody has given yet.
    pub fn awaited() -> Self {
        Self(Arc::default())
    }

    /// Takes it.
    pub fn answer(&self) -> Answer<T> {
        let slot = self.0.clone();
        Box::new(move |result| {
            let before = locked(&slot).replace(result);
            assert!(before.is_none(), "answered twice");
        })
    }
}

impl Reply<Arc<CommitReport>> {
    /// The report, which must have been given by now.
    pub fn report(&self) -> Arc<CommitReport> {
        self.given().expect("an answer").expect("a report")
    }
}

/// The terms of a commit that is to be verified.
pub(in crate::maildrop) fn verified() -> Terms {
    Terms {
        verify: Some(true),
        ..Terms::default()
    }
}

/// What became of each message.
pub(in crate::maildrop) fn outcomes(report: &CommitReport) -> Vec<Outcome> {
    report.messages.iter().map(|it| it.outcome).collect()
}

/// What kind of outage somebody was told of.
pub(in crate::maildrop) fn kind(result: Result<(), Error>) -> Option<OutageKind> {
    match result {
        Err(Error::Offline(outage)) => Some(outage.kind),
        _ => None,
    }
}

/// The names that are shown at a place.
pub(in crate::maildrop) fn names(maildrop: &Maildrop, place: Place) -> Vec<String> {
    let mut names = Vec::new();
    maildrop.list(place, None, &mut |entry| {
        names.push(entry.name.to_string());
        ControlFlow::Continue(())
    });
    names
}

impl Rig {
    /// Makes sure of a session; the answer, which must come without the time moving on.
    pub fn connect(&mut self) -> Result<(), Error> {
        let reply = self.ask(Maildrop::connect);
        reply.given().expect("an answer")
    }

    /// Asks the maildrop for something, and does all that can be done at once.
    pub fn ask<T: Send + 'static>(
        &mut self,
        request: impl FnOnce(&Maildrop, Answer<T>),
    ) -> Reply<T> {
        let reply = Reply::awaited();
        request(&self.maildrop, reply.answer());
        self.run();
        reply
    }

    /// Asks for a commit.
    pub fn commit(&mut self) -> Reply<Arc<CommitReport>> {
        self.commit_on(Terms::default())
    }

    /// Asks for a commit on these terms.
    pub fn commit_on(&mut self, terms: Terms) -> Reply<Arc<CommitReport>> {
        self.ask(|maildrop, answer| maildrop.commit(terms, answer))
    }

    /// The message of this name in the root.
    pub fn id(&self, name: &str) -> MessageId {
        self.maildrop.find(Place::Root, name).expect("a message").id
    }

    /// Marks the message of this name.
    pub fn mark(&self, name: &str) {
        self.try_mark(self.id(name)).expect("a mark");
    }

    /// Marks a message; the answer, which must come at once.
    pub fn try_mark(&self, id: MessageId) -> Result<(), Error> {
        let reply = Reply::awaited();
        self.maildrop.mark(id, reply.answer());
        reply.given().expect("an answer")
    }

    /// Takes the marks off; the answer, which must come at once.
    pub fn undelete(&mut self, name: &str) -> Result<(), Error> {
        let reply = self.ask(|maildrop, answer| maildrop.undelete(Some(name), answer));
        reply.given().expect("an answer")
    }

    /// Opens the message of this name.
    pub fn open(&mut self, name: &str) -> Reply<OpenMessage> {
        let id = self.id(name);
        self.ask(|maildrop, answer: Answer<OpenMessage>| {
            let answer = move |opened: Result<(OpenMessage, _), _>| answer(opened.map(|it| it.0));
            maildrop.open(id, Box::new(answer));
        })
    }

    /// Reads the whole of an open message.
    pub fn read(&mut self, open: &OpenMessage) -> Reply<Octets> {
        self.part(open, 0, 1 << 20)
    }

    /// Reads a part of an open message.
    pub fn part(&mut self, open: &OpenMessage, offset: u64, length: usize) -> Reply<Octets> {
        self.ask(|maildrop, answer| maildrop.read(open, offset, length, answer))
    }

    /// The body of the message of this name, which must come without the time moving on.
    pub fn body(&mut self, name: &str) -> Result<String, Error> {
        let open = self.open(name).given().expect("an answer")?;
        let octets = self.read(&open).given().expect("an answer")?;
        Ok(String::from_utf8_lossy(&octets).into_owned())
    }

    /// Drops a body from the cache.
    pub fn forget(&self, name: &str) {
        let id = self.id(name);
        locked(&self.maildrop.shared().state)
            .cache
            .remove(Fetch::whole(id));
    }
}
