//! From the greeting to a complete listing.
//!
//! Login, STLS and AUTH are never pipelined: some servers lose what follows them in the same
//! segment. What a listing needs goes out in one write where PIPELINING is announced.

use std::collections::VecDeque;

use crate::net::Security;
use crate::pop3::{
    Capabilities, Command, CommandError, Connection, Reply, Secret, listing::drop_listing,
};

use super::{Exchange, Happening, Listing, SessionError, is_temporary};

/// Who logs in.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The name of the mailbox.
    pub login: String,
    /// Its password.
    pub password: Secret,
}

/// A session on its way to its listing.
pub(in super::super) struct SignIn {
    security: Security,
    encrypted: bool,
    credential: Credential,
    /// Whether messages are known by their unique-ids, and would be lost without.
    unique_ids_matter: bool,
    /// What is still to be asked of the listing, in this order: some servers change sizes when
    /// they are asked for unique-ids.
    questions: VecDeque<Exchange>,
    /// How many messages there are, by STAT.
    count: Option<u64>,
    /// What UIDL was refused with.
    no_unique_ids: Option<Reply>,
    listing: Listing,
}

/// Where an answer has led.
pub(super) enum Outcome {
    /// The next command is on its way.
    GoesOn,
    /// The engine must act, or sign-in is over.
    Happened(Happening),
    /// Done.
    Listed(Listing),
}

impl SignIn {
    /// To be logged in over a link of this kind.
    pub fn new(security: Security, credential: Credential, unique_ids_matter: bool) -> Self {
        Self {
            security,
            encrypted: security == Security::ImplicitTls,
            credential,
            unique_ids_matter,
            questions: VecDeque::from([Exchange::Stat, Exchange::Uidl, Exchange::List]),
            count: None,
            no_unique_ids: None,
            listing: Listing::default(),
        }
    }

    /// Takes a line of a listing.
    pub(super) fn line(&mut self, exchange: Exchange, line: &[u8]) -> Result<(), SessionError> {
        match exchange {
            Exchange::Uidl => self.listing.unique_id(line),
            Exchange::List => self.listing.size(line),
            _ => Ok(()),
        }
    }

    /// A reply is complete; sends what follows.
    pub(super) fn ended(
        &mut self,
        exchange: Exchange,
        reply: Option<Reply>,
        capabilities: &mut Capabilities,
        connection: &mut Connection<Exchange>,
    ) -> Result<Outcome, SessionError> {
        let refused = reply.as_ref().is_some_and(|reply| !reply.is_ok());
        match (exchange, reply) {
            (Exchange::Capa, _) => return self.introduced(capabilities, connection),
            (Exchange::Utf8, _) => self.log_in(capabilities, connection)?,
            (Exchange::Stat | Exchange::Uidl | Exchange::List, reply) => {
                return self.answered(exchange, reply, capabilities, connection);
            }
            (during, Some(reply)) if refused => {
                return Ok(Outcome::Happened(Happening::Refused { during, reply }));
            }
            (Exchange::Greeting, _) => connection.send(&Command::Capa, Exchange::Capa)?,
            (Exchange::Stls, _) => {
                self.encrypted = true;
                return Ok(Outcome::Happened(Happening::StartTls));
            }
            (Exchange::User, _) => {
                connection.send(&Command::Pass(&self.credential.password), Exchange::Pass)?
            }
            (Exchange::Sasl | Exchange::Pass, _) => self.ask(capabilities, connection)?,
            _ => {}
        }
        Ok(Outcome::GoesOn)
    }

    /// CAPA has been answered, or refused by a server that has none.
    fn introduced(
        &mut self,
        capabilities: &Capabilities,
        connection: &mut Connection<Exchange>,
    ) -> Result<Outcome, SessionError> {
        if self.security == Security::StartTls && !self.encrypted {
            if !capabilities.stls() {
                return Ok(Outcome::Happened(Happening::NoStartTls));
            }
            connection.send(&Command::Stls, Exchange::Stls)?;
        } else if capabilities.utf8() {
            // Without it Courier replaces messages with 8-bit headers by others (RFC 6856 section 2).
            connection.send(&Command::Utf8, Exchange::Utf8)?;
        } else {
            self.log_in(capabilities, connection)?;
        }
        Ok(Outcome::GoesOn)
    }

    fn log_in(
        &self,
        capabilities: &Capabilities,
        connection: &mut Connection<Exchange>,
    ) -> Result<(), CommandError> {
        let Credential { login, password } = &self.credential;
        if capabilities.sasl("PLAIN") {
            connection.send(&Command::AuthPlain { login, password }, Exchange::Sasl)
        } else {
            connection.send(&Command::User(login), Exchange::User)
        }
    }

    /// Asks the next question, or all where the server takes them at once.
    fn ask(
        &mut self,
        capabilities: &Capabilities,
        connection: &mut Connection<Exchange>,
    ) -> Result<(), CommandError> {
        while let Some(question) = self.questions.pop_front() {
            let command = match question {
                Exchange::Stat => Command::Stat,
                Exchange::Uidl => Command::Uidl,
                _ => Command::List,
            };
            connection.send(&command, question)?;
            if !capabilities.pipelining() {
                break;
            }
        }
        Ok(())
    }

    /// A question about the listing has been answered. None but the last decides: servers disagree
    /// with themselves, and refuse what there is nothing to say about.
    fn answered(
        &mut self,
        question: Exchange,
        reply: Option<Reply>,
        capabilities: &Capabilities,
        connection: &mut Connection<Exchange>,
    ) -> Result<Outcome, SessionError> {
        let count = |reply: &Reply| drop_listing(reply.text()).map(|(messages, _)| messages);
        match question {
            Exchange::Stat => self.count = reply.filter(Reply::is_ok).as_ref().and_then(count),
            Exchange::Uidl => self.no_unique_ids = reply,
            _ => return Ok(self.conclude(reply, capabilities)),
        }
        if self.is_empty() && connection.in_flight() == 0 {
            return Ok(Outcome::Listed(Listing::default()));
        }
        self.ask(capabilities, connection)?;
        Ok(Outcome::GoesOn)
    }

    /// All questions have been asked; LIST may have been refused.
    ///
    /// Where messages had unique-ids, or the server announces them, a listing without them is not
    /// taken: every message would pass for another, and all marks would be void.
    fn conclude(&mut self, no_sizes: Option<Reply>, capabilities: &Capabilities) -> Outcome {
        let matters =
            |reply: &Reply| self.unique_ids_matter || capabilities.uidl() || is_temporary(reply);
        let no_unique_ids = self.no_unique_ids.take().filter(matters);
        let listing = std::mem::take(&mut self.listing);
        let refused = |during, reply| Outcome::Happened(Happening::Refused { during, reply });
        match (no_sizes, no_unique_ids) {
            (Some(reply), _) if !self.is_empty() => refused(Exchange::List, reply),
            (None, Some(reply)) if !listing.is_empty() => refused(Exchange::Uidl, reply),
            _ => Outcome::Listed(listing),
        }
    }

    /// Whether STAT counted no message.
    fn is_empty(&self) -> bool {
        self.count == Some(0)
    }
}
