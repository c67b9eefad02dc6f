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
mod heading;
mod hearing;
mod inquiry;
mod listing;
mod log_in;
mod method;
mod patience;
mod progress;
mod refusal;
mod retrieving;
mod sign_in;

use std::time::Duration;

use crate::pop3::{Capabilities, Command, CommandError, Connection, Dots};

pub use credential::{Channel, Credential, Proof};
pub(super) use error::SessionError;
pub(super) use exchange::{Exchange, Happening, Request, is_about_a_limit};
pub(super) use inquiry::Inquiry;
pub(super) use listing::Listing;
pub(super) use log_in::LogIn;
pub use method::Method;
pub(super) use method::NoMethod;
pub(super) use refusal::Refusal;
pub(super) use sign_in::{Manner, SignIn};

use heading::Heading;
use patience::Patience;
use progress::Progress;
use retrieving::Retrieving;

use super::clock::Moment;
use super::engine::Idleness;
use super::message::MessageId;
use super::numbering::Numbering;
use super::pace::Survey;

/// How long a listing counts as new, and a session as fresh that has only been listed.
const FRESH: Duration = Duration::from_secs(10);

/// What is known of a session, from the greeting on.
pub(super) struct Session {
    connection: Connection<Exchange>,
    stage: Stage,
    capabilities: Capabilities,
    /// How somebody has logged in, for people.
    login: Option<String>,
    numbering: Numbering,
    retrieving: Retrieving,
    heading: Heading,
    last_sign: Moment,
    progress: Progress,
    patience: Patience,
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
    /// A session on a link just made, from which programs have their answers within so long.
    pub fn new(sign_in: SignIn, timeout: Duration, now: Moment) -> Self {
        let mut connection = Connection::new(Exchange::Greeting);
        connection.set_dots(sign_in.manner().dots);
        Self {
            connection,
            stage: Stage::SigningIn(Box::new(sign_in), Survey::default()),
            capabilities: Capabilities::default(),
            login: None,
            numbering: Numbering::default(),
            retrieving: Retrieving::default(),
            heading: Heading::default(),
            last_sign: now,
            progress: Progress::new(now),
            patience: Patience::of(timeout),
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
        self.is_listed() && now - self.listed_at < FRESH && !self.used
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

#[cfg(test)]
mod tests {
    use super::super::engine::rig::Rig;
    use super::super::engine::script::{Reaction, Script};

    #[test]
    fn a_password_among_the_capabilities_is_not_shown() {
        let telling = Reaction::Say("+OK\r\nUIDL\r\nX-PASS tanstaaf\r\n.\r\n");
        let mut rig = Rig::new(Script::of(&[]).reacting("CAPA", &[telling]));
        assert_eq!(rig.connect(), Ok(()));
        let shown = rig.maildrop.status().link.capabilities.join(" ");
        assert!(
            shown.contains("UIDL") && !shown.contains("tanstaaf"),
            "{shown}"
        );
    }
}
