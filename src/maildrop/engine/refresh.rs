//! New listings. Mail that comes and goes shows in none but a new session (RFC 1939 section 3).

use std::fmt;

use super::super::clock::Moment;
use super::super::reader::Answer;
use super::super::reconcile::Outcome;
use super::super::status::LinkStatus;
use super::{Engine, Turn};

/// What a listing has shown that the one before had not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct News {
    arrived: u64,
    vanished: u64,
}

impl News {
    /// The news in what a listing has come to.
    pub fn of(outcome: &Outcome) -> Self {
        Self {
            arrived: outcome.arrived.len() as u64,
            vanished: outcome.vanished.len() as u64,
        }
    }

    /// Counts them in the status; all is new to the first listing.
    pub fn note(self, link: &mut LinkStatus) {
        if link.listed.is_some() {
            link.arrived += self.arrived;
            link.vanished += self.vanished;
        }
    }
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} new, {} gone", self.arrived, self.vanished)
    }
}

impl Engine {
    /// A session that is logged in already may have been listed too early; one that is only being
    /// connected will serve.
    pub(super) fn asked_to_refresh(&mut self, until: Moment, answer: Answer<()>) {
        self.refreshers.push(until, answer);
        if let Some(session) = self.link.session_mut() {
            session.retire();
        }
    }

    /// There is a new listing.
    pub(super) fn refreshed(&mut self, turn: &mut Turn<'_>) {
        if !self.link.is_retired() {
            self.refreshers.answer(&Ok(()), turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::Change;
    use super::super::super::cache::Cache;
    use super::super::super::error::Error;
    use super::super::super::handle::Maildrop;
    use super::super::super::locked;
    use super::super::super::message::{OpenMessage, Place};
    use super::super::link::REFUSED_PAUSE;
    use super::super::rig::Rig;
    use super::super::script::{Reaction, Script};

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")])
    }

    fn replace_a_by_c(rig: &mut Rig) {
        rig.script.messages.remove(0);
        let body = "three\r\n".to_owned();
        rig.script.messages.push(("c".to_owned(), body.len(), body));
    }

    #[test]
    fn a_refresh_shows_what_has_come_and_gone_and_leaves_the_rest_as_it_was() {
        let mut rig = Rig::connected(mailbox());
        let b = rig.id("b");
        rig.body("b").unwrap();
        replace_a_by_c(&mut rig);
        rig.told.lock().unwrap().clear();
        assert_eq!(rig.ask(Maildrop::refresh).given(), Some(Ok(())));
        assert_eq!((rig.id("b"), rig.script.sessions), (b, 2));
        assert!(rig.maildrop.find(Place::Root, "a").is_none());
        let place = Place::Root;
        let (a, c) = ("a".into(), "c".into());
        assert_eq!(
            *rig.told.lock().unwrap(),
            [
                Change::Vanished { place, name: a },
                Change::Appeared { place, name: c }
            ]
        );
        assert_eq!(rig.body("b").as_deref(), Ok("two\r\n"));
        assert_eq!(rig.script.count("RETR"), 1);
        let link = rig.maildrop.status().link;
        assert_eq!((link.arrived, link.vanished), (1, 1));
        assert_eq!(link.listed, Some(1_000_000));
    }

    #[test]
    fn the_session_before_is_left_in_good_order() {
        let mut rig = Rig::connected(mailbox());
        rig.mark("a");
        rig.ask(Maildrop::refresh);
        assert_eq!(rig.script.count("QUIT"), 1);
        assert_eq!(rig.script.left(), ["a", "b"]);
        assert!(rig.maildrop.find(Place::Deleted, "a").is_some());
    }

    #[test]
    fn a_listing_that_was_under_way_is_not_taken_for_a_newer_one() {
        let mut rig = Rig::new(mailbox().reacting("LIST", &[Reaction::Silence]));
        let connected = rig.ask(Maildrop::connect);
        let refreshed = rig.ask(Maildrop::refresh);
        rig.hear("+OK\r\n1 5\r\n2 5\r\n.\r\n");
        assert_eq!(connected.given(), Some(Ok(())));
        assert_eq!(refreshed.given(), Some(Ok(())));
        assert_eq!(rig.script.sessions, 2);
    }

    #[test]
    fn what_is_on_the_wire_comes_to_its_end_and_what_is_not_waits_for_the_next_session() {
        let mut rig = Rig::connected(mailbox().reacting("RETR 1", &[Reaction::Silence]));
        let first = rig.open("a");
        let refreshed = rig.ask(Maildrop::refresh);
        let second = rig.open("b");
        rig.hear("+OK\r\none\r\n.\r\n");
        assert!(matches!(first.given(), Some(Ok(_))));
        assert!(matches!(second.given(), Some(Ok(_))));
        assert_eq!(refreshed.given(), Some(Ok(())));
        assert_eq!(rig.script.sessions, 2);
    }

    #[test]
    fn who_holds_a_vanished_message_open_reads_it_from_memory_or_not_at_all() {
        for kept in [true, false] {
            let mut rig = Rig::connected(mailbox());
            let open = rig.open("a").given().unwrap().unwrap();
            let bare = OpenMessage { body: None, ..open };
            replace_a_by_c(&mut rig);
            rig.ask(Maildrop::refresh);
            if !kept {
                locked(&rig.maildrop.shared().state).cache = Cache::new(0);
            }
            let read = rig.read(&bare).given().unwrap();
            match kept {
                true => assert_eq!(*read.unwrap(), *b"one\r\n"),
                false => assert_eq!(read.err(), Some(Error::Vanished)),
            }
        }
    }

    #[test]
    fn a_refresh_that_fails_says_so_at_once() {
        let mut rig = Rig::connected(mailbox());
        let busy = Reaction::Say("-ERR [IN-USE] busy\r\n");
        rig.script.react("PASS", &[busy]);
        let refreshed = rig.ask(Maildrop::refresh);
        assert!(matches!(refreshed.given(), Some(Err(Error::Offline(_)))));
    }

    #[test]
    fn a_refresh_is_the_way_to_try_a_refused_login_again() {
        let no = Reaction::Say("-ERR [AUTH] no\r\n");
        let mut rig = Rig::connected(mailbox());
        rig.cut();
        rig.script.react("PASS", &[no.clone(), no]);
        let refused = |result| matches!(result, Some(Err(Error::LoginRefused(_))));
        assert!(refused(rig.ask(Maildrop::refresh).given()));
        assert!(refused(rig.open("a").given().map(|it| it.map(drop))));
        assert_eq!(rig.script.count("PASS"), 2);
        assert!(refused(rig.ask(Maildrop::refresh).given()));
        assert_eq!(rig.script.count("PASS"), 3);
        rig.pass(REFUSED_PAUSE - Duration::from_secs(1));
        assert_eq!(rig.ask(Maildrop::refresh).given(), Some(Ok(())));
    }
}
