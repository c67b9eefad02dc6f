//! A link where one is wanted, and a session on it.

use super::super::clock::Moment;
use super::super::error::{Error, Outage, OutageKind};
use super::super::session::{Channel, Credential, Inquiry, LogIn, Session, SignIn};
use super::super::state::State;
use super::super::status::SessionStatus;
use super::link::Stage;
use super::restraint::{Permission, Told};
use super::{Engine, Order, Turn};

const NO_LINK: &str =
    "no connection came about in 120 s: the name service or the password command hangs";

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
            Permission::Refused(_) if !self.waiting.refreshers.is_empty() => self.connect(turn),
            Permission::Refused(error) => self.tell(Told::Everybody, &error, turn),
        }
    }

    /// Those who cannot wait so long need not wait at all.
    fn defer(&mut self, moment: Moment, problem: Option<Error>, turn: &mut Turn<'_>) {
        self.link.await_permission(moment);
        if let Some(error) = problem {
            let effects = &mut turn.step.effects;
            turn.state.refuse_until(moment, &error, effects);
            self.waiting.callers.refuse_until(moment, &error, turn);
            self.waiting.refreshers.refuse_until(moment, &error, turn);
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
                let sign_in = self.sign_in(credential, channel, turn.state);
                let timeout = turn.state.settings.timeout;
                self.link.stage = Stage::Up(Session::new(sign_in, timeout, turn.now));
            }
            Err(outage) => self.failed(outage, turn),
        }
    }

    fn sign_in(&mut self, credential: Credential, channel: Channel, state: &State) -> SignIn {
        let settings = &state.settings;
        let log_in = LogIn {
            credential,
            channel,
            method: settings.method,
            chosen: None,
            language: settings.language.clone(),
        };
        let known = state.catalog.has_unique_ids() || !state.unlisted.is_empty();
        let manner = self.manners.manner();
        let inquiry = Inquiry::new(known, manner.pipelining, &settings.suffix);
        SignIn::new(settings.security, log_in, manner, inquiry)
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
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::handle::Maildrop;
    use super::super::super::settings::Settings;
    use super::super::restraint::PAUSE;
    use super::super::rig::{Rig, settings};
    use super::super::script::{Reaction, Script};
    use super::*;

    fn unreachable() -> Outage {
        Outage::new(OutageKind::Unreachable, "nothing answers there")
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
}
