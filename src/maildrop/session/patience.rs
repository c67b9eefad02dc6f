//! How long a server may take over what it was asked.

use std::time::Duration;

use super::super::clock::Moment;
use super::{Exchange, Session, Stage};

/// A server may think for minutes over PASS, the first listing and QUIT; over anything else one
/// minute without an octet means that it is gone, however long programs wait. Its greeting would only
/// be later over another link, as it looks up names or has too many guests.
const PATIENCE: Duration = Duration::from_secs(60);
const LONG_PATIENCE: Duration = Duration::from_secs(300);

/// A server is not given up sooner than this over what programs wait for: a busy one answers late.
const SHORTEST: Duration = Duration::from_secs(5);

/// It knows by heart what it can do; some old servers never answer when they do not know CAPA.
const CAPA_PATIENCE: Duration = Duration::from_secs(10);

/// QUIT commits nothing where nothing is deleted: whether it is answered makes no difference.
const FAREWELL: Duration = Duration::from_secs(5);

/// A server that waits for TLS, or is none, says nothing to somebody who waits for its greeting.
const NO_GREETING: &str = "the server does not greet; check the port (pop3s:// is for 995, pop3:// \
                           for 110)";
const NO_SIGN: &str = "the server gives no sign of life";

/// How long a server may be silent, where programs wait only so long for an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    with_messages: Duration,
}

impl Patience {
    /// Over a message it may be two thirds of the time that programs wait: what is left is for another
    /// session, which may do better.
    pub fn of(timeout: Duration) -> Self {
        Self {
            with_messages: (timeout / 3 * 2).clamp(SHORTEST, PATIENCE),
        }
    }

    fn over(self, exchange: &Exchange) -> Duration {
        match exchange {
            Exchange::Capa | Exchange::OwnCapa => CAPA_PATIENCE,
            Exchange::Auth(_)
            | Exchange::Apop
            | Exchange::Pass
            | Exchange::Stat
            | Exchange::Uidl
            | Exchange::List
            | Exchange::Quit => LONG_PATIENCE,
            Exchange::Retrieve(_) | Exchange::Confirm(_) | Exchange::Header(_) | Exchange::Noop => {
                self.with_messages
            }
            _ => PATIENCE,
        }
    }
}

impl Session {
    /// When the server must have given a sign, if one is due.
    pub fn deadline(&self) -> Option<Moment> {
        let patience = match self.connection.tags().next()? {
            Exchange::Quit if self.is_leaving() => FAREWELL,
            exchange => self.patience.over(exchange),
        };
        let is_signing_in = matches!(self.stage, Stage::SigningIn(..));
        Some(self.progress.deadline(patience, is_signing_in))
    }

    /// What is the matter with a server that has not given it.
    pub fn silence(&self) -> &'static str {
        match self.connection.tags().next() {
            Some(Exchange::Greeting) => NO_GREETING,
            _ => NO_SIGN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::engine::Order;
    use super::super::super::engine::rig::{Rig, settings};
    use super::super::super::engine::script::{Reaction, Script};
    use super::super::super::error::Error;
    use super::super::super::handle::Maildrop;
    use super::super::super::settings::Settings;
    use super::*;

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")])
    }

    /// A mount whose programs wait for so many seconds.
    fn rig(timeout: u64, script: Script) -> Rig {
        let settings = Settings {
            timeout: Duration::from_secs(timeout),
            ..settings()
        };
        Rig::with(settings, script, Vec::new())
    }

    fn connected(timeout: u64, script: Script) -> Rig {
        let mut rig = rig(timeout, script);
        rig.connect().unwrap();
        rig
    }

    /// A server that keeps the link and says nothing, where it was asked for a message, is given up
    /// after two thirds of the time that a program may wait, 5 seconds at least and a minute at most,
    /// so that another session can answer it.
    #[test]
    fn whoever_waits_for_a_silent_server_is_answered_by_another_session() {
        for (command, words) in [("RETR", ""), ("RETR", "+OK\r\no"), ("NOOP", "")] {
            let mut rig = connected(21, mailbox().reacting(command, &[Reaction::Say(words)]));
            if command == "NOOP" {
                rig.pass(Duration::from_secs(50));
            }
            let open = rig.open("a");
            rig.pass(Duration::from_secs(13));
            assert!(open.given().is_none(), "{command}");
            rig.pass(Duration::from_secs(1));
            assert!(matches!(open.given(), Some(Ok(_))), "{command}");
            assert_eq!(rig.script.sessions, 2);
        }
    }

    #[test]
    fn no_server_is_given_up_before_it_could_answer_nor_later_than_after_a_minute() {
        for (timeout, patience) in [(1, 5), (6, 5), (60, 40), (3600, 60)] {
            let mut rig = connected(timeout, mailbox().reacting("RETR", &[Reaction::Silence]));
            let _open = rig.open("a");
            rig.pass(Duration::from_secs(patience - 1));
            assert!(!rig.ordered.contains(&Order::Disconnect), "{timeout}");
            rig.pass(Duration::from_secs(1));
            assert!(rig.ordered.contains(&Order::Disconnect), "{timeout}");
        }
    }

    #[test]
    fn a_late_greeting_is_waited_for_even_if_no_program_can() {
        let mut rig = rig(6, mailbox().reacting("", &[Reaction::Silence]));
        let reply = rig.ask(Maildrop::connect);
        rig.pass(Duration::from_secs(59));
        assert_eq!(reply.given(), Some(Err(Error::TimedOut)));
        rig.hear("+OK at last\r\n");
        assert_eq!(
            (rig.maildrop.totals().messages, rig.script.sessions),
            (2, 1)
        );
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
    fn who_is_not_greeted_learns_that_the_port_may_be_wrong() {
        let mut rig = Rig::new(mailbox().reacting("", &[Reaction::Silence]));
        rig.ask(Maildrop::connect);
        rig.pass(PATIENCE);
        let problem = rig.maildrop.status().link.problem;
        assert!(problem.unwrap().contains("pop3s:// is for 995"));
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
