//! The end of a link, wanted or not.

use crate::pop3::{CommandError, Reply};

use super::super::error::{Error, Outage, OutageKind};
use super::super::fetch::Fetch;
use super::super::session::{Session, SessionError};
use super::super::status::SessionStatus;
use super::link::Stage;
use super::{Engine, Order, Turn};

/// Times that a message is asked for when the link is lost under it.
const ATTEMPTS_MAX: u32 = 2;

impl Engine {
    /// Ends a session in which nothing is marked.
    pub(super) fn leave(&mut self, turn: &mut Turn<'_>) -> Result<(), CommandError> {
        match self.link.session_mut() {
            Some(session) if session.flight().commands == 0 => session.leave(turn.now),
            _ => Ok(()),
        }
    }

    /// Tells those who leave that there is no session any more. Whether the server also closes the link
    /// makes no difference to them.
    pub(super) fn let_leave(&mut self, turn: &mut Turn<'_>) {
        if self.link.has_no_session() && self.commit.is_none() {
            self.waiting.leavers.answer(&Ok(()), turn);
        }
    }

    /// The server has hung up.
    pub(super) fn hung_up(&mut self, turn: &mut Turn<'_>) {
        self.manners.hung_up(self.in_flight());
        self.closed(Outage::new(OutageKind::Lost, "the server hung up"), turn);
    }

    /// The link is gone, and the server had no part in it; unless it said so in TLS.
    pub(super) fn broke(&mut self, outage: Outage, turn: &mut Turn<'_>) {
        match &self.link.stage {
            _ if outage.kind == OutageKind::Tls => self.closed(outage, turn),
            Stage::Parting { .. } => self.disconnect(SessionStatus::Parked, turn),
            Stage::Up(session) if !session.is_listed() && !session.is_quitting() => {
                self.failed(outage, turn);
            }
            _ => self.ended(outage, turn),
        }
    }

    /// The server has said what it cannot mean.
    pub(super) fn breached(&mut self, error: &SessionError, turn: &mut Turn<'_>) {
        if error.is_desynchronised() {
            let together = self.link.session().is_some_and(Session::has_pipelined);
            self.manners.desynchronised(together);
            self.distrust(turn);
        }
        let kind = if error.is_farewell() {
            OutageKind::Lost
        } else {
            OutageKind::Protocol
        };
        self.closed(Outage::new(kind, error.to_string()), turn);
    }

    fn fell_silent(&mut self, turn: &mut Turn<'_>) {
        if self.link.session().is_some_and(Session::has_pipelined) {
            self.manners.fell_silent(self.in_flight());
            self.distrust(turn);
        }
    }

    /// The server may have given some messages of its last burst for others.
    fn distrust(&mut self, turn: &mut Turn<'_>) {
        if let Some(session) = self.link.session() {
            let effects = &mut turn.step.effects;
            turn.state.distrust(session.burst(), effects);
        }
    }

    fn in_flight(&self) -> usize {
        self.link.flight().map_or(0, |flight| flight.commands)
    }

    /// The link has ended by itself, or is of no use any more. In answer to a password that means
    /// that the server does not take it.
    fn closed(&mut self, outage: Outage, turn: &mut Turn<'_>) {
        match &self.link.stage {
            Stage::Parting { .. } => self.disconnect(SessionStatus::Parked, turn),
            Stage::Up(session) if session.is_logging_in() => {
                let error = match outage.kind {
                    OutageKind::Protocol => Error::Offline(outage),
                    _ => Error::LoginRefused(outage.to_string()),
                };
                self.locked_out(error, turn);
            }
            _ => self.ended(outage, turn),
        }
    }

    /// The session is of no use any more.
    pub(super) fn lose(&mut self, why: &str, turn: &mut Turn<'_>) {
        self.ended(Outage::new(OutageKind::Lost, why), turn);
    }

    fn ended(&mut self, outage: Outage, turn: &mut Turn<'_>) {
        let Some(session) = self.link.session() else {
            return;
        };
        if !session.is_listed() && !session.is_quitting() {
            return self.not_admitted(outage, turn);
        }
        let why = outage.to_string();
        let is_breach = outage.kind == OutageKind::Protocol;
        let is_quiet = session.is_idle() && !is_breach || session.is_leaving();
        let mut fetches = session.retrievals();
        fetches.extend(session.burst().iter().copied().map(Fetch::whole));
        let held = self.distrust_suspects(turn);
        fetches.extend(held.into_iter().map(Fetch::whole));
        if is_quiet {
            // Servers do so to clients that have been silent for long.
            log::info!("{why}");
            self.disconnect(SessionStatus::Parked, turn);
        } else {
            self.link.restraint.lost(turn.now);
            self.hang_up(&why, turn);
        }
        let error = Error::Offline(outage);
        turn.state
            .lost(&fetches, ATTEMPTS_MAX, &error, &mut turn.step.effects);
        self.commit_lost(&why, turn);
    }

    /// A session has ended on the way to its listing. Where the next one will be begun otherwise it
    /// is made at once, and nobody hears of this one.
    fn not_admitted(&mut self, outage: Outage, turn: &mut Turn<'_>) {
        if self.link.session().is_some_and(Session::is_asking_capa) {
            self.manners.capa_failed();
        }
        if self.manners.are_revised() {
            self.hang_up(&outage.to_string(), turn);
        } else {
            self.failed(outage, turn);
        }
    }

    pub(super) fn hang_up(&mut self, why: &str, turn: &mut Turn<'_>) {
        // Whoever asked for the session will say why there is none.
        let level = if self.waiting.callers.is_empty() {
            log::Level::Warn
        } else {
            log::Level::Debug
        };
        log::log!(level, "{why}");
        turn.state.link.problem = Some(why.to_owned());
        self.disconnect(SessionStatus::Disconnected, turn);
    }

    pub(super) fn disconnect(&mut self, status: SessionStatus, turn: &mut Turn<'_>) {
        turn.step.orders.push(Order::Disconnect);
        turn.session_is(status);
        self.link.stage = Stage::Down;
    }

    pub(super) fn has_quit(&mut self, reply: &Reply, turn: &mut Turn<'_>) {
        self.link.parting(turn.now);
        turn.session_is(SessionStatus::Parked);
        self.release_suspects(turn);
        self.commit_quit(reply, turn);
    }

    /// Gives up on a server that gives no sign.
    pub(super) fn watch(&mut self, turn: &mut Turn<'_>) {
        match &self.link.stage {
            Stage::Connecting { until } if *until <= turn.now => self.not_connected(turn),
            Stage::Parting { until } if *until <= turn.now => {
                self.disconnect(SessionStatus::Parked, turn);
            }
            Stage::Up(session)
                if session
                    .deadline()
                    .is_some_and(|deadline| deadline <= turn.now) =>
            {
                let silence = session.silence();
                self.fell_silent(turn);
                self.lose(silence, turn);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::settings::Settings;
    use super::super::rig::{Reply, Rig, settings};
    use super::super::script::{Reaction, Script};
    use super::*;

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")])
    }

    /// Asks to leave, and waits so many seconds for it.
    fn leave(rig: &mut Rig, seconds: u64) -> Reply<()> {
        let patience = Duration::from_secs(seconds);
        rig.ask(|maildrop, answer| maildrop.leave(patience, answer))
    }

    #[test]
    fn a_server_that_hangs_up_at_work_is_not_pestered() {
        let sweeping = Settings {
            exact_sizes: true,
            ..settings()
        };
        let messages: Vec<_> = (0..100).map(|number| number.to_string()).collect();
        let messages: Vec<_> = messages.iter().map(|name| (&**name, "x\r\n")).collect();
        let script = Script::of(&messages).reacting("RETR", &vec![Reaction::HangUp; 100]);
        let mut rig = Rig::with(sweeping, script, Vec::new());
        rig.connect().unwrap();
        rig.pass(Duration::from_secs(60));
        assert!(
            (9..=16).contains(&rig.script.sessions),
            "{}",
            rig.script.sessions
        );
    }

    #[test]
    fn a_link_lost_at_work_is_made_good_at_once() {
        let mut rig = Rig::connected(mailbox().reacting("RETR", &[Reaction::HangUp]));
        assert_eq!(rig.body("a").as_deref(), Ok("one\r\n"));
        rig.script.react("RETR", &[Reaction::HangUp]);
        assert_eq!(rig.body("b").as_deref(), Ok("two\r\n"));
        assert_eq!(rig.script.sessions, 3);
    }

    #[test]
    fn an_idle_hang_up_is_no_failure() {
        for words in ["", "-ERR Disconnected for inactivity.\r\n"] {
            let mut rig = Rig::connected(mailbox());
            rig.hear(words);
            rig.cut();
            assert_eq!(rig.maildrop.status().link.problem, None, "{words}");
            assert_eq!(rig.body("a").as_deref(), Ok("one\r\n"), "{words}");
        }
    }

    #[test]
    fn leaving_says_quit_and_waits_for_the_end() {
        let mut rig = Rig::connected(mailbox());
        rig.mark("a");
        assert_eq!(leave(&mut rig, 5).given(), Some(Ok(())));
        assert_eq!(rig.script.heard.last().map(String::as_str), Some("QUIT"));
        assert_eq!(rig.script.left(), ["a", "b"]);
        assert!(!rig.is_linked());
    }

    #[test]
    fn leaving_waits_no_longer_than_it_may() {
        let mut rig = Rig::connected(mailbox().reacting("QUIT", &[Reaction::Silence]));
        let left = leave(&mut rig, 4);
        rig.pass(Duration::from_secs(4));
        assert_eq!(left.given(), Some(Err(Error::TimedOut)));
        rig.pass(Duration::from_secs(1));
        assert!(!rig.is_linked());
    }

    #[test]
    fn who_leaves_is_told_as_soon_as_the_session_has_ended() {
        let mut rig = Rig::connected(mailbox().reacting("QUIT", &[Reaction::Silence]));
        let left = leave(&mut rig, 60);
        rig.pass(Duration::from_secs(4));
        assert!(left.given().is_none());
        rig.pass(Duration::from_secs(1));
        assert_eq!(left.given(), Some(Ok(())));
    }

    #[test]
    fn who_leaves_in_vain_takes_no_message_from_its_reader() {
        let mut rig = Rig::connected(mailbox().reacting("RETR", &[Reaction::Silence]));
        let (open, left) = (rig.open("a"), leave(&mut rig, 5));
        rig.pass(Duration::from_secs(5));
        assert_eq!(left.given(), Some(Err(Error::TimedOut)));
        rig.hear("+OK\r\none\r\n.\r\n");
        assert!(matches!(open.given(), Some(Ok(_))));
        assert_eq!(rig.script.sessions, 1);
    }

    #[test]
    fn who_leaves_in_vain_does_not_end_a_commit() {
        let mut rig = Rig::connected(mailbox().reacting("QUIT", &[Reaction::Silence]));
        rig.mark("a");
        let (commit, left) = (rig.commit(), leave(&mut rig, 5));
        rig.pass(Duration::from_secs(5));
        assert_eq!(left.given(), Some(Err(Error::TimedOut)));
        rig.script.update();
        rig.hear("+OK\r\n");
        assert!(commit.report().complete);
        assert_eq!((rig.script.sessions, rig.script.count("DELE")), (1, 1));
    }
}
