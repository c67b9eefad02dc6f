//! Both directions of a connection.

use super::apop::Timestamp;
use super::command::{check_sendable, with_text};
use super::confidential::Confidential;
use super::lines::LineBuffer;
use super::outgoing::Outgoing;
use super::sasl::{Authentication, Dialogue, Work};
use super::unstuff::Dots;
use super::{Command, CommandError, ProtocolError, Secret};

/// A response that is no longer than this tells nothing, and may be part of many words.
const SHORT: usize = 4;

/// What exchanges are read from and written to.
#[derive(Default)]
pub(super) struct Wire {
    pub(super) lines: LineBuffer,
    pub(super) outgoing: Outgoing,
    /// What was sent and must not be shown when the server repeats it.
    pub(super) confidential: Confidential,
    /// A response that has to be made first.
    pub(super) work: Option<Work>,
    /// How the server sends lines that start with a dot.
    pub(super) dots: Dots,
    /// See [`Connection::bare_dots`](super::Connection::bare_dots).
    pub(super) bare_dots: Option<Dots>,
    /// What the greeting has for APOP.
    pub(super) timestamp: Option<Timestamp>,
}

impl Wire {
    pub(super) fn send_line(&mut self, command: &Command<'_>) -> Result<(), CommandError> {
        self.outgoing.append(&[&command.line()?]);
        if let Command::Pass(password) = command {
            self.confidential.add(password);
        }
        Ok(())
    }

    pub(super) fn send_auth(
        &mut self,
        authentication: &Authentication<'_>,
    ) -> Result<Dialogue, CommandError> {
        let dialogue = Dialogue::new(authentication)?;
        self.outgoing.append(&[dialogue.command().expose(), "\r\n"]);
        if let Some(secret) = authentication.secret() {
            self.confidential.add(secret);
            self.conceal(&Secret::base64(secret.expose().as_bytes()));
        }
        if let Some(first) = dialogue.with_command() {
            self.conceal(first);
        }
        Ok(dialogue)
    }

    /// Sends what a challenge was answered by.
    pub(super) fn send_response(&mut self, response: &Secret) {
        self.outgoing.append(&[response.expose(), "\r\n"]);
        self.conceal(response);
    }

    /// Makes the response that is owed, if one is.
    pub(super) fn do_work(&mut self) {
        if let Some(work) = self.work.take() {
            self.send_response(&work());
        }
    }

    fn conceal(&mut self, response: &Secret) {
        if response.expose().len() > SHORT {
            self.confidential.add(response);
        }
    }

    pub(super) fn send_apop(&mut self, login: &str, password: &Secret) -> Result<(), CommandError> {
        let timestamp = self.timestamp.as_ref().ok_or(CommandError::NoTimestamp)?;
        check_sendable("login", login)?;
        check_sendable("password", password.expose())?;
        let digest = timestamp.digest(password);
        let line = with_text("APOP", "login", &format!("{login} {digest}"))?;
        self.outgoing.append(&[&line]);
        self.confidential.add(password);
        Ok(())
    }

    /// Quotes the first line of what came while no reply was due.
    pub(super) fn unexpected(&self, input: &[u8]) -> ProtocolError {
        let line = input.split(|octet| *octet == b'\n').next();
        let words = line.unwrap_or_default().trim_ascii_end();
        ProtocolError::UnexpectedOctets(self.confidential.printable(words))
    }
}
