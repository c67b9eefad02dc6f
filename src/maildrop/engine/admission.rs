//! From a link to a session that is let in, or to the reason why there is none.

use crate::pop3::Reply;

use super::super::clock::Moment;
use super::super::error::{Error, Outage, OutageKind};
use super::super::session::{
    Channel, Credential, Exchange, LogIn, NoMethod, Refusal, Session, SignIn,
};
use super::super::status::SessionStatus;
use super::link::Stage;
use super::restraint::{Permission, Told};
use super::{Engine, Order, Turn};

const NO_LINK: &str =
    "no connection came about in 120 s: the name service or the password command hangs";

const NO_STLS: &str =
    "the server does not offer STLS; use pop3s://, or --tls off on a network you trust";

impl Engine {
    /// Makes a link where one is wanted, at once or when its time has come. Whoever asks while the
    /// login stands refused is refused at once.
    pub(super) fn seek_link(&mut self, turn: &mut Turn<'_>) {
        self.link.rest();
        if !self.link.is_down() || !self.needs_session(turn) {
            return;
        }
        match self.link.restraint.permission(turn.now) {
            Permission::Granted => self.connect(turn),
            Permission::Deferred(moment, problem) => self.defer(moment, problem, turn),
            // Somebody may have put right what was wrong, and says so.
            Permission::Refused(_) if !self.refreshers.is_empty() => self.connect(turn),
            Permission::Refused(error) => self.refuse_everybody(&error, turn),
        }
    }

    /// Those who cannot wait so long need not wait at all.
    fn defer(&mut self, moment: Moment, problem: Option<Error>, turn: &mut Turn<'_>) {
        self.link.await_permission(moment);
        if let Some(error) = problem {
            let effects = &mut turn.step.effects;
            turn.state.refuse_until(moment, &error, effects);
            self.callers.refuse_until(moment, &error, turn);
            self.refreshers.refuse_until(moment, &error, turn);
        }
    }

    fn connect(&mut self, turn: &mut Turn<'_>) {
        turn.state.link.session = SessionStatus::Connecting;
        turn.step.orders.push(Order::Connect);
        self.link.connecting(turn.now);
    }

    pub(super) fn connected(
        &mut self,
        result: Result<(Credential, Channel), Outage>,
        turn: &mut Turn<'_>,
    ) {
        if !self.link.is_connecting() {
            return;
        }
        match result {
            Ok((credential, channel)) => {
                let settings = &turn.state.settings;
                let log_in = LogIn {
                    credential,
                    channel,
                    method: settings.method,
                    chosen: None,
                    language: settings.language.clone(),
                };
                let known = turn.state.catalog.has_unique_ids() || !turn.state.inherited.is_empty();
                let manner = self.manners.manner();
                let sign_in = SignIn::new(settings.security, log_in, known, manner);
                self.link.stage = Stage::Up(Session::new(sign_in, turn.now));
            }
            Err(outage) => self.failed(outage, turn),
        }
    }

    /// A link has not come about, and is given up.
    pub(super) fn not_connected(&mut self, turn: &mut Turn<'_>) {
        self.failed(Outage::new(OutageKind::Unreachable, NO_LINK), turn);
    }

    pub(super) fn tls_started(&mut self, result: Result<Channel, Outage>, turn: &mut Turn<'_>) {
        self.link.stage = match std::mem::take(&mut self.link.stage) {
            Stage::StartingTls(session) => Stage::Up(session),
            stage => stage,
        };
        let Some(session) = self.link.session_mut() else {
            return;
        };
        let started = result.and_then(|channel| {
            session
                .tls_started(channel, turn.now)
                .map_err(|error| Outage::new(OutageKind::Protocol, error.to_string()))
        });
        if let Err(outage) = started {
            self.failed(outage, turn);
        }
    }

    pub(super) fn start_tls(&mut self, turn: &mut Turn<'_>) {
        turn.step.orders.push(Order::StartTls);
        self.link.stage = match std::mem::take(&mut self.link.stage) {
            Stage::Up(session) => Stage::StartingTls(session),
            stage => stage,
        };
    }

    pub(super) fn no_start_tls(&mut self, turn: &mut Turn<'_>) {
        self.failed(Outage::new(OutageKind::Unreachable, NO_STLS), turn);
    }

    pub(super) fn no_method(&mut self, none: &NoMethod, turn: &mut Turn<'_>) {
        self.failed(Outage::new(OutageKind::Unreachable, none.to_string()), turn);
    }

    /// The server will not let us in; what it said decides whether to try again.
    pub(super) fn refused(&mut self, during: Exchange, reply: &Reply, turn: &mut Turn<'_>) {
        let refusal = Refusal::of(reply);
        let words = format!("\"{}\"", reply.text());
        match (refusal, refusal.meaning()) {
            (Refusal::Permanent, Some(meaning)) => {
                let outage = Outage::new(OutageKind::Unreachable, format!("{meaning}: {words}"));
                self.locked_out(Error::Offline(outage), turn);
            }
            (_, Some(meaning)) if refusal.is_temporary() => {
                let outage = Outage::new(OutageKind::Busy, format!("{meaning}: {words}"));
                self.failed(outage, turn);
                if refusal == Refusal::TooSoon {
                    self.link.restraint.too_soon();
                }
            }
            (_, meaning) if during.is_login() => {
                let meaning = meaning.map(str::to_owned);
                let hints = meaning.into_iter().chain(during.advice());
                let how = hints.fold(words, |how, hint| format!("{how}; {hint}"));
                self.locked_out(Error::LoginRefused(how), turn);
            }
            _ => self.turned_away(during, &words, turn),
        }
    }

    /// The server refuses something without a reason.
    fn turned_away(&mut self, during: Exchange, words: &str, turn: &mut Turn<'_>) {
        let (kind, what) = match during {
            Exchange::Stls => (OutageKind::Tls, "refused STLS"),
            Exchange::Greeting => (OutageKind::Busy, "turned us away"),
            Exchange::Uidl => (OutageKind::Busy, "refused UIDL"),
            _ => (OutageKind::Busy, "refused LIST"),
        };
        let outage = Outage::new(kind, format!("the server {what}: {words}"));
        self.failed(outage, turn);
    }

    pub(super) fn locked_out(&mut self, error: Error, turn: &mut Turn<'_>) {
        let pause = self.link.restraint.locked_out(error.clone(), turn.now);
        let minutes = pause.as_secs() / 60;
        let again = format!("it is tried again in {minutes} min, or by pop3fs refresh");
        self.hang_up(&format!("{error}; {again}"), turn);
        self.refuse_everybody(&error, turn);
    }

    /// No session came of it.
    pub(super) fn failed(&mut self, outage: Outage, turn: &mut Turn<'_>) {
        self.hang_up(&outage.to_string(), turn);
        self.manners.failed();
        let told = self.link.restraint.failed(&outage, turn.now);
        let error = Error::Offline(outage);
        self.callers.answer(&Err(error.clone()), turn);
        self.refreshers.answer(&Err(error.clone()), turn);
        self.lookout.looked(turn.now);
        match told {
            Told::Nobody => {}
            Told::Readers => turn.state.refuse_all(&error, &mut turn.step.effects),
            Told::Everybody => self.refuse_everybody(&error, turn),
        }
    }

    fn refuse_everybody(&mut self, error: &Error, turn: &mut Turn<'_>) {
        self.callers.answer(&Err(error.clone()), turn);
        self.refreshers.answer(&Err(error.clone()), turn);
        self.lookout.looked(turn.now);
        turn.state.refuse_all(error, &mut turn.step.effects);
        self.commit_failed(error, turn);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::handle::Maildrop;
    use super::super::super::settings::Settings;
    use super::super::restraint::{PAUSE, REFUSED_PAUSE};
    use super::super::rig::{Rig, settings};
    use super::super::script::{Reaction, Script};
    use super::*;

    fn unreachable() -> Outage {
        Outage::new(OutageKind::Unreachable, "nothing answers there")
    }

    fn refused(words: &str) -> Result<(), Error> {
        Err(Error::LoginRefused(format!("\"{words}\"")))
    }

    fn hung_up() -> Result<(), Error> {
        Err(Error::LoginRefused("the server hung up".to_owned()))
    }

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")])
    }

    #[test]
    fn nobody_is_woken_for_a_link_that_nobody_wants_any_more() {
        let impatient = Settings {
            timeout: Duration::from_secs(5),
            ..settings()
        };
        let mut rig = Rig::with(impatient, mailbox(), Vec::new());
        rig.connect().unwrap();
        rig.cut();
        rig.outage = Some(unreachable());
        let open = rig.open("a");
        rig.pass(Duration::from_secs(3600));
        let offline = Some(Err(Error::Offline(unreachable())));
        assert_eq!(
            open.given().map(|it| it.map(drop)),
            offline,
            "sooner than at its deadline"
        );
        assert_eq!(rig.engine.wake_at(), None);
    }

    #[test]
    fn a_wrong_password_is_tried_once() {
        let refusal = Reaction::Say("-ERR [AUTH] no\r\n");
        let mut rig = Rig::new(mailbox().reacting("PASS", &[refusal]));
        let how = "\"[AUTH] no\"; the login or the password is not right".to_owned();
        let wrong = Err(Error::LoginRefused(how));
        assert_eq!((rig.connect(), rig.connect()), (wrong.clone(), wrong));
        rig.pass(REFUSED_PAUSE);
        assert_eq!(rig.script.sessions, 1);
        assert_eq!(rig.engine.wake_at(), None);
    }

    #[test]
    fn a_refusal_without_a_code_is_no_less_final() {
        for words in ["-ERR\r\n", "-ERR locked [IN-USE]\r\n"] {
            let mut rig = Rig::new(mailbox().reacting("PASS", &[Reaction::Say(words)]));
            assert!(
                matches!(rig.connect(), Err(Error::LoginRefused(_))),
                "{words}"
            );
            rig.pass(REFUSED_PAUSE);
            assert_eq!(rig.script.count("PASS"), 1, "{words}");
        }
    }

    #[test]
    fn a_fault_that_somebody_must_mend_is_not_tried_again_and_is_no_wrong_password() {
        for command in ["PASS", "UIDL"] {
            let broken = Reaction::Say("-ERR [SYS/PERM] disk on fire\r\n");
            let mut rig = Rig::new(mailbox().reacting(command, &[broken]));
            let words = "the server has a fault that somebody there must mend: \
                \"[SYS/PERM] disk on fire\"";
            let outage = Outage::new(OutageKind::Unreachable, words);
            let broken = Err(Error::Offline(outage));
            assert_eq!((rig.connect(), rig.connect()), (broken.clone(), broken));
            let problem = rig.maildrop.status().link.problem.unwrap();
            assert!(problem.ends_with("it is tried again in 5 min, or by pop3fs refresh"));
            rig.pass(REFUSED_PAUSE);
            assert_eq!((rig.script.sessions, rig.connect()), (1, Ok(())));
        }
    }

    #[test]
    fn what_a_server_means_is_said() {
        for (words, meaning) in [
            ("[IN-USE] x", "another client has the mailbox"),
            (
                "[LOGIN-DELAY] x",
                "the server wants more time between logins",
            ),
            ("[SYS/TEMP] x", "the server has a fault that may pass"),
        ] {
            let refusal = format!("-ERR {words}\r\n").leak();
            let mut rig = Rig::new(mailbox().reacting("PASS", &[Reaction::Say(refusal)]));
            let words = format!("{meaning}: \"{words}\"");
            let busy = Err(Error::Offline(Outage::new(OutageKind::Busy, words.clone())));
            assert_eq!(rig.connect(), busy);
            assert_eq!(rig.maildrop.status().link.problem, Some(words));
        }
    }

    #[test]
    fn who_logged_in_too_soon_waits_as_long_as_was_announced_and_nobody_waits_in_vain() {
        let script = mailbox().announcing(&["LOGIN-DELAY 100"]);
        let mut rig = Rig::connected(script);
        rig.cut();
        let too_soon = Reaction::Say("-ERR [LOGIN-DELAY] wait\r\n");
        rig.script.react("PASS", &vec![too_soon; 20]);
        let open = rig.open("a");
        assert!(matches!(open.given(), Some(Err(Error::Offline(_)))));
        rig.pass(Duration::from_secs(50));
        let open = rig.open("a");
        assert_eq!((rig.script.sessions, open.given().is_none()), (2, true));
        rig.script.react("PASS", &vec![Reaction::Honest; 20]);
        rig.pass(Duration::from_secs(50));
        assert!(matches!(open.given(), Some(Ok(_))));
        assert_eq!(rig.script.sessions, 3);
    }

    #[test]
    fn a_password_among_the_capabilities_is_not_shown() {
        let telling = Reaction::Say("+OK\r\nUIDL\r\nX-PASS tanstaaf\r\n.\r\n");
        let mut rig = Rig::new(mailbox().reacting("CAPA", &[telling]));
        assert_eq!(rig.connect(), Ok(()));
        let shown = rig.maildrop.status().link.capabilities.join(" ");
        assert!(
            shown.contains("UIDL") && !shown.contains("tanstaaf"),
            "{shown}"
        );
    }

    #[test]
    fn a_delay_of_this_login_s_own_is_asked_for_once_it_is_in() {
        let worst = Reaction::Say("+OK\r\nLOGIN-DELAY 900 USER\r\nPIPELINING\r\n.\r\n");
        let own = Reaction::Say("+OK\r\nLOGIN-DELAY 60\r\nUIDL\r\n.\r\n");
        let mut rig = Rig::new(mailbox().reacting("CAPA", &[worst, own]));
        assert_eq!(rig.connect(), Ok(()));
        assert_eq!(rig.script.bursts.last().unwrap()[0], "CAPA");
        assert_eq!(
            rig.maildrop.status().link.capabilities,
            ["LOGIN-DELAY 60", "UIDL"]
        );
        assert_eq!(rig.maildrop.totals().messages, 2);
    }

    #[test]
    fn a_commit_waits_for_a_maildrop_that_is_in_use_longer_than_readers_do() {
        let mut rig = Rig::connected(mailbox());
        rig.mark("b");
        rig.cut();
        let busy = Reaction::Say("-ERR [IN-USE] busy\r\n");
        rig.script.react("PASS", &vec![busy; 10]);
        let (open, commit) = (rig.open("a"), rig.commit());
        rig.pass(Duration::from_secs(30));
        assert!(matches!(open.given(), Some(Err(Error::Offline(_)))));
        rig.pass(Duration::from_secs(300));
        assert_eq!(commit.given(), Some(Err(Error::TimedOut)));
        assert!(rig.maildrop.last_commit().unwrap().complete);
        assert_eq!(rig.script.left(), ["a"]);
    }

    #[test]
    fn a_commit_is_as_patient_after_others_have_waited_for_long() {
        let mut rig = Rig::connected(mailbox());
        rig.mark("b");
        rig.cut();
        let busy = Reaction::Say("-ERR [IN-USE] busy\r\n");
        rig.script.react("PASS", &vec![busy; 100]);
        for _ in 0..30 {
            rig.ask(Maildrop::refresh);
            rig.pass(Duration::from_secs(60));
        }
        rig.commit();
        rig.pass(Duration::from_secs(300));
        assert!(rig.maildrop.status().committing);
        rig.script.react("PASS", &vec![Reaction::Honest; 100]);
        rig.pass(Duration::from_secs(60));
        assert!(rig.maildrop.last_commit().unwrap().complete);
    }

    #[test]
    fn a_hang_up_in_answer_to_the_password_is_a_refusal() {
        for command in ["USER", "PASS"] {
            let script = mailbox().reacting(command, &[Reaction::HangUp]);
            let mut rig = Rig::new(script);
            assert_eq!(rig.connect(), hung_up());
        }
        let script = mailbox().announcing(&["SASL PLAIN"]);
        let mut rig = Rig::new(script.reacting("AUTH", &[Reaction::HangUp]));
        assert_eq!(rig.connect(), hung_up());
    }

    #[test]
    fn a_network_that_breaks_the_login_off_is_no_refusal() {
        let mut rig = Rig::new(mailbox().reacting("PASS", &[Reaction::Silence]));
        let connected = rig.ask(Maildrop::connect);
        rig.break_link("no route to host");
        let outage = Outage::new(OutageKind::Lost, "no route to host");
        assert_eq!(connected.given(), Some(Err(Error::Offline(outage))));
        rig.pass(PAUSE);
        assert_eq!(rig.connect(), Ok(()));
    }

    #[test]
    fn a_link_that_does_not_come_about_is_given_up_and_tried_anew() {
        let mut rig = Rig::new(mailbox());
        rig.hangs = true;
        let connected = rig.ask(Maildrop::connect);
        rig.pass(Duration::from_secs(60));
        assert_eq!(connected.given(), Some(Err(Error::TimedOut)));
        let open = rig.ask(Maildrop::connect);
        rig.pass(Duration::from_secs(60));
        assert_eq!(rig.ordered, [Order::Connect, Order::Disconnect]);
        assert!(matches!(open.given(), Some(Err(_))));
        rig.hangs = false;
        rig.pass(PAUSE);
        assert_eq!(rig.connect(), Ok(()));
    }

    #[test]
    fn a_listing_that_comes_a_line_a_minute_is_given_up() {
        let mut rig = Rig::new(mailbox().reacting("UIDL", &vec![Reaction::Say("+OK\r\n"); 9]));
        rig.ask(Maildrop::connect);
        for number in 1..=4 {
            rig.pass(Duration::from_secs(60));
            rig.hear(format!("{number} uid{number}\r\n").leak());
        }
        assert!(rig.is_linked());
        rig.pass(Duration::from_secs(60));
        assert!(!rig.is_linked());
        let problem = rig.maildrop.status().link.problem;
        assert_eq!(problem.as_deref(), Some("the server gives no sign of life"));
    }

    #[test]
    fn a_refused_login_is_tried_again_for_who_asks_later() {
        let refusal = Reaction::Say("-ERR no\r\n");
        let mut rig = Rig::new(mailbox().reacting("PASS", &[refusal]));
        assert_eq!(rig.connect(), refused("no"));
        rig.pass(REFUSED_PAUSE);
        assert_eq!(rig.connect(), Ok(()));
    }

    #[test]
    fn a_maildrop_in_use_is_tried_again_after_growing_pauses() {
        for words in [
            "-ERR [IN-USE] busy\r\n",
            "-ERR [LOGIN-DELAY] soon\r\n",
            "-ERR [SYS/TEMP] x\r\n",
        ] {
            let mut rig = Rig::connected(mailbox());
            rig.cut();
            rig.script
                .react("PASS", &[Reaction::Say(words), Reaction::Say(words)]);
            let open = rig.open("a");
            assert_eq!(rig.script.sessions, 2, "no tight retry of {words}");
            rig.pass(PAUSE);
            assert_eq!(rig.script.sessions, 3, "{words}");
            rig.pass(PAUSE);
            assert_eq!(rig.script.sessions, 3, "{words}");
            rig.pass(PAUSE);
            assert!(matches!(open.given(), Some(Ok(_))), "{words}");
        }
    }

    #[test]
    fn who_mounts_hears_the_first_failure() {
        let busy = Reaction::Say("-ERR [IN-USE] busy\r\n");
        let mut rig = Rig::new(mailbox().reacting("PASS", &[busy]));
        assert!(
            matches!(rig.connect(), Err(Error::Offline(outage)) if outage.kind == OutageKind::Busy)
        );
        let mut rig = Rig::new(mailbox());
        rig.outage = Some(unreachable());
        assert_eq!(rig.connect(), Err(Error::Offline(unreachable())));
    }

    #[test]
    fn who_mounts_hears_what_was_refused() {
        for (command, refused) in [("", "turned us away"), ("LIST", "refused LIST")] {
            let refusal = Reaction::Say("-ERR not now\r\n");
            let mut rig = Rig::new(mailbox().reacting(command, &[refusal]));
            let words = format!("the server {refused}: \"not now\"");
            let outage = Outage::new(OutageKind::Busy, words);
            assert_eq!(rig.connect(), Err(Error::Offline(outage)));
        }
    }

    #[test]
    fn a_server_of_another_kind_breaks_the_protocol() {
        let mut rig = Rig::new(mailbox().reacting("", &[Reaction::Say("220 smtp\r\n")]));
        let words = "the server broke the protocol: \"220 smtp\" is no reply";
        let outage = Outage::new(OutageKind::Protocol, words);
        assert_eq!(rig.connect(), Err(Error::Offline(outage)));
    }

    #[test]
    fn a_server_that_turns_clients_away_is_not_pestered() {
        for greeting in [
            Reaction::SayAndHangUp("-ERR too many connections\r\n"),
            Reaction::HangUp,
        ] {
            let mut rig = Rig::connected(mailbox());
            rig.cut();
            rig.script.react("", &vec![greeting; 20]);
            let open = rig.open("a");
            rig.pass(Duration::from_secs(60));
            assert!(matches!(open.given(), Some(Err(Error::Offline(_)))));
            assert!(rig.script.sessions <= 7, "{}", rig.script.sessions);
        }
    }

    #[test]
    fn a_server_may_take_minutes_over_the_password() {
        let mut rig = Rig::new(mailbox().reacting("PASS", &[Reaction::Silence]));
        let reply = rig.ask(Maildrop::connect);
        rig.pass(Duration::from_secs(240));
        assert_eq!(reply.given(), Some(Err(Error::TimedOut)));
        rig.hear("+OK\r\n");
        assert_eq!(rig.maildrop.totals().messages, 2);
    }
}
