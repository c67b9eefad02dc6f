//! From the greeting to a complete listing.
//!
//! Login, STLS and AUTH are never pipelined: some servers lose what follows them in the same
//! segment. What a listing needs goes out in one write where PIPELINING is announced.

use std::collections::VecDeque;

use crate::net::Security;
use crate::pop3::{
    Capabilities, Command, CommandError, Connection, Reply, Secret, listing::drop_listing,
};

use super::{Exchange, Happening, Listing, SessionError};

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
    /// What is still to be asked of the listing, in this order: some servers change sizes when
    /// they are asked for unique-ids.
    questions: VecDeque<Exchange>,
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
    pub fn new(security: Security, credential: Credential) -> Self {
        Self {
            security,
            encrypted: security == Security::ImplicitTls,
            credential,
            questions: VecDeque::from([Exchange::Stat, Exchange::Uidl, Exchange::List]),
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
        let refused = reply.filter(|reply| !reply.is_ok() || exchange == Exchange::Stat);
        match (exchange, refused) {
            (Exchange::Greeting, None) => connection.send(&Command::Capa, Exchange::Capa)?,
            (Exchange::Capa, _) => return self.introduced(capabilities, connection),
            (Exchange::Stls, None) => {
                self.encrypted = true;
                return Ok(Outcome::Happened(Happening::StartTls));
            }
            (Exchange::Utf8, _) => self.log_in(capabilities, connection)?,
            (Exchange::User, None) => {
                connection.send(&Command::Pass(&self.credential.password), Exchange::Pass)?
            }
            (Exchange::Sasl | Exchange::Pass, None) => self.ask(capabilities, connection)?,
            (Exchange::Stat, Some(reply)) if reply.is_ok() => {
                return self.counted(&reply, capabilities, connection);
            }
            // A server without UIDL, or one that refuses it for an empty maildrop.
            (Exchange::Uidl, _) => self.ask_on(capabilities, connection)?,
            (Exchange::List, None) => {
                return Ok(Outcome::Listed(std::mem::take(&mut self.listing)));
            }
            (during, Some(reply)) => {
                return Ok(Outcome::Happened(Happening::Refused { during, reply }));
            }
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

    fn ask_on(
        &mut self,
        capabilities: &Capabilities,
        connection: &mut Connection<Exchange>,
    ) -> Result<(), CommandError> {
        if self.questions.is_empty() {
            Ok(())
        } else {
            self.ask(capabilities, connection)
        }
    }

    /// Some servers refuse UIDL for an empty maildrop, which needs no more questions anyway.
    fn counted(
        &mut self,
        reply: &Reply,
        capabilities: &Capabilities,
        connection: &mut Connection<Exchange>,
    ) -> Result<Outcome, SessionError> {
        if matches!(drop_listing(reply.text()), Some((0, _))) && !self.questions.is_empty() {
            return Ok(Outcome::Listed(Listing::default()));
        }
        self.ask_on(capabilities, connection)?;
        Ok(Outcome::GoesOn)
    }
}
