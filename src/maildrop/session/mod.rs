//! One POP3 session: from the greeting through login and listing to QUIT.
//!
//! ```text
//! greeting -> CAPA -> [STLS -> handshake -> CAPA] -> [LANG] -> [UTF8] -> AUTH, APOP, or USER, PASS
//!     -> [CAPA] -> STAT, UIDL, LIST -> listed
//! listed: RETR ..., TOP ..., DELE ..., RSET, NOOP -> QUIT
//! ```
//!
//! The session owns the message-numbers; nothing else ever sees one.

mod credential;
mod error;
mod exchange;
mod inquiry;
mod listing;
mod log_in;
mod method;
mod progress;
mod refusal;
mod retrieving;
mod sign_in;

use std::time::Duration;

use crate::pop3::{Capabilities, Command, CommandError, Connection, Dots, Event, Reply};

pub use credential::{Channel, Credential, Proof};
pub(super) use error::SessionError;
pub(super) use exchange::{Exchange, Happening, Request, is_about_a_limit};
pub(super) use listing::{Listing, Messages};
pub(super) use log_in::LogIn;
pub use method::Method;
pub(super) use method::NoMethod;
pub(super) use refusal::Refusal;
pub(super) use sign_in::{Manner, SignIn};

use progress::Progress;
use retrieving::Retrieving;

use super::clock::Moment;
use super::engine::Idleness;
use super::fetch::Fetch;
use super::message::MessageId;
use super::numbering::Numbering;
use super::pace::Survey;

/// A server may think for minutes over PASS, the first listing and QUIT; over anything else one
/// minute without an octet means that it is gone.
const PATIENCE: Duration = Duration::from_secs(60);
const LONG_PATIENCE: Duration = Duration::from_secs(300);

/// It knows by heart what it can do; some old servers never answer when they do not know CAPA.
const CAPA_PATIENCE: Duration = Duration::from_secs(10);

/// QUIT commits nothing where nothing is deleted: whether it is answered makes no difference.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long a listing counts as new, and a session as fresh that has only been listed.
const FRESH: Duration = Duration::from_secs(10);

/// A session.
pub(super) struct Session {
    connection: Connection<Exchange>,
    stage: Stage,
    capabilities: Capabilities,
    /// How somebody has logged in, for people.
    login: Option<String>,
    numbering: Numbering,
    retrieving: Retrieving,
    last_sign: Moment,
    progress: Progress,
    listed_at: Moment,
    used: bool,
    outdated: bool,
    retired: bool,
}

enum Stage {
    SigningIn(Box<SignIn>, Survey),
    Listed,
    /// QUIT has been sent, which commits.
    Quitting,
    /// The same, where there is nothing to commit.
    Leaving,
}

impl Session {
    /// A session on a link just made.
    pub fn new(sign_in: SignIn, now: Moment) -> Self {
        let mut connection = Connection::new(Exchange::Greeting);
        connection.set_dots(sign_in.manner().dots);
        Self {
            connection,
            stage: Stage::SigningIn(Box::new(sign_in), Survey::default()),
            capabilities: Capabilities::default(),
            login: None,
            numbering: Numbering::default(),
            retrieving: Retrieving::default(),
            last_sign: now,
            progress: Progress::new(now),
            listed_at: now,
            used: false,
            outdated: false,
            retired: false,
        }
    }

    /// What is to be written to the link.
    pub fn outgoing(&self) -> &[u8] {
        self.connection.outgoing()
    }

    /// So many octets of it have been written.
    pub fn sent(&mut self, octets: usize) {
        self.connection.sent(octets);
    }

    /// Does what takes long and needs nothing but the session.
    pub fn think(&mut self) {
        self.connection.think();
    }

    /// Takes in octets from the link. `body` is handed the pieces of messages, and says whether more
    /// may come. Messages that have come together with what no server may say are not told of, nor
    /// is an answer to QUIT, which may be the answer to something else.
    pub fn receive(
        &mut self,
        input: &[u8],
        now: Moment,
        happenings: &mut Vec<Happening>,
        body: impl FnMut(Fetch, &[u8]) -> bool,
    ) -> Result<(), SessionError> {
        let result = self.hear(input, now, happenings, body);
        if let Err(error) = &result {
            happenings.retain(|it| !it.is_void_before(error));
        }
        result
    }

    fn hear(
        &mut self,
        mut input: &[u8],
        now: Moment,
        happenings: &mut Vec<Happening>,
        mut body: impl FnMut(Fetch, &[u8]) -> bool,
    ) -> Result<(), SessionError> {
        let waited = now - self.last_sign;
        self.last_sign = now;
        self.progress.heard(input.len(), now);
        self.retrieving.together |= self.connection.in_flight() > 1;
        while let Some(event) = self.connection.poll(&mut input)? {
            match event {
                Event::Accepted {
                    tag: Exchange::Retrieve(retrieval),
                    ..
                } => retrieval.answered(now, &mut self.retrieving.pace),
                Event::Accepted {
                    tag: Exchange::OwnCapa,
                    ..
                } => self.capabilities = Capabilities::default(),
                Event::Accepted { .. } => {}
                Event::Octets {
                    tag: Exchange::Retrieve(retrieval),
                    octets,
                } => {
                    retrieval.received += octets.len() as u64;
                    if !body(retrieval.fetch, octets) {
                        return Err(SessionError::MessageTooLong);
                    }
                }
                Event::Octets { .. } => {}
                Event::Line {
                    tag: Exchange::Capa | Exchange::OwnCapa,
                    line,
                } => self.capabilities.add_line(line),
                Event::Line { tag, line } => {
                    if let Stage::SigningIn(sign_in, survey) = &mut self.stage {
                        survey.listed(line.len(), now);
                        sign_in.line(*tag, line)?;
                    }
                }
                Event::End { tag, reply } => {
                    if let (Stage::SigningIn(_, survey), true) = (&mut self.stage, tag.is_brief()) {
                        survey.answered(waited);
                    }
                    self.ended(tag, reply, now, happenings)?;
                }
            }
        }
        Ok(())
    }

    fn ended(
        &mut self,
        exchange: Exchange,
        reply: Option<Reply>,
        now: Moment,
        happenings: &mut Vec<Happening>,
    ) -> Result<(), SessionError> {
        self.progress.renew(now);
        match (exchange, reply) {
            (Exchange::Retrieve(retrieval), reply) => {
                let connection = &mut self.connection;
                happenings.extend(self.retrieving.ended(retrieval, reply, connection)?);
            }
            (Exchange::Confirm(retrieval), _) => {
                happenings.push(self.retrieving.believe(retrieval.fetch));
            }
            (Exchange::Delete(id), Some(reply)) => happenings.push(Happening::Deleted(id, reply)),
            (Exchange::Noop, _) => {}
            (Exchange::Reset, Some(reply)) => happenings.push(Happening::Reset(reply)),
            (Exchange::Quit, Some(reply)) => happenings.push(Happening::Quit(reply)),
            (exchange, reply) => self.sign_in_step(exchange, reply, now, happenings)?,
        }
        Ok(())
    }

    fn sign_in_step(
        &mut self,
        exchange: Exchange,
        reply: Option<Reply>,
        now: Moment,
        happenings: &mut Vec<Happening>,
    ) -> Result<(), SessionError> {
        let Stage::SigningIn(sign_in, survey) = &mut self.stage else {
            return Ok(());
        };
        match sign_in.ended(exchange, reply, &self.capabilities, &mut self.connection)? {
            sign_in::Outcome::GoesOn => {}
            sign_in::Outcome::Happened(happening) => happenings.push(happening),
            sign_in::Outcome::Listed(listing) => {
                self.retrieving.pace = survey.pace(now);
                self.login = sign_in.login();
                self.stage = Stage::Listed;
                self.listed_at = now;
                happenings.push(Happening::Listed(listing));
            }
        }
        Ok(())
    }

    /// The TLS handshake is done: what was announced in clear counts no longer (RFC 2595 section 4).
    pub fn tls_started(&mut self, channel: Channel, now: Moment) -> Result<(), SessionError> {
        if let Stage::SigningIn(sign_in, _) = &mut self.stage {
            sign_in.tls_started(channel);
        }
        self.last_sign = now;
        self.progress.renew(now);
        self.connection.tls_established();
        self.capabilities = Capabilities::default();
        if let Stage::SigningIn(sign_in, _) = &mut self.stage {
            sign_in.introduce(&self.capabilities, &mut self.connection)?;
        }
        Ok(())
    }

    /// Takes lines of messages that start with a dot otherwise from the next message on.
    pub fn set_dots(&mut self, dots: Dots) {
        self.connection.set_dots(dots);
    }

    /// Takes the message-numbers in, once the listing has been reconciled.
    pub fn adopt(&mut self, numbering: Numbering) {
        self.numbering = numbering;
    }

    /// Whether there is no listing yet.
    fn is_signing_in(&self) -> bool {
        matches!(self.stage, Stage::SigningIn(..))
    }

    /// Whether messages can be asked for.
    pub fn is_listed(&self) -> bool {
        matches!(self.stage, Stage::Listed)
    }

    /// Whether no reply is due, and none but to new commands will be.
    pub fn is_idle(&self) -> bool {
        self.is_listed() && self.connection.in_flight() == 0
    }

    /// When the server last gave a sign, or was asked for one.
    pub fn last_sign(&self) -> Moment {
        self.last_sign
    }

    /// Since when nothing has happened, if no reply is due.
    pub fn idleness(&self) -> Option<Idleness> {
        let (listed, heard) = (self.listed_at, self.last_sign);
        self.is_idle().then_some(Idleness { listed, heard })
    }

    /// Whether what is due is the answer to something that the session is for.
    pub fn is_at_work(&self) -> bool {
        let next = self.connection.tags().next();
        self.is_listed() && next.is_some_and(|exchange| *exchange != Exchange::Noop)
    }

    /// Whether QUIT has been sent.
    pub fn is_quitting(&self) -> bool {
        matches!(self.stage, Stage::Quitting | Stage::Leaving)
    }

    /// Whether QUIT has been sent, and nothing comes of it.
    pub fn is_leaving(&self) -> bool {
        matches!(self.stage, Stage::Leaving)
    }

    /// Whether the server is judging the name or the password.
    pub fn is_logging_in(&self) -> bool {
        self.connection
            .tags()
            .next()
            .is_some_and(Exchange::is_login)
    }

    /// Whether commands have been in flight together since no reply was due.
    pub fn has_pipelined(&self) -> bool {
        self.retrieving.together
    }

    /// Whether the answer to CAPA is due.
    pub fn is_asking_capa(&self) -> bool {
        self.connection.tags().next() == Some(&Exchange::Capa)
    }

    /// Whether nothing but login and listing has happened, just now.
    pub fn is_fresh(&self, now: Moment) -> bool {
        self.is_newly_listed(now) && !self.used
    }

    /// Its listing is out of date: it is only to be left.
    pub fn retire(&mut self) {
        self.retired = true;
    }

    /// Somebody wants a newer listing than its own.
    pub fn outdate(&mut self) {
        self.outdated = true;
    }

    /// Whether somebody wants a newer listing.
    pub fn is_outdated(&self) -> bool {
        self.outdated
    }

    /// Whether it is only to be left.
    pub fn is_retired(&self) -> bool {
        self.retired
    }

    /// Whether what is listed was there just now.
    fn is_newly_listed(&self, now: Moment) -> bool {
        self.is_listed() && now - self.listed_at < FRESH
    }

    /// How somebody has logged in, for people.
    pub fn login(&self) -> Option<&str> {
        self.login.as_deref()
    }

    /// What the server announced.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// What the server announced, for people to see.
    pub fn announced(&self) -> Vec<String> {
        let lines = self.capabilities.lines();
        lines.map(|line| self.connection.printable(line)).collect()
    }

    /// Sends DELE; false where the message has no number in this session.
    pub fn delete(&mut self, id: MessageId, now: Moment) -> Result<bool, CommandError> {
        self.stir(now);
        let Some(number) = self.numbering.number(id) else {
            return Ok(false);
        };
        self.connection
            .send(&Command::Dele(number), Exchange::Delete(id))?;
        Ok(true)
    }

    /// Sends RSET.
    pub fn reset(&mut self, now: Moment) -> Result<(), CommandError> {
        self.stir(now);
        self.connection.send(&Command::Rset, Exchange::Reset)
    }

    /// Sends NOOP.
    pub fn noop(&mut self, now: Moment) -> Result<(), CommandError> {
        self.last_sign = now;
        self.progress.renew(now);
        self.connection.send(&Command::Noop, Exchange::Noop)
    }

    /// Sends QUIT, which deletes what DELE was accepted for. Nothing can be sent after it.
    pub fn quit(&mut self, now: Moment) -> Result<(), CommandError> {
        self.stir(now);
        self.stage = Stage::Quitting;
        self.connection.send(&Command::Quit, Exchange::Quit)
    }

    /// Sends QUIT where nothing is to be deleted.
    pub fn leave(&mut self, now: Moment) -> Result<(), CommandError> {
        self.quit(now)?;
        self.stage = Stage::Leaving;
        Ok(())
    }

    /// When the server must have given a sign, if one is due.
    pub fn deadline(&self) -> Option<Moment> {
        let patience = match self.connection.tags().next()? {
            Exchange::Capa | Exchange::OwnCapa => CAPA_PATIENCE,
            Exchange::Quit if self.is_leaving() => FAREWELL,
            Exchange::Auth(_)
            | Exchange::Apop
            | Exchange::Pass
            | Exchange::Stat
            | Exchange::Uidl
            | Exchange::List
            | Exchange::Quit => LONG_PATIENCE,
            _ => PATIENCE,
        };
        Some(self.progress.deadline(patience, self.is_signing_in()))
    }

    /// A reply is due from now on.
    fn stir(&mut self, now: Moment) {
        self.used = true;
        if self.connection.in_flight() == 0 {
            self.last_sign = now;
            self.progress.renew(now);
            self.retrieving.begin_anew();
        }
    }
}
