//! An exchange on the wire: the profile of SASL for POP3 (RFC 5034 section 4).

use super::client::{Challenge, Client, Response, Work};
use super::{Authentication, Mechanism, SaslError};
use crate::pop3::command::MAX_COMMAND_LINE;
use crate::pop3::{CommandError, Reply, Secret};

/// The longest response, in octets. RFC 4954 section 4 has it for SMTP; POP3 names none.
const MAX_RESPONSE: usize = 12_288;

/// What gives the exchange up, in place of a response.
const CANCEL: &str = "*";

/// What stands for an empty response where one goes with the command.
const EMPTY: &str = "=";

/// The client's side of one AUTH.
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
pub(in crate::pop3) struct Dialogue {
    mechanism: Mechanism,
    client: Box<dyn Client>,
    /// The first response, in base 64; kept until the server has asked for more, as one that asks
    /// for nothing in particular has not taken it from the command.
    first: Option<Secret>,
    /// Whether it goes with the command.
    with_command: bool,
    /// Whether the server has had any response.
    answered: bool,
    /// Why the client has given up.
    cancelled: Option<SaslError>,
}

/// What a line of the server calls for.
pub(in crate::pop3) enum Turn {
    /// This line.
    Say(Secret),
    /// A line that has to be made first.
    Work(Work),
    /// Nothing: the line is the reply.
    Over,
}

impl Dialogue {
    pub(in crate::pop3) fn new(authentication: &Authentication<'_>) -> Result<Self, CommandError> {
        let mut client = authentication.client()?;
        let first = client.first().map(|first| encoded(&first));
        let length = first.as_ref().map_or(0, |first| first.expose().len());
        if length > MAX_RESPONSE {
            return Err(CommandError::LineTooLong("AUTH", MAX_RESPONSE));
        }
        let mechanism = authentication.mechanism();
        let line = ["AUTH ", mechanism.name(), " ", "\r\n"].concat().len() + length;
        let with_command = first.is_some() && client.may_speak_first() && line <= MAX_COMMAND_LINE;
        Ok(Self {
            mechanism,
            client,
            first,
            with_command,
            answered: with_command,
            cancelled: None,
        })
    }

    /// The response that goes with the command, in base 64.
    pub(in crate::pop3) fn with_command(&self) -> Option<&Secret> {
        self.first.as_ref().filter(|_| self.with_command)
    }

    /// The command's line, without its end.
    pub(in crate::pop3) fn command(&self) -> Secret {
        match self.with_command().map(Secret::expose) {
            None => Secret::concat(&["AUTH ", self.mechanism.name()]),
            Some("") => Secret::concat(&["AUTH ", self.mechanism.name(), " ", EMPTY]),
            Some(first) => Secret::concat(&["AUTH ", self.mechanism.name(), " ", first]),
        }
    }

    /// Takes in a line that the server sent.
    ///
    /// # Errors
    ///
    /// Why the client gave up, once the server has heard of it.
    pub(in crate::pop3) fn hear(&mut self, line: &[u8]) -> Result<Turn, SaslError> {
        if let Some(error) = self.cancelled {
            return Err(error);
        }
        if let Some(challenge) = self.challenge(line) {
            return Ok(self.answer(challenge));
        }
        Ok(Turn::Over)
    }

    /// Takes in the reply.
    ///
    /// # Errors
    ///
    /// The server consents, however it says so, and has not proved what it must.
    pub(in crate::pop3) fn judge(&self, reply: &Reply) -> Result<(), SaslError> {
        if reply.is_ok() && !self.client.is_content() {
            return Err(SaslError::Impostor);
        }
        Ok(())
    }

    /// What the server said of a failure before it refused.
    pub(in crate::pop3) fn complaint(&self) -> Option<&[u8]> {
        self.client.complaint()
    }

    /// Before the server has had a response it can only have asked for one, whatever its words.
    fn challenge<'l>(&self, line: &'l [u8]) -> Option<&'l [u8]> {
        let asked = line.strip_prefix(b"+")?;
        if !is_consent(line) {
            return Some(asked.trim_ascii());
        }
        let asked = asked.get("OK".len()..).unwrap_or_default();
        (!self.answered).then_some(asked.trim_ascii())
    }

    fn answer(&mut self, challenge: &[u8]) -> Turn {
        let asked_again = challenge.is_empty() && self.with_command;
        let first = self.first.take();
        if let Some(first) = first.filter(|_| !self.answered || asked_again) {
            self.answered = true;
            return Turn::Say(first);
        }
        self.answered = true;
        match self.client.respond(Challenge(challenge)) {
            Ok(Response::Ready(response)) => Turn::Say(encoded(&response)),
            Ok(Response::Worked(work)) => Turn::Work(Box::new(|| encoded(&work()))),
            Err(error) => {
                self.cancelled = Some(error);
                Turn::Say(Secret::concat(&[CANCEL]))
            }
        }
    }
}

fn is_consent(line: &[u8]) -> bool {
    let start = line.get(..b"+OK".len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(b"+OK"))
}

fn encoded(response: &Secret) -> Secret {
    Secret::base64(response.expose().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::client::testing::secret;
    use super::super::{Account, ChannelBinding, Hash};
    use super::*;
    use crate::pop3::confidential::Confidential;

    fn dialogue(authentication: Authentication<'_>) -> Dialogue {
        Dialogue::new(&authentication).unwrap()
    }

    fn plain(login: &str, password: &str) -> Result<Dialogue, CommandError> {
        let secret = &secret(password);
        Dialogue::new(&Authentication::Plain(Account { login, secret }))
    }

    fn command(dialogue: &Dialogue) -> String {
        dialogue.command().expose().to_owned()
    }

    /// What is said to a line; nothing where the line is the reply.
    fn says(dialogue: &mut Dialogue, line: &str) -> Option<String> {
        match dialogue.hear(line.as_bytes()).unwrap() {
            Turn::Say(line) => Some(line.expose().to_owned()),
            Turn::Work(work) => Some(work().expose().to_owned()),
            Turn::Over => None,
        }
    }

    fn fault(dialogue: &mut Dialogue, line: &str) -> SaslError {
        dialogue.hear(line.as_bytes()).err().unwrap()
    }

    fn judged(dialogue: &Dialogue, line: &str) -> Result<(), SaslError> {
        let reply = Reply::parse(line.as_bytes(), &Confidential::default());
        dialogue.judge(&reply.unwrap())
    }

    #[test]
    fn a_short_response_goes_with_the_command() {
        let mut plain = plain("tim", "tanstaaftanstaaf").unwrap();
        assert_eq!(command(&plain), "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm");
        assert_eq!(says(&mut plain, "+OK welcome"), None);
    }

    #[test]
    fn a_long_response_waits_to_be_asked_for() {
        for challenge in ["+ ", "+", "+OK", "+ok go on"] {
            let mut plain = plain("tim", &"x".repeat(200)).unwrap();
            assert_eq!(command(&plain), "AUTH PLAIN");
            assert!(says(&mut plain, challenge).is_some(), "{challenge}");
            assert_eq!(says(&mut plain, "+OK"), None);
        }
    }

    #[test]
    fn the_command_line_is_used_to_its_last_octet() {
        // 240 octets of base 64 stand for 180 octets, 2 of them NUL.
        let fits = plain("tim", &"x".repeat(175)).unwrap();
        assert_eq!(command(&fits).len(), 251);
        let longer = plain("tim", &"x".repeat(176)).unwrap();
        assert_eq!(command(&longer), "AUTH PLAIN");
    }

    #[test]
    fn a_server_that_asks_again_is_answered_once() {
        let mut plain = plain("tim", "pass").unwrap();
        assert_eq!(says(&mut plain, "+ "), Some("AHRpbQBwYXNz".to_owned()));
        assert_eq!(says(&mut plain, "+ "), Some(CANCEL.to_owned()));
        assert_eq!(fault(&mut plain, "-ERR cancelled"), SaslError::OutOfTurn);
    }

    #[test]
    fn a_refusal_ends_it() {
        let mut plain = plain("tim", &"x".repeat(200)).unwrap();
        assert_eq!(says(&mut plain, "-ERR no"), None);
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

    #[test]
    fn an_empty_response_with_the_command_is_written_so_that_it_is_seen() {
        let external = dialogue(Authentication::External { login: "" });
        assert_eq!(command(&external), "AUTH EXTERNAL =");
        let external = dialogue(Authentication::External { login: "ann" });
        assert_eq!(command(&external), "AUTH EXTERNAL YW5u");
    }

    #[test]
    fn a_token_waits_to_be_asked_for_and_a_complaint_is_answered() {
        let (login, secret) = ("ann", &secret("t"));
        let mut xoauth2 = dialogue(Authentication::XOAuth2(Account { login, secret }));
        assert_eq!(command(&xoauth2), "AUTH XOAUTH2");
        let response = "dXNlcj1hbm4BYXV0aD1CZWFyZXIgdAEB";
        assert_eq!(says(&mut xoauth2, "+ "), Some(response.to_owned()));
        assert_eq!(
            says(&mut xoauth2, "+ eyJzdGF0dXMiOiI0MDAifQ=="),
            Some(String::new())
        );
        assert_eq!(says(&mut xoauth2, "-ERR no"), None);
        assert_eq!(xoauth2.complaint(), Some(&br#"{"status":"400"}"#[..]));
    }

    #[test]
    fn a_server_that_speaks_first_may_begin_with_ok() {
        let (login, secret) = ("ann", &secret("pass"));
        for prompt in ["+ VXNlcm5hbWU6", "+OK VXNlcm5hbWU6", "+OK"] {
            let mut client = dialogue(Authentication::Login(Account { login, secret }));
            assert_eq!(command(&client), "AUTH LOGIN");
            assert_eq!(says(&mut client, prompt), Some("YW5u".to_owned()));
            assert_eq!(
                says(&mut client, "+ UGFzc3dvcmQ6"),
                Some("cGFzcw==".to_owned())
            );
            assert_eq!(says(&mut client, "+OK"), None);
        }
    }

    fn scram() -> Dialogue {
        let (login, secret) = ("user", &secret("pencil"));
        dialogue(Authentication::Scram {
            hash: Hash::Sha1,
            account: Account { login, secret },
            nonce: "fyko+d2lbbFgONRv9qkxdawL",
            binding: ChannelBinding::Unused,
        })
    }

    const SERVER_FIRST: &str = "+ cj1meWtvK2QybGJiRmdPTlJ2OXFreGRhd0wzcmZjTkhZSlkxWlZ2V1ZzN2oscz1RU1hDUitRNnNlazhiZjkyLGk9NDA5Ng==";

    #[test]
    fn the_server_must_prove_itself_before_its_consent_counts() {
        let mut scram = scram();
        assert!(command(&scram).starts_with("AUTH SCRAM-SHA-1 biwsbj11c2Vy"));
        assert!(says(&mut scram, SERVER_FIRST).is_some());
        for consent in ["+OK welcome", "+ok", "+OK"] {
            assert_eq!(says(&mut scram, consent), None);
            assert_eq!(judged(&scram, consent), Err(SaslError::Impostor));
        }
        assert_eq!(judged(&scram, "-ERR no"), Ok(()));
    }

    #[test]
    fn a_server_that_cannot_wait_for_the_proof_is_not_believed() {
        let mut scram = scram();
        assert!(matches!(
            scram.hear(SERVER_FIRST.as_bytes()),
            Ok(Turn::Work(_))
        ));
        let proof = "+ dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9";
        assert_eq!(says(&mut scram, proof), Some(CANCEL.to_owned()));
        assert_eq!(fault(&mut scram, "+OK"), SaslError::Impostor);
    }

    #[test]
    fn a_proof_is_answered_by_an_empty_line() {
        let mut scram = scram();
        says(&mut scram, SERVER_FIRST);
        let proof = "+ dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9";
        assert_eq!(says(&mut scram, proof), Some(String::new()));
        assert_eq!(says(&mut scram, "+OK"), None);
        assert_eq!(judged(&scram, "+OK"), Ok(()));
    }

    #[test]
    fn what_makes_no_sense_is_given_up() {
        for challenge in ["+ !!!", "+ AAAA", "+ ", "+"] {
            let mut scram = scram();
            scram.first = None;
            assert_eq!(says(&mut scram, challenge), Some(CANCEL.to_owned()));
            assert_eq!(fault(&mut scram, "-ERR"), SaslError::Malformed);
        }
    }
}
