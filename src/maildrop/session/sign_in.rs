//! From the greeting through the login to the [inquiry](super::inquiry).
//!
//! Login, STLS and AUTH are never pipelined: some servers lose what follows them in the same
//! segment.

use crate::net::Security;
use crate::pop3::{Capabilities, Command, Connection, Dots, Reply};

use super::inquiry::Inquiry;
use super::log_in::LogIn;
use super::{Channel, Exchange, Happening, Listing, SessionError};

/// How the server is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Manner {
    /// What it can do; otherwise nothing is known of that.
    pub capa: bool,
    /// Several questions at once, where it announces PIPELINING.
    pub pipelining: bool,
    /// What to make of lines of messages that start with a dot.
    pub dots: Dots,
}

/// A session on its way to its listing.
pub(in super::super) struct SignIn {
    security: Security,
    encrypted: bool,
    log_in: LogIn,
    manner: Manner,
    inquiry: Inquiry,
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
    pub fn new(security: Security, log_in: LogIn, manner: Manner, inquiry: Inquiry) -> Self {
        Self {
            security,
            encrypted: security == Security::ImplicitTls,
            log_in,
            manner,
            inquiry,
        }
    }

    /// How the login is done, for people.
    pub(super) fn login(&self) -> Option<String> {
        self.log_in.words()
    }

    /// The link is in TLS from now on.
    pub(super) fn tls_started(&mut self, channel: Channel) {
        self.encrypted = true;
        self.log_in.channel = channel;
    }

    /// How the server is to be asked.
    pub(super) fn manner(&self) -> Manner {
        self.manner
    }

    /// Takes a line of a listing.
    pub(super) fn line(&mut self, exchange: Exchange, line: &[u8]) -> Result<(), SessionError> {
        self.inquiry.line(exchange, line)
    }

    /// A reply is complete; sends what follows.
    pub(super) fn ended(
        &mut self,
        exchange: Exchange,
        reply: Option<Reply>,
        capabilities: &Capabilities,
        connection: &mut Connection<Exchange>,
    ) -> Result<Outcome, SessionError> {
        match (exchange, reply) {
            (Exchange::Capa, _) => self.introduced(capabilities, connection),
            (Exchange::Lang, _) => self.get_ready(capabilities, connection),
            (Exchange::Utf8, _) => self.log_in(capabilities, connection),
            (Exchange::OwnCapa | Exchange::Stat | Exchange::Uidl | Exchange::List, reply) => self
                .inquiry
                .answered(exchange, reply, capabilities, connection),
            (during, Some(reply)) if !reply.is_ok() => {
                Ok(Outcome::Happened(Happening::Refused { during, reply }))
            }
            (exchange, _) => self.accepted(exchange, capabilities, connection),
        }
    }

    /// The server has taken what a session cannot do without.
    fn accepted(
        &mut self,
        exchange: Exchange,
        capabilities: &Capabilities,
        connection: &mut Connection<Exchange>,
    ) -> Result<Outcome, SessionError> {
        match exchange {
            Exchange::Greeting => return self.introduce(capabilities, connection),
            Exchange::Stls => return Ok(Outcome::Happened(Happening::StartTls)),
            Exchange::User => self.log_in.pass(connection)?,
            Exchange::Auth(_) | Exchange::Apop | Exchange::Pass => {
                self.inquiry.begin(capabilities, connection)?;
            }
            _ => {}
        }
        Ok(Outcome::GoesOn)
    }

    /// Asks what the server can do, where it is to be asked.
    pub(super) fn introduce(
        &mut self,
        capabilities: &Capabilities,
        connection: &mut Connection<Exchange>,
    ) -> Result<Outcome, SessionError> {
        if !self.manner.capa {
            return self.introduced(capabilities, connection);
        }
        connection.send(&Command::Capa, Exchange::Capa)?;
        Ok(Outcome::GoesOn)
    }

    /// CAPA has been answered, or refused by a server that has none.
    fn introduced(
        &mut self,
        capabilities: &Capabilities,
        connection: &mut Connection<Exchange>,
    ) -> Result<Outcome, SessionError> {
        if self.security == Security::StartTls && !self.encrypted {
            if self.manner.capa && !capabilities.stls() {
                return Ok(Outcome::Happened(Happening::NoStartTls));
            }
            connection.send(&Command::Stls, Exchange::Stls)?;
            return Ok(Outcome::GoesOn);
        }
        self.get_ready(capabilities, connection)
    }

    /// Settles in what language and character set to speak. Either may be refused.
    fn get_ready(
        &mut self,
        capabilities: &Capabilities,
        connection: &mut Connection<Exchange>,
    ) -> Result<Outcome, SessionError> {
        let language = self.log_in.language.take();
        if let Some(tag) = language.filter(|_| capabilities.lang()) {
            connection.send(&Command::Lang(&tag), Exchange::Lang)?;
        } else if capabilities.utf8() {
            // Without it Courier replaces messages with 8-bit headers by others (RFC 6856 section 2).
            connection.send(&Command::Utf8, Exchange::Utf8)?;
        } else {
            return self.log_in(capabilities, connection);
        }
        Ok(Outcome::GoesOn)
    }

    fn log_in(
        &mut self,
        capabilities: &Capabilities,
        connection: &mut Connection<Exchange>,
    ) -> Result<Outcome, SessionError> {
        let begun = self
            .log_in
            .begin(self.encrypted, capabilities, connection)?;
        Ok(match begun {
            Ok(()) => Outcome::GoesOn,
            Err(none) => Outcome::Happened(Happening::NoMethod(none)),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::engine::Order;
    use super::super::super::engine::rig::{Rig, kind, settings};
    use super::super::super::engine::script::{Reaction, Script};
    use super::super::super::error::{Error, OutageKind};
    use super::super::super::handle::Maildrop;
    use super::super::super::settings::Settings;
    use super::super::Method;
    use super::*;
    use crate::pop3::sasl::Mechanism;

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")])
    }

    fn sign_in(script: Script) -> (Result<(), Error>, Rig) {
        sign_in_with(settings(), script)
    }

    fn sign_in_over(security: Security, script: Script) -> (Result<(), Error>, Rig) {
        let settings = Settings {
            security,
            ..settings()
        };
        sign_in_with(settings, script)
    }

    fn sign_in_by(method: Method, script: Script) -> (Result<(), Error>, Rig) {
        let settings = Settings {
            method: Some(method),
            ..settings()
        };
        sign_in_with(settings, script)
    }

    fn sign_in_with(settings: Settings, script: Script) -> (Result<(), Error>, Rig) {
        let mut rig = Rig::with(settings, script, Vec::new());
        (rig.connect(), rig)
    }

    #[test]
    fn sasl_plain_where_it_is_announced() {
        let (result, rig) = sign_in(mailbox().announcing(&["SASL LOGIN PLAIN"]));
        assert_eq!(result, Ok(()));
        let commands = [
            "CAPA",
            "AUTH PLAIN AGFubgB0YW5zdGFhZg==",
            "STAT",
            "UIDL",
            "LIST",
        ];
        assert_eq!(rig.script.heard, commands);
    }

    #[test]
    fn user_and_pass_where_sasl_is_not_or_there_is_no_capa() {
        for capabilities in [&[][..], &["USER"], &["SASL GSSAPI", "USER"]] {
            let (result, rig) = sign_in(mailbox().announcing(capabilities));
            assert_eq!(result, Ok(()));
            let commands = ["CAPA", "USER ann", "PASS tanstaaf", "STAT", "UIDL", "LIST"];
            assert_eq!(rig.script.heard, commands);
        }
    }

    #[test]
    fn the_way_that_is_asked_for_is_taken() {
        let user = sign_in_by(Method::UserPass, mailbox().announcing(&["SASL PLAIN"]));
        assert_eq!(user.1.script.heard[1..3], ["USER ann", "PASS tanstaaf"]);
        let login = user.1.maildrop.status().link.login;
        assert_eq!(login.as_deref(), Some("USER and PASS in clear"));
        let timestamp = Reaction::Say("+OK <1896.697170952@dbc.mtview.ca.us>\r\n");
        let apop = sign_in_by(Method::Apop, mailbox().reacting("", &[timestamp]));
        let digest = "APOP ann c4c9334bac560ecc979e58001b3e22fb";
        assert_eq!((apop.0, &*apop.1.script.heard[1]), (Ok(()), digest));
    }

    #[test]
    fn nothing_is_sent_where_there_is_no_way() {
        let scram = Method::Sasl(Mechanism::ScramSha1);
        let asked_for = [
            (scram, &["SASL PLAIN", "USER"][..]),
            (Method::Sasl(Mechanism::ScramSha256Plus), &[]),
            (Method::Apop, &["USER"]),
        ];
        for (method, capabilities) in asked_for {
            let (result, rig) = sign_in_by(method, mailbox().announcing(capabilities));
            assert_eq!(kind(result), Some(OutageKind::Unreachable), "{method}");
            assert_eq!(rig.script.heard, ["CAPA"]);
        }
    }

    #[test]
    fn a_server_that_cannot_prove_itself_is_not_believed_and_not_asked_again() {
        let script = mailbox().announcing(&["SASL SCRAM-SHA-256", "USER"]);
        let (result, mut rig) = sign_in(script);
        assert_eq!(kind(result), Some(OutageKind::Protocol));
        assert_eq!(kind(rig.connect()), Some(OutageKind::Protocol));
        assert_eq!((rig.script.sessions, rig.script.count("STAT")), (1, 0));
    }

    #[test]
    fn a_refusal_tells_what_was_tried() {
        let script = mailbox().announcing(&["SASL CRAM-MD5"]);
        let challenge = Reaction::Say("+ PDFAYj4=\r\n");
        let refusal = Reaction::Say("-ERR [AUTH] no\r\n");
        let script = script
            .reacting("AUTH", &[challenge])
            .reacting("YW5u", &[refusal]);
        let (result, rig) = sign_in(script);
        let words = result.unwrap_err().to_string();
        assert!(
            words.contains("CRAM-MD5") && words.contains("[AUTH] no"),
            "{words}"
        );
        assert_eq!(rig.script.count("USER"), 0);
    }

    #[test]
    fn utf8_goes_before_the_login_and_may_be_refused() {
        for reaction in [Reaction::Honest, Reaction::Say("-ERR no\r\n")] {
            let script = mailbox()
                .announcing(&["UTF8 USER"])
                .reacting("UTF8", &[reaction]);
            let (result, rig) = sign_in(script);
            assert_eq!(result, Ok(()));
            assert_eq!(rig.script.heard[..3], ["CAPA", "UTF8", "USER ann"]);
        }
    }

    #[test]
    fn the_language_is_settled_before_the_login_and_may_be_refused() {
        let german = || Settings {
            language: Some("de".to_owned()),
            ..settings()
        };
        for reaction in [Reaction::Honest, Reaction::Say("-ERR no\r\n")] {
            let script = mailbox()
                .announcing(&["LANG", "UTF8"])
                .reacting("LANG", &[reaction]);
            let (result, rig) = sign_in_with(german(), script);
            assert_eq!(result, Ok(()));
            let commands = ["CAPA", "LANG de", "UTF8", "USER ann"];
            assert_eq!(rig.script.heard[..4], commands);
        }
        let (_, rig) = sign_in_with(german(), mailbox());
        assert_eq!(rig.script.count("LANG"), 0);
    }

    #[test]
    fn no_password_goes_out_where_stls_is_missing_or_refused() {
        let (result, rig) = sign_in_over(Security::StartTls, mailbox().announcing(&["USER"]));
        assert_eq!(kind(result), Some(OutageKind::Unreachable));
        assert_eq!(rig.script.heard, ["CAPA"]);
        let script = mailbox().announcing(&["STLS", "SASL PLAIN"]);
        let refusing = script.reacting("STLS", &[Reaction::Say("-ERR not now\r\n")]);
        let (result, rig) = sign_in_over(Security::StartTls, refusing);
        assert_eq!(kind(result), Some(OutageKind::Tls));
        assert_eq!(rig.script.heard, ["CAPA", "STLS"]);
    }

    #[test]
    fn what_was_announced_in_clear_is_asked_again_within_tls() {
        let in_clear = Reaction::Say("+OK\r\nSTLS\r\nSASL PLAIN\r\nPIPELINING\r\n.\r\n");
        let (result, rig) =
            sign_in_over(Security::StartTls, mailbox().reacting("CAPA", &[in_clear]));
        assert_eq!(result, Ok(()));
        assert_eq!(rig.script.heard[..4], ["CAPA", "STLS", "CAPA", "USER ann"]);
        assert!(rig.script.bursts.iter().all(|burst| burst.len() == 1));
        assert_eq!(rig.ordered, [Order::Connect, Order::StartTls]);
    }

    #[test]
    fn implicit_tls_needs_no_stls() {
        let (result, rig) = sign_in_over(Security::ImplicitTls, mailbox().announcing(&["STLS"]));
        assert_eq!(result, Ok(()));
        assert_eq!(rig.script.count("STLS"), 0);
    }

    #[test]
    fn octets_behind_the_answer_to_stls_end_it() {
        let injected = Reaction::Say("+OK\r\n+OK injected\r\n");
        let script = mailbox()
            .announcing(&["STLS"])
            .reacting("STLS", &[injected]);
        let (result, rig) = sign_in_over(Security::StartTls, script);
        assert!(result.is_err());
        assert!(!rig.ordered.contains(&Order::StartTls));
    }

    #[test]
    fn a_server_that_hangs_up_on_capa_is_never_asked_again() {
        for end in [Reaction::HangUp, Reaction::Say("what?\r\n")] {
            let (result, mut rig) = sign_in(mailbox().reacting("CAPA", &[end.clone(), end]));
            assert_eq!(result, Ok(()));
            rig.cut();
            assert_eq!(rig.connect(), Ok(()));
            assert_eq!((rig.script.sessions, rig.script.count("CAPA")), (4, 2));
        }
    }

    #[test]
    fn a_server_that_thinks_for_ever_about_capa_is_not_waited_for() {
        let silence = [Reaction::Silence, Reaction::Silence];
        let mut rig = Rig::new(mailbox().reacting("CAPA", &silence));
        let reply = rig.ask(Maildrop::connect);
        rig.pass(Duration::from_secs(20));
        assert_eq!(reply.given(), Some(Ok(())));
    }

    #[test]
    fn stls_needs_no_capa() {
        let script = mailbox().reacting("CAPA", &[Reaction::HangUp, Reaction::HangUp]);
        let (result, rig) = sign_in_over(Security::StartTls, script);
        assert_eq!(result, Ok(()));
        assert_eq!(rig.script.heard[2..4], ["STLS", "USER ann"]);
    }
}
