//! Doing what a verb says.

use std::sync::Arc;

use super::error::Error;
use super::tree::Tree;
use super::verb::Verb;
use crate::maildrop::{self, Answer, CommitReport, Maildrop, Terms};

impl Tree {
    /// Does what a verb says; the reply waits for that where the verb does.
    pub(super) fn obey(
        &self,
        verb: Result<Verb, Error>,
        reply: impl FnOnce(Result<(), Error>) + Send + 'static,
    ) {
        match verb {
            Ok(Verb::Commit { terms, nowait }) => self.commit(terms, nowait, reply),
            Ok(Verb::Refresh { nowait }) => self.ask(Maildrop::refresh, nowait, reply),
            Ok(Verb::Look { nowait }) => self.ask(Maildrop::look, nowait, reply),
            Ok(Verb::Park { nowait }) => self.ask(Maildrop::park, nowait, reply),
            Ok(Verb::Undelete(name)) => self.undelete(Some(&name), reply),
            Ok(Verb::UndeleteAll) => self.undelete(None, reply),
            Ok(Verb::Sync) => reply(Ok(())),
            Err(error) => reply(Err(error)),
        }
    }

    fn commit(
        &self,
        terms: Terms,
        nowait: bool,
        reply: impl FnOnce(Result<(), Error>) + Send + 'static,
    ) {
        if nowait {
            self.maildrop.commit(terms, Box::new(drop));
            return reply(Ok(()));
        }
        let answer = move |outcome: Result<Arc<CommitReport>, maildrop::Error>| {
            reply(match outcome {
                Ok(commit) if commit.complete => Ok(()),
                Ok(_) => Err(maildrop::Error::NotCommitted("see last-commit".into()).into()),
                Err(error) => Err(error.into()),
            });
        };
        self.maildrop.commit(terms, Box::new(answer));
    }

    /// Asks for something that may take long; the reply waits for it, or only until it is asked for.
    fn ask(
        &self,
        request: fn(&Maildrop, Answer<()>),
        nowait: bool,
        reply: impl FnOnce(Result<(), Error>) + Send + 'static,
    ) {
        if nowait {
            request(&self.maildrop, Box::new(drop));
            return reply(Ok(()));
        }
        let answer = |done: Result<(), _>| reply(done.map_err(Error::from));
        request(&self.maildrop, Box::new(answer));
    }

    fn undelete(&self, name: Option<&str>, reply: impl FnOnce(Result<(), Error>) + Send + 'static) {
        let answer = |done: Result<(), _>| reply(done.map_err(Error::from));
        self.maildrop.undelete(name, Box::new(answer));
    }
}
