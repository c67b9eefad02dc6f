//! Messages that the server lists and does not give.
//!
//! Another client may have deleted them since. Most servers refuse them then, and do not say why; some
//! (mailutils) give nothing of them. Only the listing of another session tells (RFC 1939 section 3), so
//! one is made for whoever waits for such a message; but one is enough for all that has been
//! deleted, and a server that denies what it has is not to be logged in to for each message.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::pop3::Reply;

use super::super::clock::Moment;
use super::super::error::Error;
use super::super::fetch::Fetch;
use super::super::message::MessageId;
use super::super::session::{Refusal, is_about_a_limit};
use super::{Engine, Turn};

/// The least time between two listings that are made for that. Servers count logins, and whoever looks at
/// a mailbox of which a server gives nothing asks for many messages in a minute.
const LISTINGS_APART: Duration = Duration::from_secs(60);

/// The messages, and when they were looked for.
#[derive(Default)]
pub(super) struct Denials {
    /// Messages that came empty before the present listing.
    hollow: BTreeSet<MessageId>,
    /// Messages that were refused, and looked for: if they are listed, it will not help to look again.
    refused: BTreeSet<MessageId>,
    looked: Option<Moment>,
    /// Whether the server has been seen to have messages that are empty.
    has_empty: bool,
}

impl Denials {
    /// Whether a message that has come is to be believed, as it has octets, or has been listed once more
    /// since it came without any.
    pub fn believe(&mut self, id: MessageId, is_doubtful: bool) -> bool {
        let is_confirmed = self.hollow.remove(&id);
        self.refused.remove(&id);
        self.has_empty |= is_confirmed && is_doubtful;
        is_confirmed || !is_doubtful
    }

    /// The message is listed no more.
    pub fn left(&mut self, id: MessageId) {
        self.hollow.remove(&id);
        self.refused.remove(&id);
    }

    /// Whether it is time for another listing. Where messages are empty each of them takes one: there is
    /// no other way to it, and it is needed only once.
    fn is_due(&self, now: Moment) -> bool {
        let is_late = |looked| looked + LISTINGS_APART <= now;
        self.has_empty || self.looked.is_none_or(is_late)
    }
}

impl Engine {
    /// A message has come empty.
    pub(super) fn came_empty(&mut self, id: MessageId, turn: &mut Turn<'_>) {
        if self.look_for(id, turn) {
            self.denials.hollow.insert(id);
        } else {
            let words = "the server gave nothing for a message it listed";
            self.refuse(Fetch::whole(id), &Error::Protocol(words.to_owned()), turn);
        }
    }

    /// RETR was refused.
    pub(super) fn retr_refused(&mut self, id: MessageId, reply: &Reply, turn: &mut Turn<'_>) {
        if self.may_be_gone(id, reply, turn.now) && self.look_for(id, turn) {
            self.denials.refused.insert(id);
            return;
        }
        let words = reply.text().to_owned();
        let error = if is_about_a_limit(reply) {
            Error::Limited(words)
        } else {
            Error::Refused(words)
        };
        self.refuse(Fetch::whole(id), &error, turn);
    }

    /// Whether a refusal leaves open that the message has gone since it was listed, and it is worth a
    /// login to know. It is not where the server would not have us back yet.
    fn may_be_gone(&self, id: MessageId, reply: &Reply, now: Moment) -> bool {
        let again = self.link.restraint.logs_in_again();
        Refusal::of(reply) == Refusal::Unexplained
            && !is_about_a_limit(reply)
            && !self.denials.refused.contains(&id)
            && again.is_none_or(|again| again <= now)
    }

    /// Leaves the session in good order, as some servers keep the maildrop locked for minutes otherwise,
    /// so that whoever waits for the message gets it in the next one, or hears that it is gone. False if
    /// nobody does, or it is too soon.
    fn look_for(&mut self, id: MessageId, turn: &mut Turn<'_>) -> bool {
        if !self.may_look(turn.now) {
            return false;
        }
        turn.state.disbelieve(&[id], &mut turn.step.effects);
        let is_awaited = turn.state.is_awaited(id);
        if let Some(session) = self.link.session_mut().filter(|_| is_awaited) {
            log::info!("the server does not give a message that it listed; listing anew");
            session.retire();
            self.denials.looked = Some(turn.now);
        }
        is_awaited
    }

    /// Whether another session may be made, or will be anyway.
    fn may_look(&self, now: Moment) -> bool {
        self.link.is_retired() || self.denials.is_due(now)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::event::EventKind;
    use super::super::super::locked;
    use super::super::super::message::Place;
    use super::super::super::settings::Settings;
    use super::super::rig::{Rig, settings};
    use super::super::script::{Reaction, Script};
    use super::*;

    const REFUSAL: Reaction = Reaction::Say("-ERR no such message\r\n");

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n"), ("c", "and three\r\n")])
    }

    /// A mount of a mailbox from which another client deletes the first message.
    fn bereft(script: Script) -> Rig {
        let mut rig = Rig::connected(script);
        rig.script.messages.remove(0);
        rig
    }

    fn refused() -> Result<String, Error> {
        Err(Error::Refused("no such message".to_owned()))
    }

    #[test]
    fn a_refused_message_that_another_client_has_deleted_is_stale_and_disappears() {
        let mut rig = bereft(mailbox().reacting("RETR 1", &[REFUSAL]));
        assert_eq!(rig.body("a"), Err(Error::Vanished));
        assert_eq!(rig.maildrop.find(Place::Root, "a"), None);
        let events = locked(&rig.events);
        let vanished = |event: &EventKind| matches!(event, EventKind::Vanished(_));
        assert_eq!(events.iter().filter(|event| vanished(event)).count(), 1);
        drop(events);
        assert_eq!(rig.body("b").as_deref(), Ok("two\r\n"));
        assert_eq!((rig.script.sessions, rig.script.count("QUIT")), (2, 1));
    }

    #[test]
    fn one_listing_tells_of_all_that_wait_for_what_has_been_deleted() {
        let script = mailbox().announcing(&["PIPELINING"]);
        let mut rig = bereft(script.reacting("RETR", &vec![Reaction::Silence; 2]));
        rig.script.messages.clear();
        let opens = ["a", "c"].map(|name| rig.open(name));
        rig.hear("-ERR gone\r\n-ERR gone\r\n");
        for open in opens {
            assert!(matches!(open.given(), Some(Err(Error::Vanished))));
        }
        assert_eq!(rig.script.sessions, 2);
    }

    #[test]
    fn a_refused_message_that_is_listed_is_looked_for_once_until_it_is_given() {
        let mut rig = Rig::connected(mailbox().reacting("RETR 1", &vec![REFUSAL; 4]));
        for _ in 0..3 {
            assert_eq!(rig.body("a"), refused());
            rig.pass(10 * LISTINGS_APART);
            assert_eq!(rig.script.sessions, 2);
        }
        assert_eq!(rig.body("a").as_deref(), Ok("one\r\n"));
        rig.forget("a");
        rig.script.react("RETR 1", &vec![REFUSAL; 2]);
        assert_eq!(rig.body("a"), refused());
        assert_eq!(rig.script.sessions, 3);
    }

    #[test]
    fn what_was_denied_is_forgotten_with_the_message() {
        let empty = Reaction::Say("+OK\r\n.\r\n");
        for denial in [REFUSAL, empty] {
            let mut rig = Rig::connected(mailbox().reacting("RETR 1", &[denial]));
            rig.script.react("PASS", &[Reaction::Silence]);
            rig.open("a");
            let denials = |rig: &Rig| {
                let denials = &rig.engine.denials;
                denials.hollow.len() + denials.refused.len()
            };
            assert_eq!(denials(&rig), 1);
            rig.script.messages.remove(0);
            rig.hear("+OK\r\n");
            assert_eq!((rig.script.sessions, denials(&rig)), (2, 0));
        }
    }

    #[test]
    fn a_server_that_refuses_everything_is_not_logged_in_to_for_each_message() {
        let mut rig = Rig::connected(mailbox().reacting("RETR", &vec![REFUSAL; 9]));
        for (name, wait, sessions) in [("a", 0, 2), ("b", 59, 2), ("c", 1, 3)] {
            rig.pass(Duration::from_secs(wait));
            assert_eq!(rig.body(name), refused());
            assert_eq!(rig.script.sessions, sessions);
        }
    }

    #[test]
    fn an_empty_body_proves_nothing_where_the_size_is_listed_as_none() {
        let empty = Reaction::Say("+OK\r\n.\r\n");
        let listing = Reaction::Say("+OK\r\n1 0\r\n2 5\r\n3 7\r\n.\r\n");
        let script = mailbox().reacting("LIST", &[listing]);
        let mut rig = bereft(script.reacting("RETR", &[empty]));
        assert_eq!(rig.body("a"), Err(Error::Vanished));
        assert_eq!(rig.script.sessions, 2);
    }

    #[test]
    fn each_of_many_empty_messages_is_given_that_are_listed_otherwise() {
        let empty = Reaction::Say("+OK\r\n.\r\n");
        let mut rig = Rig::connected(mailbox().reacting("RETR", &vec![empty; 6]));
        for (name, sessions) in [("a", 2), ("b", 3), ("a", 3), ("c", 4)] {
            assert_eq!(rig.body(name).as_deref(), Ok(""));
            assert_eq!(rig.script.sessions, sessions);
        }
    }

    #[test]
    fn a_refusal_that_says_why_and_one_that_comes_too_soon_for_another_login_are_believed() {
        for (capability, words) in [
            ("UIDL", "-ERR [SYS/TEMP] disk\r\n"),
            ("UIDL", "-ERR download quota exceeded\r\n"),
            ("LOGIN-DELAY 300", "-ERR gone\r\n"),
        ] {
            let script = mailbox().announcing(&[capability]);
            let mut rig = bereft(script.reacting("RETR 1", &[Reaction::Say(words)]));
            let refused = rig.body("a");
            assert!(matches!(
                refused,
                Err(Error::Refused(_) | Error::Limited(_))
            ));
            assert_eq!(rig.script.sessions, 1, "{words}");
        }
    }

    #[test]
    fn the_beginning_of_a_message_that_is_gone_is_refused_and_top_is_used_for_others() {
        let long = "a line of text\r\n".repeat(10_000);
        let as_it_comes = Settings {
            long: 0,
            ..settings()
        };
        let script = Script::of(&[("a", &long), ("b", &long)]).announcing(&["TOP"]);
        let mut rig = Rig::with(as_it_comes, script, Vec::new());
        rig.connect().unwrap();
        let opens = ["a", "b"].map(|name| rig.open(name).given().unwrap().unwrap());
        rig.script.messages.remove(0);
        rig.script.react("RETR 1", &[REFUSAL]);
        rig.script.react("TOP 1", &[REFUSAL]);
        let parts = opens.map(|open| rig.part(&open, 0, 100).given().unwrap());
        assert!(matches!(parts[0], Err(Error::Vanished)));
        assert!(parts[1].is_ok());
        assert_eq!((rig.script.count("TOP"), rig.script.count("RETR")), (2, 1));
    }

    #[test]
    fn an_empty_body_of_a_message_that_was_not_listed_so_is_found_out_by_a_listing() {
        let empty = Reaction::Say("+OK\r\n.\r\n");
        for (gone, since) in [(false, 0), (true, 0), (false, 60), (true, 60)] {
            let mut rig = Rig::connected(mailbox().reacting("RETR", &vec![empty.clone(); 2]));
            rig.pass(Duration::from_secs(since));
            if gone {
                rig.script.messages.remove(0);
            }
            let expected = if gone { Err(Error::Vanished) } else { Ok("") };
            assert_eq!(rig.body("a").as_deref().map_err(Clone::clone), expected);
            assert_eq!((rig.script.sessions, rig.script.count("QUIT")), (2, 1));
        }
    }

    #[test]
    fn an_empty_body_that_a_listing_has_confirmed_is_believed_at_any_time() {
        let empty = Reaction::Say("+OK\r\n.\r\n");
        let script = mailbox().reacting("RETR", &vec![empty; 2]);
        let impatient = Settings {
            timeout: Duration::from_secs(5),
            ..settings()
        };
        let mut rig = Rig::with(impatient, script, Vec::new());
        rig.connect().unwrap();
        rig.pass(Duration::from_secs(60));
        rig.script.react("", &[Reaction::Silence]);
        let open = rig.open("a");
        rig.pass(Duration::from_secs(5));
        assert!(matches!(open.given(), Some(Err(Error::TimedOut))));
        rig.hear("+OK at last\r\n");
        rig.pass(Duration::from_secs(60));
        assert_eq!(rig.body("a").as_deref(), Ok(""));
        assert_eq!(rig.script.sessions, 2);
    }

    #[test]
    fn an_empty_body_is_not_believed_where_another_was_gone_that_came_so() {
        let empty = Reaction::Say("+OK\r\n.\r\n");
        let mut rig = bereft(mailbox().reacting("RETR", &vec![empty; 2]));
        assert_eq!(rig.body("a"), Err(Error::Vanished));
        assert!(matches!(rig.body("b"), Err(Error::Protocol(_))));
        assert_eq!(rig.body("b").as_deref(), Ok("two\r\n"));
        assert_eq!(rig.script.sessions, 2);
    }

    #[test]
    fn an_empty_body_is_not_believed_for_one_that_came_before_a_good_one() {
        let empty = Reaction::Say("+OK\r\n.\r\n");
        let script = mailbox().reacting("RETR", std::slice::from_ref(&empty));
        let mut rig = Rig::connected(script);
        rig.pass(Duration::from_secs(60));
        assert_eq!(rig.body("a").as_deref(), Ok("one\r\n"));
        assert_eq!(rig.script.sessions, 2);
        rig.forget("a");
        rig.pass(Duration::from_secs(60));
        rig.script.react("RETR", &[empty]);
        assert_eq!(rig.body("a").as_deref(), Ok("one\r\n"));
        assert_eq!(rig.script.sessions, 3);
    }
}
