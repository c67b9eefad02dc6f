//! Both directions of a connection.

use super::confidential::Confidential;
use super::lines::LineBuffer;
use super::outgoing::Outgoing;
use super::sasl::Plain;
use super::{Command, CommandError, ProtocolError, Secret};

/// What exchanges are read from and written to.
#[derive(Default)]
pub(super) struct Wire {
    pub(super) lines: LineBuffer,
    pub(super) outgoing: Outgoing,
    /// What was sent and must not be shown when the server repeats it.
    pub(super) confidential: Confidential,
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
        login: &str,
        password: &Secret,
    ) -> Result<Plain, CommandError> {
        let plain = Plain::new(login, password)?;
        self.outgoing.append(&plain.command());
        self.confidential.add(password);
        self.confidential.add(plain.response());
        Ok(plain)
    }

    /// Quotes the first line of what came while no reply was due.
    pub(super) fn unexpected(&self, input: &[u8]) -> ProtocolError {
        let line = input.split(|octet| *octet == b'\n').next();
        let words = line.unwrap_or_default().trim_ascii_end();
        ProtocolError::UnexpectedOctets(self.confidential.printable(words))
    }
}
