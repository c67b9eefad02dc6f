//! Logging in by SASL PLAIN.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::command::{MAX_COMMAND_LINE, check_sendable};
use super::{CommandError, ProtocolError, Secret};

/// The longest response, in octets. RFC 4954 section 4 has it for SMTP; POP3 names none.
const MAX_RESPONSE: usize = 12_288;

const INITIAL: &str = "AUTH PLAIN ";

/// The client's side of one AUTH PLAIN (RFC 5034 section 4, RFC 4616).
///
/// ```text
/// C: AUTH PLAIN AGFubgBwYXNz        where that fits in a line
/// S: +OK
///
/// C: AUTH PLAIN                     else
/// S: +                              +OK is taken for it too
/// C: AGFubgBwYXNz
/// S: +OK
/// ```
pub(super) struct Plain {
    /// In base 64.
    response: Secret,
    /// Whether it went with the command; a server that asks nevertheless gets it again.
    initial: bool,
    /// Whether the server has asked for it.
    asked: bool,
}

/// What a line of the server calls for.
pub(super) enum Turn {
    /// The response, on a line of its own.
    Respond,
    /// Nothing: the line is the reply.
    Over,
}

impl Plain {
    pub(super) fn new(login: &str, password: &Secret) -> Result<Self, CommandError> {
        check_sendable("login", login)?;
        check_sendable("password", password.expose())?;
        let response = response(login, password);
        let length = response.expose().len();
        if length > MAX_RESPONSE {
            return Err(CommandError::LineTooLong("AUTH", MAX_RESPONSE));
        }
        Ok(Self {
            initial: INITIAL.len() + length + "\r\n".len() <= MAX_COMMAND_LINE,
            response,
            asked: false,
        })
    }

    /// The parts of the command's line.
    pub(super) fn command(&self) -> [&str; 3] {
        if self.initial {
            [INITIAL, self.response.expose(), "\r\n"]
        } else {
            [INITIAL.trim_ascii_end(), "", "\r\n"]
        }
    }

    /// `[authzid] NUL authcid NUL passwd` (RFC 4616 section 2), in base 64.
    pub(super) fn response(&self) -> &Secret {
        &self.response
    }

    /// Takes in a line that the server sent.
    pub(super) fn hear(&mut self, line: &[u8]) -> Result<Turn, ProtocolError> {
        if !self.is_challenge(line) {
            return Ok(Turn::Over);
        }
        if self.asked {
            return Err(ProtocolError::UnexpectedChallenge);
        }
        self.asked = true;
        Ok(Turn::Respond)
    }

    /// Before the server has seen the response it can only have asked for it, whatever its words.
    fn is_challenge(&self, line: &[u8]) -> bool {
        let asks = line.starts_with(b"+");
        let unseen = !self.initial && !self.asked;
        let accepts = line
            .get(..3)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"+OK"));
        asks && (unseen || !accepts)
    }
}

/// Each buffer is made in its full size, so that no copy is left behind by growing.
fn response(login: &str, password: &Secret) -> Secret {
    let password = password.expose();
    let length = login.len() + password.len() + 2;
    let mut message = Zeroizing::new(Vec::with_capacity(length));
    for part in ["\0", login, "\0", password] {
        message.extend_from_slice(part.as_bytes());
    }
    Secret::new(STANDARD.encode(&*message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(login: &str, password: &str) -> Result<Plain, CommandError> {
        Plain::new(login, &Secret::new(password.to_owned()))
    }

    fn responds(plain: &mut Plain, line: &str) -> Option<String> {
        match plain.hear(line.as_bytes()).unwrap() {
            Turn::Respond => Some(plain.response().expose().to_owned()),
            Turn::Over => None,
        }
    }

    #[test]
    fn a_short_response_goes_with_the_command() {
        let mut plain = plain("tim", "tanstaaftanstaaf").unwrap();
        assert_eq!(
            plain.command().concat(),
            "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n"
        );
        assert_eq!(responds(&mut plain, "+OK welcome"), None);
    }

    #[test]
    fn a_long_response_waits_to_be_asked_for() {
        for challenge in ["+ ", "+", "+OK", "+ok go on"] {
            let mut plain = plain("tim", &"x".repeat(200)).unwrap();
            assert_eq!(plain.command().concat(), "AUTH PLAIN\r\n");
            assert!(responds(&mut plain, challenge).is_some(), "{challenge}");
            assert_eq!(responds(&mut plain, "+OK"), None);
        }
    }

    #[test]
    fn the_command_line_is_used_to_its_last_octet() {
        // 240 octets of base 64 stand for 180 octets, 2 of them NUL.
        let fits = plain("tim", &"x".repeat(175)).unwrap();
        assert_eq!(fits.command().concat().len(), 253);
        let longer = plain("tim", &"x".repeat(176)).unwrap();
        assert_eq!(longer.command().concat(), "AUTH PLAIN\r\n");
    }

    #[test]
    fn a_server_that_asks_again_is_answered_once() {
        let mut plain = plain("tim", "pass").unwrap();
        assert_eq!(responds(&mut plain, "+ "), Some("AHRpbQBwYXNz".to_owned()));
        assert!(matches!(
            plain.hear(b"+ "),
            Err(ProtocolError::UnexpectedChallenge)
        ));
    }

    #[test]
    fn a_refusal_ends_it() {
        let mut plain = plain("tim", &"x".repeat(200)).unwrap();
        assert_eq!(responds(&mut plain, "-ERR no"), None);
    }

    #[test]
    fn what_plain_cannot_carry_is_refused() {
        assert_eq!(
            plain("a\0b", "c").err(),
            Some(CommandError::Unsendable("login"))
        );
        assert_eq!(
            plain("a", "c\0").err(),
            Some(CommandError::Unsendable("password"))
        );
        assert_eq!(
            plain("a", &"x".repeat(20_000)).err(),
            Some(CommandError::LineTooLong("AUTH", MAX_RESPONSE))
        );
    }
}
