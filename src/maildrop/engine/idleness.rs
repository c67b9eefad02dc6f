//! A session without work: it is ended before long, or held for as long as the user wants it held.

use std::time::Duration;

use crate::pop3::CommandError;

use super::super::clock::Moment;
use super::super::session::Session;
use super::{Engine, Turn};

/// The shortest silence after which servers hang up (solid-pop3d, WildDuck). RFC 1939 section 3
/// promises ten minutes.
const HANG_UP: Duration = Duration::from_secs(60);

/// A session that is to be held beyond [`HANG_UP`] says something after this silence.
const NOOP: Duration = Duration::from_secs(50);

/// A session that was made to look for new mail is ended sooner: others may want the maildrop, but
/// whoever sees new mail reads it.
pub(super) const GLANCE: Duration = Duration::from_secs(10);

/// A session in which no reply is due, and there is nothing to ask for.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Idleness {
    /// When the maildrop was listed in it.
    pub listed: Moment,
    /// When the server last said something.
    pub heard: Moment,
}

/// What is due in such a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// It is ended.
    Park,
    /// The server is shown that somebody is there.
    Noop,
}

impl Idleness {
    /// What is due next, and when, where the session is to be ended then, if at all.
    fn next(&self, park: Option<Moment>) -> (Moment, Deed) {
        match park {
            Some(park) if park <= self.heard + HANG_UP => (park, Deed::Park),
            _ => (self.heard + NOOP, Deed::Noop),
        }
    }
}

impl Engine {
    /// When a session without work is to be seen to.
    pub(super) fn idle_until(&self) -> Option<Moment> {
        self.next_idle_deed().map(|(due, _)| due)
    }

    fn next_idle_deed(&self) -> Option<(Moment, Deed)> {
        let idleness = self.link.session()?.idleness()?;
        Some(idleness.next(self.park_at(&idleness)))
    }

    /// A session that has had work, be it in one before, is kept a while; and none is ended so soon
    /// that the server would not have us back.
    fn park_at(&self, idleness: &Idleness) -> Option<Moment> {
        let limit = self.idle?;
        let looked = idleness.listed + limit.min(GLANCE);
        let worked = self.worked.map(|worked| worked + limit);
        let bounds = [Some(looked), worked, self.link.restraint.logs_in_again()];
        bounds.into_iter().flatten().max()
    }

    /// Notes that there is work, for this or the next session.
    pub(super) fn note_work(&mut self, now: Moment) {
        if self.link.session().is_some_and(Session::is_at_work) {
            self.worked = Some(now);
        }
    }

    /// Sees to a session that has got no work.
    pub(super) fn idle(&mut self, turn: &mut Turn<'_>) -> Result<(), CommandError> {
        let due = self.next_idle_deed().filter(|(due, _)| *due <= turn.now);
        if due.is_some() {
            turn.state.rest();
        }
        match (due, self.link.session_mut()) {
            (Some((_, Deed::Park)), Some(session)) => session.leave(turn.now),
            (Some((_, Deed::Noop)), Some(session)) => session.noop(turn.now),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::handle::Maildrop;
    use super::super::super::message::Place;
    use super::super::super::settings::Settings;
    use super::super::super::status::SessionStatus;
    use super::super::rig::{Rig, settings};
    use super::super::script::{Reaction, Script};
    use super::*;

    const IDLE: Duration = Duration::from_secs(60);

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")])
    }

    /// A connected rig that parks after so long.
    fn parking(idle: Duration, script: Script) -> Rig {
        let idle = Settings {
            idle: Some(idle),
            ..settings()
        };
        let mut rig = Rig::with(idle, script, Vec::new());
        rig.connect().unwrap();
        rig
    }

    fn status(rig: &Rig) -> SessionStatus {
        rig.maildrop.status().link.session
    }

    #[test]
    fn a_session_without_work_is_ended_in_good_order() {
        let mut rig = parking(IDLE, mailbox());
        rig.mark("a");
        rig.pass(IDLE - Duration::from_secs(1));
        assert_eq!(status(&rig), SessionStatus::Connected);
        rig.pass(Duration::from_secs(1));
        assert_eq!(status(&rig), SessionStatus::Parked);
        assert!(!rig.is_linked());
        assert_eq!(rig.script.heard.last().map(String::as_str), Some("QUIT"));
        assert_eq!((rig.script.count("DELE"), rig.script.count("NOOP")), (0, 0));
        assert_eq!(rig.script.left(), ["a", "b"]);
        assert_eq!(rig.engine.wake_at(), None);
        assert_eq!(rig.maildrop.status().link.problem, None);
    }

    #[test]
    fn work_puts_parking_off() {
        let mut rig = parking(IDLE, mailbox());
        rig.pass(Duration::from_secs(59));
        rig.body("a").unwrap();
        rig.pass(Duration::from_secs(59));
        assert_eq!(status(&rig), SessionStatus::Connected);
        rig.pass(Duration::from_secs(1));
        assert_eq!(status(&rig), SessionStatus::Parked);
    }

    #[test]
    fn a_read_brings_a_session_back_whose_numbers_are_others() {
        let mut rig = parking(IDLE, mailbox());
        let id = rig.id("b");
        rig.pass(IDLE);
        rig.script.messages.swap(0, 1);
        assert_eq!(rig.body("b").as_deref(), Ok("two\r\n"));
        assert_eq!((rig.id("b"), rig.script.sessions), (id, 2));
        assert_eq!(rig.script.heard.last().map(String::as_str), Some("RETR 1"));
    }

    #[test]
    fn a_session_is_held_as_long_as_is_wanted_and_never_silent_for_a_minute() {
        let mut rig = Rig::connected(mailbox());
        rig.pass(Duration::from_secs(3600));
        assert_eq!((rig.script.count("NOOP"), rig.script.sessions), (72, 1));
        assert!(rig.is_linked());
        let mut rig = parking(Duration::from_secs(200), mailbox());
        rig.pass(Duration::from_secs(3600));
        assert_eq!((rig.script.count("NOOP"), rig.script.count("QUIT")), (3, 1));
    }

    #[test]
    fn a_session_is_held_until_the_server_would_have_us_back() {
        let mut rig = parking(IDLE, mailbox().announcing(&["LOGIN-DELAY 300"]));
        rig.pass(Duration::from_secs(299));
        assert!(rig.is_linked());
        rig.pass(Duration::from_secs(1));
        assert_eq!(status(&rig), SessionStatus::Parked);
        assert_eq!(rig.script.count("NOOP"), 5);
    }

    #[test]
    fn a_server_that_does_not_know_noop_is_no_worse_for_it() {
        let mut rig = Rig::connected(mailbox().reacting("NOOP", &[Reaction::Say("-ERR\r\n")]));
        rig.pass(NOOP);
        assert_eq!(rig.body("a").as_deref(), Ok("one\r\n"));
        assert_eq!(rig.script.sessions, 1);
    }

    #[test]
    fn a_server_that_does_not_answer_noop_is_left() {
        let mut rig = Rig::connected(mailbox().reacting("NOOP", &[Reaction::Silence]));
        rig.pass(Duration::from_secs(3600));
        assert!(!rig.is_linked());
        assert_eq!(rig.body("a").as_deref(), Ok("one\r\n"));
    }

    #[test]
    fn nobody_waits_long_for_the_farewell_to_a_session_without_marks() {
        let mut rig = parking(IDLE, mailbox().reacting("QUIT", &[Reaction::Silence]));
        rig.pass(IDLE);
        let open = rig.open("a");
        rig.pass(Duration::from_secs(5));
        assert!(matches!(open.given(), Some(Ok(_))));
        assert_eq!(rig.maildrop.status().link.problem, None);
    }

    #[test]
    fn the_verb_parks_at_once_and_a_read_comes_back() {
        let mut rig = Rig::connected(mailbox());
        let parked = rig.ask(Maildrop::park);
        assert_eq!(parked.given(), Some(Ok(())));
        assert_eq!(status(&rig), SessionStatus::Parked);
        assert_eq!(rig.body("a").as_deref(), Ok("one\r\n"));
    }

    #[test]
    fn parking_waits_for_what_is_under_way() {
        let mut rig = Rig::connected(mailbox().reacting("RETR", &[Reaction::Silence]));
        let open = rig.open("a");
        let parked = rig.ask(Maildrop::park);
        assert!(parked.given().is_none());
        rig.hear("+OK\r\none\r\n.\r\n");
        assert!(matches!(open.given(), Some(Ok(_))));
        assert_eq!(parked.given(), Some(Ok(())));
    }

    #[test]
    fn a_commit_finds_the_way_back_by_itself() {
        let mut rig = parking(IDLE, mailbox());
        rig.mark("a");
        rig.pass(IDLE);
        let report = rig.commit().report();
        assert!(report.complete);
        assert_eq!(rig.script.left(), ["b"]);
        assert!(rig.maildrop.find(Place::Root, "b").is_some());
    }

    #[test]
    fn bodies_that_nobody_has_open_any_more_leave_memory() {
        let no_room = Settings {
            cache_size: 0,
            idle: None,
            ..settings()
        };
        let mut rig = Rig::with(no_room, mailbox(), Vec::new());
        rig.connect().unwrap();
        rig.body("a").unwrap();
        assert_eq!(rig.maildrop.status().cache.messages, 1);
        rig.pass(NOOP);
        assert_eq!(rig.maildrop.status().cache.messages, 0);
    }
}
