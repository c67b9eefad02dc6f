//! New listings. Mail that comes and goes shows in none but a new session (RFC 1939 section 3).

use std::fmt;
use std::time::Duration;

use super::super::clock::Moment;
use super::super::error::{Error, Outage, OutageKind};
use super::super::locked;
use super::super::reader::Answer;
use super::super::reconcile::Reconciled;
use super::super::session::Session;
use super::super::state::State;
use super::super::status::LinkStatus;
use super::restraint::Permission;
use super::{Engine, Turn};

/// So long after a program has last asked for something, its user may still look at what it shows: a
/// file manager asks for nothing until it is told of new mail.
const INTEREST: Duration = Duration::from_secs(3600);

/// When to look for new mail without being asked.
#[derive(Debug)]
pub(super) struct Lookout {
    interval: Option<Duration>,
    /// When the maildrop was last listed, or that was tried.
    looked: Option<Moment>,
    /// When the maildrop was last seen to be in use.
    used: Option<Moment>,
    /// Whether a new session is to be made for it.
    wanted: bool,
}

impl Lookout {
    /// To look this often, or never.
    pub fn new(interval: Option<Duration>) -> Self {
        Self {
            interval,
            looked: None,
            used: None,
            wanted: false,
        }
    }

    /// Whether a new session is to be made.
    pub fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// The maildrop has been listed, or that has failed.
    pub fn looked(&mut self, now: Moment) {
        self.looked = Some(now);
        self.wanted = false;
    }

    /// When to look again. What is under way is interrupted, but not too soon.
    fn due(&self, busy: bool) -> Option<Moment> {
        let interval = self.interval.filter(|_| !self.wanted)?;
        let patience = if busy { interval } else { Duration::ZERO };
        self.looked.map(|looked| looked + interval + patience)
    }

    fn is_used(&self, now: Moment) -> bool {
        self.used.is_some_and(|used| now - used < INTEREST)
    }
}

/// What a listing has shown that the one before had not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct News {
    arrived: u64,
    vanished: u64,
}

impl News {
    /// The news in what a listing has come to.
    pub fn of(outcome: &Reconciled) -> Self {
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
    pub(super) fn asked_to_refresh(
        &mut self,
        until: Moment,
        even_refused: bool,
        answer: Answer<()>,
        turn: &mut Turn<'_>,
    ) {
        if !even_refused
            && let Permission::Refused(error) = self.link.restraint.permission(turn.now)
        {
            return turn.answer(answer, Err(error));
        }
        let again = self.link.restraint.logs_in_again();
        if let Some(again) = again.filter(|again| *again > until) {
            let seconds = (again - turn.now).as_secs();
            let words = format!("the server wants to have no login for another {seconds} s");
            turn.state.link.problem = Some(words.clone());
            let error = Error::Offline(Outage::new(OutageKind::Busy, words));
            return turn.answer(answer, Err(error));
        }
        self.waiting.refreshers.push(until, answer);
        if let Some(session) = self.link.session_mut() {
            session.outdate();
        }
    }

    /// Leaves a session whose listing is too old for somebody, once the server would have us back.
    pub(super) fn retire_outdated(&mut self, now: Moment) {
        let again = self.link.restraint.logs_in_again();
        if let Some(session) = self.link.session_mut()
            && session.is_listed()
            && session.is_outdated()
            && again.is_none_or(|again| again <= now)
        {
            session.retire();
        }
    }

    /// Until when such a session is kept.
    pub(super) fn outdated_until(&self) -> Option<Moment> {
        let session = self.link.session()?;
        let is_kept = session.is_listed() && session.is_outdated() && !session.is_retired();
        let again = self.link.restraint.logs_in_again();
        again.filter(|_| is_kept)
    }

    /// Looks for new mail if it is time and somebody may want to know; else waits for somebody.
    pub(super) fn look_out(&mut self, turn: &mut Turn<'_>) {
        if turn.state.attendance.look() {
            self.lookout.used = Some(turn.now);
        }
        let due = self.look_due(turn.state);
        let is_due = due.is_some_and(|due| due <= turn.now);
        let is_used = self.lookout.is_used(turn.now);
        turn.state.attendance.await_next(is_due && !is_used);
        if !is_due || !is_used {
            return;
        }
        if self.link.restraint.is_locked_out() {
            return self.lookout.looked(turn.now);
        }
        self.lookout.wanted = true;
        if let Some(session) = self.link.session_mut() {
            session.retire();
        }
    }

    /// When it is time to look for new mail, if that is not for somebody to ask.
    pub(super) fn look_out_at(&self) -> Option<Moment> {
        let state = locked(&self.state);
        self.look_due(&state)
            .filter(|_| !state.attendance.is_awaited())
    }

    /// When it is time to look, if no listing is coming anyway.
    fn look_due(&self, state: &State) -> Option<Moment> {
        let can_look = self.link.is_down() || self.link.is_listed();
        let busy =
            state.next_demand().is_some() || self.link.session().is_some_and(Session::is_at_work);
        let due = self.lookout.due(busy);
        let due = due.max(due.and(self.link.restraint.logs_in_again()));
        due.filter(|_| can_look && self.commit.is_none())
    }

    /// There is a new listing.
    pub(super) fn refreshed(&mut self, turn: &mut Turn<'_>) {
        self.lookout.looked(turn.now);
        if self.has_work(turn) {
            self.worked = Some(turn.now);
        }
        if !self.link.session().is_some_and(Session::is_outdated) {
            self.waiting.refreshers.answer(&Ok(()), turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Change;
    use super::super::super::cache::Cache;
    use super::super::super::handle::Maildrop;
    use super::super::super::message::Place;
    use super::super::super::open::{Holding, OpenMessage};
    use super::super::super::settings::Settings;
    use super::super::Order;
    use super::super::idleness::GLANCE;
    use super::super::restraint::REFUSED_PAUSE;
    use super::super::rig::{Rig, settings};
    use super::super::script::{Reaction, Script};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_secs(60);

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")])
    }

    /// A connected rig that looks for new mail every five minutes, and parks after one.
    fn looking(script: Script) -> Rig {
        let settings = Settings {
            idle: Some(MINUTE),
            refresh: Some(5 * MINUTE),
            ..settings()
        };
        let mut rig = Rig::with(settings, script, Vec::new());
        rig.connect().unwrap();
        rig
    }

    fn shows(rig: &Rig, name: &str) -> bool {
        rig.maildrop.find(Place::Root, name).is_some()
    }

    #[test]
    fn new_mail_appears_by_itself_while_the_maildrop_is_used() {
        let mut rig = looking(mailbox());
        replace_a_by_c(&mut rig);
        assert!(shows(&rig, "a"));
        rig.pass(5 * MINUTE - SECOND);
        assert!(shows(&rig, "a") && !shows(&rig, "c"));
        rig.pass(SECOND);
        assert!(!shows(&rig, "a") && shows(&rig, "c"));
        assert_eq!(rig.script.sessions, 2);
    }

    #[test]
    fn a_session_that_was_made_to_look_is_soon_ended_unless_there_is_work() {
        for reads in [false, true] {
            let mut rig = looking(mailbox());
            assert!(shows(&rig, "a"));
            rig.pass(5 * MINUTE);
            if reads {
                rig.body("a").unwrap();
            }
            rig.pass(GLANCE);
            assert_eq!(rig.is_linked(), reads);
        }
    }

    #[test]
    fn a_look_in_the_midst_of_work_does_not_shorten_the_session() {
        let mut rig = looking(mailbox());
        rig.pass(MINUTE / 2);
        for _ in 0..9 {
            rig.pass(MINUTE / 2);
            rig.body("a").unwrap();
            rig.forget("a");
        }
        rig.pass(MINUTE / 4);
        assert_eq!((rig.script.sessions, rig.is_linked()), (2, true));
    }

    #[test]
    fn nobody_looks_for_whoever_has_left_until_somebody_comes() {
        let mut rig = looking(mailbox());
        assert!(shows(&rig, "a"));
        rig.pass(24 * 60 * MINUTE);
        assert_eq!((rig.script.sessions, rig.engine.wake_at()), (13, None));
        replace_a_by_c(&mut rig);
        assert!(shows(&rig, "a"));
        rig.run();
        assert!(shows(&rig, "c"));
    }

    #[test]
    fn whoever_has_something_open_has_not_left() {
        let mut rig = looking(mailbox());
        let presence = rig.maildrop.presence();
        rig.pass(10 * 60 * MINUTE);
        assert_eq!(rig.script.sessions, 121);
        drop(presence);
        rig.pass(10 * 60 * MINUTE);
        assert!(rig.script.sessions < 140);
    }

    #[test]
    fn work_without_end_is_interrupted_and_goes_on() {
        let names: Vec<String> = (0..60).map(|number| number.to_string()).collect();
        let messages: Vec<_> = names.iter().map(|name| (&**name, "x\r\n")).collect();
        let script = Script::of(&messages).reacting("RETR", &vec![Reaction::Silence; 60]);
        let mut rig = looking(script);
        let mut waiting = rig.open("0");
        let mut rounds = 0;
        for name in &names[1..] {
            let next = rig.open(name);
            rig.pass(MINUTE / 3);
            rig.hear("+OK\r\nx\r\n.\r\n");
            assert!(matches!(waiting.given(), Some(Ok(_))));
            waiting = next;
            rounds += usize::from(rig.script.sessions == 1);
        }
        assert_eq!((rounds, rig.script.sessions), (29, 2));
    }

    #[test]
    fn a_look_that_fails_is_put_off_and_disturbs_nobody() {
        let mut rig = looking(mailbox());
        rig.body("a").unwrap();
        rig.outage = Some(Outage::new(OutageKind::Unreachable, "no route"));
        rig.pass(29 * MINUTE);
        let connects = rig.ordered.iter().filter(|it| **it == Order::Connect);
        assert_eq!(connects.count(), 1 + 5);
        assert_eq!(rig.body("a").as_deref(), Ok("one\r\n"));
    }

    #[test]
    fn logins_are_as_far_apart_as_the_server_wants_them() {
        let mut rig = looking(mailbox().announcing(&["LOGIN-DELAY 900"]));
        assert!(shows(&rig, "a"));
        rig.pass(15 * MINUTE - SECOND);
        assert_eq!(rig.script.sessions, 1);
        let refreshed = rig.ask(Maildrop::refresh);
        assert!(refreshed.given().is_none(), "a second can be waited for");
        rig.pass(SECOND);
        assert_eq!(refreshed.given(), Some(Ok(())));
        let words = "the server wants to have no login for another 900 s";
        let busy = Error::Offline(Outage::new(OutageKind::Busy, words));
        assert_eq!(rig.ask(Maildrop::refresh).given(), Some(Err(busy)));
        assert!(rig.is_linked());
    }

    #[test]
    fn no_look_tries_a_refused_login_again() {
        let mut rig = looking(mailbox());
        let no = Reaction::Say("-ERR [AUTH] no\r\n");
        rig.script.react("PASS", &vec![no; 100]);
        assert!(shows(&rig, "a"));
        rig.pass(59 * MINUTE);
        assert_eq!(rig.script.count("PASS"), 1 + 1);
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
            let bare = OpenMessage {
                body: Holding::default(),
                ..open
            };
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
    fn who_only_looks_for_mail_does_not_try_a_refused_login_again() {
        let mut rig = Rig::connected(mailbox());
        rig.cut();
        let no = Reaction::Say("-ERR [AUTH] no\r\n");
        rig.script.react("PASS", &[no]);
        let refused = |result| matches!(result, Some(Err(Error::LoginRefused(_))));
        for _ in 0..3 {
            assert!(refused(rig.ask(Maildrop::look).given()));
            rig.pass(Duration::from_secs(30));
        }
        assert_eq!(rig.script.count("PASS"), 2);
        rig.pass(REFUSED_PAUSE);
        assert_eq!(rig.ask(Maildrop::look).given(), Some(Ok(())));
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
