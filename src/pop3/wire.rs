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

#[cfg(test)]
mod tests {
    use super::super::play::{Client, plain};
    use super::super::sasl::{Account, ChannelBinding, Hash};
    use super::super::{Event, ResponseCode};
    use super::*;

    fn scram(secret: &Secret) -> Command<'_> {
        let login = "user";
        Command::Auth(Authentication::Scram {
            hash: Hash::Sha1,
            account: Account { login, secret },
            nonce: "fyko+d2lbbFgONRv9qkxdawL",
            binding: ChannelBinding::Unused,
        })
    }

    /// The server's first message in the example of RFC 5802 section 5.
    const SERVER_FIRST: &[u8] = b"+ cj1meWtvK2QybGJiRmdPTlJ2OXFreGRhd0wzcmZjTkhZSlkxWlZ2V1ZzN2oscz1RU1hDUitRNnNlazhiZjkyLGk9NDA5Ng==\r\n";

    #[test]
    fn the_response_goes_out_when_it_is_asked_for() {
        let password = Secret::new("x".repeat(250));
        let command = plain(&password);
        let mut client = Client::greeted();
        client.connection.send(&command, 1).unwrap();
        assert_eq!(client.connection.outgoing(), b"AUTH PLAIN\r\n");
        client.connection.sent(usize::MAX);
        client.feed(b"+ \r\n").unwrap();
        assert!(client.connection.outgoing().starts_with(b"AGFubgB4eHh4"));
        assert!(client.connection.outgoing().ends_with(b"\r\n"));
        assert_eq!(client.connection.in_flight(), 1);
    }

    #[test]
    fn what_takes_long_waits_for_its_time() {
        let password = Secret::new("pencil".to_owned());
        let mut client = Client::greeted();
        client.connection.send(&scram(&password), 1).unwrap();
        client.connection.sent(usize::MAX);
        client.feed(SERVER_FIRST).unwrap();
        assert_eq!(client.connection.outgoing(), b"");
        client.connection.think();
        assert!(client.connection.outgoing().starts_with(b"Yz1iaXdz"));
        let said = client.connection.outgoing().len();
        client.connection.think();
        assert_eq!(client.connection.outgoing().len(), said);
    }

    #[test]
    fn an_impostor_is_not_believed_however_it_consents() {
        let password = Secret::new("pencil".to_owned());
        for consent in ["+OK\r\n", "+ok welcome\r\n", " +\r\n"] {
            let mut client = Client::greeted();
            client.connection.send(&scram(&password), 1).unwrap();
            client.feed(SERVER_FIRST).unwrap();
            client.heard.clear();
            assert!(client.feed(consent.as_bytes()).is_err(), "{consent}");
            assert_eq!(client.heard, []);
        }
    }

    #[test]
    fn what_nobody_waits_for_is_not_said() {
        let password = Secret::new("pencil".to_owned());
        let mut client = Client::greeted();
        client.connection.send(&scram(&password), 1).unwrap();
        client.connection.sent(usize::MAX);
        client.feed(SERVER_FIRST).unwrap();
        client.feed(b"-ERR too late\r\n").unwrap();
        client.connection.think();
        assert_eq!(client.connection.outgoing(), b"");
    }

    #[test]
    fn apop_needs_a_timestamp_in_the_greeting() {
        let password = Secret::new("tanstaaf".to_owned());
        let (login, password) = ("mrose", &password);
        let apop = Command::Apop { login, password };
        let mut client = Client::greeted();
        assert_eq!(
            client.connection.send(&apop, 1),
            Err(CommandError::NoTimestamp)
        );
        let mut client = Client::new(&[]);
        client
            .feed(b"+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n")
            .unwrap();
        client.connection.send(&apop, 1).unwrap();
        assert_eq!(
            client.connection.outgoing(),
            b"APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n"
        );
    }

    #[test]
    fn a_repeated_password_is_not_shown() {
        let password = Secret::new("hunter2".to_owned());
        let mut client = Client::greeted();
        client
            .connection
            .send(&Command::Pass(&password), 1)
            .unwrap();
        let mut input = &b"-ERR [AUTH] bad command: PASS hunter2\r\n"[..];
        let Ok(Some(Event::End {
            reply: Some(reply), ..
        })) = client.connection.poll(&mut input)
        else {
            panic!("the reply should end the exchange");
        };
        assert_eq!(reply.code(), Some(ResponseCode::Auth));
        assert!(!format!("{reply:?}").contains("hunter2"));
        let error = client.feed(b"PASS hunter2?\r\n").unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }
}
