//! Why no session came of a link, and who is told.

use crate::pop3::Reply;

use super::super::error::{Error, Outage, OutageKind};
use super::super::session::{Exchange, NoMethod, Refusal};
use super::restraint::Told;
use super::{Engine, Turn};

const NO_STLS: &str =
    "the server does not offer STLS; use pop3s://, or --tls off on a network you trust";

const NO_UNIQUE_IDS: &str = "the server lists messages, and none of their unique-ids";

impl Engine {
    pub(super) fn no_start_tls(&mut self, turn: &mut Turn<'_>) {
        self.failed(Outage::new(OutageKind::Unreachable, NO_STLS), turn);
    }

    pub(super) fn no_unique_ids(&mut self, turn: &mut Turn<'_>) {
        self.failed(Outage::new(OutageKind::Busy, NO_UNIQUE_IDS), turn);
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
        self.tell(Told::Everybody, &error, turn);
    }

    /// No session came of it.
    pub(super) fn failed(&mut self, outage: Outage, turn: &mut Turn<'_>) {
        self.hang_up(&outage.to_string(), turn);
        self.manners.failed();
        let told = self.link.restraint.failed(&outage, turn.now);
        self.tell(told, &Error::Offline(outage), turn);
    }

    /// Whoever asked for a session or a listing is told in any case.
    pub(super) fn tell(&mut self, told: Told, error: &Error, turn: &mut Turn<'_>) {
        self.waiting.callers.answer(&Err(error.clone()), turn);
        self.waiting.refreshers.answer(&Err(error.clone()), turn);
        self.lookout.looked(turn.now);
        if told != Told::Nobody {
            turn.state.refuse_all(error, &mut turn.step.effects);
        }
        if told == Told::Everybody {
            self.commit_failed(error, turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::handle::Maildrop;
    use super::super::restraint::{PAUSE, REFUSED_PAUSE};
    use super::super::rig::Rig;
    use super::super::script::{Reaction, Script};
    use super::*;

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")])
    }

    fn hung_up() -> Result<(), Error> {
        Err(Error::LoginRefused("the server hung up".to_owned()))
    }

    #[test]
    fn a_refused_login_is_tried_again_only_for_who_asks_later() {
        for (words, meaning) in [
            ("[AUTH] no", "; the login or the password is not right"),
            ("no", ""),
            ("", ""),
            ("locked [IN-USE]", ""),
        ] {
            let refusal = format!("-ERR {words}").trim_end().to_owned() + "\r\n";
            let refusal = Reaction::Say(refusal.leak());
            let mut rig = Rig::new(mailbox().reacting("PASS", &[refusal]));
            let refused = Err(Error::LoginRefused(format!("\"{words}\"{meaning}")));
            assert_eq!((rig.connect(), rig.connect()), (refused.clone(), refused));
            rig.pass(REFUSED_PAUSE);
            let tries = (rig.script.sessions, rig.engine.wake_at());
            assert_eq!(tries, (1, None), "{words}");
            assert_eq!(rig.connect(), Ok(()), "{words}");
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
        let mut rig = Rig::new(mailbox());
        let outage = Outage::new(OutageKind::Unreachable, "nothing answers there");
        rig.outage = Some(outage.clone());
        assert_eq!(rig.connect(), Err(Error::Offline(outage)));
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
}
