//! What a machine that has slept finds when it wakes.

use std::time::Duration;

use super::super::error::{Outage, OutageKind};
use super::super::status::SessionStatus;
use super::{Engine, Turn};

/// A link over which nothing was said for so long while the machine slept is taken for dead: routers
/// and servers forget it, the machine may have another address, and to ask takes longer than to
/// connect anew.
const DEAD: Duration = Duration::from_secs(60);

const WORDS: &str = "the machine has slept, and the session has not outlived that";

impl Engine {
    /// The machine has slept for so long. Whoever waited then has as much time left as before: a
    /// program knows nothing of the sleep.
    pub(super) fn resumed(&mut self, slept: Duration, turn: &mut Turn<'_>) {
        turn.state.postpone(slept);
        self.waiting.postpone(slept);
        self.journaling.postpone(slept);
        let heard = self.link.session().map(|session| session.last_sign());
        if heard.is_some_and(|heard| turn.now - heard > DEAD) {
            self.forsake(turn);
        }
    }

    /// Leaves the link without a word, which would be said in vain.
    fn forsake(&mut self, turn: &mut Turn<'_>) {
        let is_idle = self.link.session().is_some_and(|session| session.is_idle());
        if is_idle {
            log::info!("{WORDS}");
            self.disconnect(SessionStatus::Parked, turn);
        } else {
            self.broke(Outage::new(OutageKind::Lost, WORDS), turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::error::Error;
    use super::super::rig::Rig;
    use super::super::script::{Reaction, Script};
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const MINUTE: Duration = Duration::from_secs(60);

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")]).announcing(&["PIPELINING"])
    }

    #[test]
    fn an_idle_session_is_left_without_a_word() {
        let mut rig = Rig::connected(mailbox());
        rig.sleep(HOUR);
        let status = rig.maildrop.status().link;
        assert_eq!(
            (status.session, status.problem),
            (SessionStatus::Parked, None)
        );
        assert_eq!(rig.body("a").as_deref(), Ok("one\r\n"));
        assert_eq!((rig.script.sessions, rig.script.count("QUIT")), (2, 0));
    }

    #[test]
    fn a_nap_does_no_harm() {
        let mut rig = Rig::connected(mailbox());
        rig.sleep(MINUTE / 2);
        assert_eq!(rig.body("a").as_deref(), Ok("one\r\n"));
        assert_eq!(rig.script.sessions, 1);
    }

    #[test]
    fn whoever_waited_goes_on_in_a_new_session_and_no_server_is_blamed() {
        let mut rig = Rig::connected(mailbox().reacting("RETR", &vec![Reaction::Silence; 2]));
        let depth = rig.engine.commands_max();
        let opens = [rig.open("a"), rig.open("b")];
        rig.sleep(HOUR);
        assert!(opens.iter().all(|open| matches!(open.given(), Some(Ok(_)))));
        assert_eq!(rig.engine.commands_max(), depth);
        assert_eq!(rig.script.sessions, 2);
    }

    #[test]
    fn whoever_waited_has_as_much_time_left_as_before() {
        let mut rig = Rig::connected(mailbox().reacting("RETR", &vec![Reaction::Silence; 9]));
        let open = rig.open("a");
        rig.pass(MINUTE / 2);
        rig.sleep(HOUR);
        rig.pass(MINUTE / 2 - Duration::from_secs(1));
        assert!(open.given().is_none());
        rig.pass(Duration::from_secs(1));
        assert!(matches!(open.given(), Some(Err(Error::TimedOut))));
    }

    #[test]
    fn a_login_that_the_machine_slept_through_is_not_refused() {
        let mut rig = Rig::new(mailbox().reacting("PASS", &[Reaction::Silence]));
        let connected = rig.ask(super::super::super::handle::Maildrop::connect);
        rig.sleep(HOUR);
        assert!(matches!(connected.given(), Some(Err(Error::Offline(_)))));
        rig.pass(MINUTE);
        assert_eq!(rig.connect(), Ok(()));
    }

    #[test]
    fn a_commit_that_the_machine_slept_through_comes_to_its_end() {
        let mut rig = Rig::connected(mailbox().reacting("QUIT", &[Reaction::Silence]));
        rig.mark("a");
        let commit = rig.commit();
        rig.script.update();
        rig.sleep(HOUR);
        rig.pass(MINUTE / 2);
        assert!(commit.report().complete);
        assert_eq!(rig.script.left(), ["b"]);
    }
}
