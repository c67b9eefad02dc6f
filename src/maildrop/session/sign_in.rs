//! From the greeting to a complete listing.
//!
//! Login, STLS and AUTH are never pipelined: some servers lose what follows them in the same
//! segment. What a listing needs goes out in one write where PIPELINING is announced.

use std::collections::VecDeque;

use crate::net::Security;
use crate::pop3::{
    Capabilities, Command, CommandError, Connection, Dots, Reply, listing::drop_listing,
};

use super::log_in::LogIn;
use super::{Channel, Exchange, Happening, Listing, Refusal, SessionError};

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
    /// Whether messages are known by their unique-ids, and would be lost without.
    unique_ids_matter: bool,
    manner: Manner,
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
    pub fn new(security: Security, log_in: LogIn, unique_ids_matter: bool, manner: Manner) -> Self {
        Self {
            security,
            encrypted: security == Security::ImplicitTls,
            log_in,
            unique_ids_matter,
            manner,
            questions: VecDeque::from([Exchange::Stat, Exchange::Uidl, Exchange::List]),
            count: None,
            no_unique_ids: None,
            listing: Listing::default(),
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
            (Exchange::Lang, _) => return self.get_ready(capabilities, connection),
            (Exchange::Utf8, _) => return self.log_in(capabilities, connection),
            (Exchange::OwnCapa | Exchange::Stat | Exchange::Uidl | Exchange::List, reply) => {
                return self.answered(exchange, reply, capabilities, connection);
            }
            (during, Some(reply)) if refused => {
                return Ok(Outcome::Happened(Happening::Refused { during, reply }));
            }
            (Exchange::Greeting, _) => return self.introduce(capabilities, connection),
            (Exchange::Stls, _) => return Ok(Outcome::Happened(Happening::StartTls)),
            (Exchange::User, _) => self.log_in.pass(connection)?,
            (Exchange::Auth(_) | Exchange::Apop | Exchange::Pass, _) => {
                if capabilities.differs_by_login() {
                    self.questions.push_front(Exchange::OwnCapa);
                }
                self.ask(capabilities, connection)?;
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

    /// Asks the next question, or all where the server takes them at once.
    fn ask(
        &mut self,
        capabilities: &Capabilities,
        connection: &mut Connection<Exchange>,
    ) -> Result<(), CommandError> {
        while let Some(question) = self.questions.pop_front() {
            let command = match question {
                Exchange::OwnCapa => Command::Capa,
                Exchange::Stat => Command::Stat,
                Exchange::Uidl => Command::Uidl,
                _ => Command::List,
            };
            connection.send(&command, question)?;
            if !(self.manner.pipelining && capabilities.pipelining()) {
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
            Exchange::OwnCapa => {}
            Exchange::Stat => self.count = reply.filter(Reply::is_ok).as_ref().and_then(count),
            Exchange::Uidl => self.no_unique_ids = reply,
            _ => return Ok(self.conclude(reply, capabilities)),
        }
        self.ask(capabilities, connection)?;
        Ok(Outcome::GoesOn)
    }

    /// All questions have been asked; LIST may have been refused.
    ///
    /// Where messages had unique-ids, or the server announces them, a listing without them is not
    /// taken: every message would pass for another, and all marks would be void.
    fn conclude(&mut self, no_sizes: Option<Reply>, capabilities: &Capabilities) -> Outcome {
        let matters = |reply: &Reply| {
            self.unique_ids_matter
                || capabilities.uidl()
                || Refusal::of(reply) != Refusal::Unexplained
        };
        let no_unique_ids = self.no_unique_ids.take().filter(matters);
        let listing = std::mem::take(&mut self.listing);
        let is_empty = self.count == Some(0) && listing.is_empty();
        let refused = |during, reply| Outcome::Happened(Happening::Refused { during, reply });
        match (no_sizes, no_unique_ids) {
            (Some(reply), _) if !is_empty => refused(Exchange::List, reply),
            (None, Some(reply)) if !listing.is_empty() => refused(Exchange::Uidl, reply),
            _ => Outcome::Listed(listing),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::engine::Order;
    use super::super::super::engine::rig::{Rig, settings};
    use super::super::super::engine::script::{Reaction, Script};
    use super::super::super::error::{Error, OutageKind};
    use super::super::super::handle::Maildrop;
    use super::super::super::terms::Terms;
    use super::*;
    use crate::maildrop::session::Method;
    use crate::pop3::sasl::Mechanism;

    /// What STAT says of an empty maildrop.
    const NONE: &str = "+OK 0 0\r\n";

    /// A server that is asked one question at a time, and one that is asked all at once.
    const ANNOUNCED: [&[&str]; 2] = [&["UIDL"], &["UIDL", "PIPELINING"]];

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")])
    }

    fn sign_in(script: Script) -> (Result<(), Error>, Rig) {
        sign_in_over(Security::Cleartext, script)
    }

    fn sign_in_over(security: Security, script: Script) -> (Result<(), Error>, Rig) {
        let settings = crate::maildrop::Settings {
            security,
            ..settings()
        };
        let mut rig = Rig::with(settings, script, Vec::new());
        (rig.connect(), rig)
    }

    fn kind(result: Result<(), Error>) -> Option<OutageKind> {
        match result {
            Err(Error::Offline(outage)) => Some(outage.kind),
            _ => None,
        }
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

    fn sign_in_by(method: Method, script: Script) -> (Result<(), Error>, Rig) {
        let settings = crate::maildrop::Settings {
            method: Some(method),
            ..settings()
        };
        let mut rig = Rig::with(settings, script, Vec::new());
        (rig.connect(), rig)
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
        let german = || crate::maildrop::Settings {
            language: Some("de".to_owned()),
            ..settings()
        };
        for reaction in [Reaction::Honest, Reaction::Say("-ERR no\r\n")] {
            let script = mailbox()
                .announcing(&["LANG", "UTF8"])
                .reacting("LANG", &[reaction]);
            let mut rig = Rig::with(german(), script, Vec::new());
            assert_eq!(rig.connect(), Ok(()));
            let commands = ["CAPA", "LANG de", "UTF8", "USER ann"];
            assert_eq!(rig.script.heard[..4], commands);
        }
        let mut rig = Rig::with(german(), mailbox(), Vec::new());
        rig.connect().unwrap();
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
    fn the_listing_is_asked_for_at_once_where_the_server_takes_it() {
        let (result, rig) = sign_in(mailbox().announcing(&["PIPELINING", "USER"]));
        assert_eq!(result, Ok(()));
        assert_eq!(rig.script.bursts.last().unwrap(), &["STAT", "UIDL", "LIST"]);
        assert_eq!(rig.maildrop.totals().messages, 2);
    }

    #[test]
    fn a_server_that_hangs_up_on_a_burst_is_asked_one_by_one_in_the_next_session() {
        let script = mailbox().announcing(&["PIPELINING"]);
        let (result, rig) = sign_in(script.reacting("STAT", &[Reaction::HangUp]));
        assert_eq!(result, Ok(()));
        assert_eq!(rig.script.sessions, 2);
        let again = &rig.script.bursts[rig.script.bursts.len() - 3..];
        assert_eq!(again, [["STAT"], ["UIDL"], ["LIST"]]);
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

    #[test]
    fn an_empty_maildrop_may_refuse_every_question() {
        let no = || [Reaction::Say("-ERR nothing there\r\n")];
        for capabilities in ANNOUNCED {
            let script = Script::of(&[]).announcing(capabilities);
            let (result, rig) = sign_in(script.reacting("UIDL", &no()).reacting("LIST", &no()));
            assert_eq!(result, Ok(()), "{capabilities:?}");
            assert_eq!(rig.maildrop.totals().messages, 0);
        }
    }

    #[test]
    fn stat_decides_nothing() {
        for words in ["-ERR no\r\n", "+OK\r\n", NONE] {
            for capabilities in ANNOUNCED {
                let script = mailbox().announcing(capabilities);
                let (result, rig) = sign_in(script.reacting("STAT", &[Reaction::Say(words)]));
                assert_eq!(result, Ok(()), "{words}");
                assert_eq!(rig.maildrop.totals().messages, 2, "{words}");
            }
        }
    }

    #[test]
    fn a_listing_that_is_refused_is_a_failure_whatever_stat_says_where_there_are_messages() {
        let no = Reaction::Say("-ERR out of memory\r\n");
        let script = mailbox().reacting("STAT", &[Reaction::Say(NONE)]);
        let (result, _) = sign_in(script.reacting("LIST", &[no]));
        assert_eq!(kind(result), Some(OutageKind::Busy));
    }

    #[test]
    fn a_commit_is_not_verified_by_stat() {
        for capabilities in ANNOUNCED {
            let mut rig = sign_in(mailbox().announcing(capabilities)).1;
            rig.mark("a");
            rig.script.react("STAT", &[Reaction::Say(NONE)]);
            let forgetful = Reaction::SayAndHangUp("+OK\r\n");
            rig.script.react("QUIT", &[forgetful]);
            let verified = Terms {
                verify: Some(true),
                ..Terms::default()
            };
            let report = rig.commit_on(verified).given().unwrap().unwrap();
            assert!(report.verified && !report.complete);
            assert_eq!(rig.maildrop.totals().messages, 2);
        }
    }

    #[test]
    fn a_listing_that_is_refused_is_a_failure() {
        let no = Reaction::Say("-ERR [SYS/TEMP] later\r\n");
        let (result, _) = sign_in(mailbox().reacting("LIST", &[no]));
        assert_eq!(kind(result), Some(OutageKind::Busy));
    }

    #[test]
    fn a_server_may_have_no_unique_ids() {
        let no = Reaction::Say("-ERR what?\r\n");
        let (result, mut rig) = sign_in(mailbox().reacting("UIDL", &[no]));
        assert_eq!(result, Ok(()));
        assert_eq!(rig.body("%no-unique-id~2").as_deref(), Ok("two\r\n"));
    }

    #[test]
    fn unique_ids_that_the_server_has_are_not_done_without() {
        let no = Reaction::Say("-ERR out of order\r\n");
        let later = Reaction::Say("-ERR [SYS/TEMP] later\r\n");
        let announced = mailbox()
            .announcing(&["UIDL"])
            .reacting("UIDL", std::slice::from_ref(&no));
        assert_eq!(kind(sign_in(announced).0), Some(OutageKind::Busy));
        let temporary = mailbox().reacting("UIDL", &[later]);
        assert_eq!(kind(sign_in(temporary).0), Some(OutageKind::Busy));
        let (_, mut rig) = sign_in(mailbox());
        rig.mark("b");
        let refusing = mailbox().reacting("UIDL", std::slice::from_ref(&no));
        let mut next = Rig::with(settings(), refusing, rig.journal.marks());
        assert_eq!(kind(next.connect()), Some(OutageKind::Busy));
        rig.cut();
        rig.script.react("UIDL", &[no]);
        assert_eq!(kind(rig.connect()), Some(OutageKind::Busy));
        assert_eq!(rig.journal.marks().len(), 1);
        assert_eq!(rig.maildrop.status().marked, 1);
    }
}
