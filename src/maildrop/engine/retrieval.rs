//! Messages from the server to those who read them.

use crate::pop3::{Capabilities, CommandError, Dots, Reply};

use super::super::error::Error;
use super::super::fetch::Fetch;
use super::super::message::{MessageId, Size};
use super::super::schedule::{self, Candidate, Window};
use super::super::session::Request;
use super::{Engine, Turn};

impl Engine {
    /// Asks for what is demanded, and for what is planned as far as the window allows.
    pub(super) fn retrieve(&mut self, turn: &mut Turn<'_>) -> Result<(), CommandError> {
        if self.has_suspects() {
            return self.try_suspect(turn);
        }
        while let Some(session) = self.link.session() {
            let (flight, window) = (session.flight(), session.window(self.commands_max()));
            let demanded = turn.state.next_demand();
            let demanded = demanded.map(|fetch| candidate(fetch, turn));
            let planned = self.unasked(window, turn).map(Fetch::whole);
            let planned = planned.map(|fetch| candidate(fetch, turn));
            let Some(chosen) = schedule::next(demanded, planned, flight, window) else {
                break;
            };
            let is_unasked = demanded.is_none();
            if is_unasked && self.planned.take().is_none() {
                self.measured = Some(chosen.fetch.id);
            }
            self.ask_for(chosen, turn)?;
        }
        Ok(())
    }

    /// The next message to fetch that nobody waits for yet: what is planned stays the next one until
    /// it is asked for.
    fn unasked(&mut self, window: Window, turn: &mut Turn<'_>) -> Option<MessageId> {
        turn.state.spread(window);
        let still = self.planned.filter(|&id| turn.state.is_missing(id));
        self.planned = still.or_else(|| turn.state.plan());
        self.planned.or_else(|| self.sweep(turn))
    }

    /// The sweep goes over each message once: what is refused, or is lost with the link, is not
    /// asked for again before somebody waits for it.
    fn sweep(&mut self, turn: &Turn<'_>) -> Option<MessageId> {
        let next = self.next_unmeasured(turn);
        if next.is_none() {
            self.measured = turn.state.catalog.last();
        }
        next
    }

    pub(super) fn ask_for(
        &mut self,
        chosen: Candidate,
        turn: &mut Turn<'_>,
    ) -> Result<(), CommandError> {
        let alone = chosen.alone || self.is_lock_step();
        turn.state.begin(chosen.fetch, alone);
        if self.manners.dots() == Dots::Bare {
            turn.state.withhold(chosen.fetch);
        }
        let message = turn.state.catalog.message(chosen.fetch.id);
        let expected = message.map_or(0, |message| match message.size() {
            Size::Listed(octets) | Size::Exact(octets) => octets,
        });
        let request = Request {
            fetch: chosen.fetch,
            octets: chosen.octets,
            lines: turn.state.lines(chosen.fetch),
            alone: chosen.alone,
            expected,
        };
        let Some(session) = self.link.session_mut() else {
            return Ok(());
        };
        if !session.retrieve(request, turn.now)? {
            turn.state
                .refused(chosen.fetch, &Error::Vanished, &mut turn.step.effects);
        }
        Ok(())
    }

    /// How many commands may be in flight.
    pub(super) fn commands_max(&self) -> usize {
        let capabilities = self.capabilities();
        self.manners
            .depth(capabilities.is_some_and(Capabilities::pipelining))
    }

    /// Whether one command waits for the answer to the one before.
    pub fn is_lock_step(&self) -> bool {
        self.commands_max() == 1
    }

    /// The next message whose exact size is to be learned without being asked for.
    pub(super) fn next_unmeasured(&self, turn: &Turn<'_>) -> Option<MessageId> {
        let sweeping = turn.state.settings.exact_sizes;
        if sweeping {
            turn.state.next_unmeasured(self.measured)
        } else {
            None
        }
    }

    /// A message is whole, or has begun.
    pub(super) fn retrieved(&mut self, fetch: Fetch, turn: &mut Turn<'_>) {
        if !fetch.is_whole() {
            return turn.state.completed(fetch, &mut turn.step.effects);
        }
        let id = fetch.id;
        if !self.denials.believe(id, turn.state.is_doubtful(id)) {
            return self.came_empty(id, turn);
        }
        self.try_settled(id, turn);
        turn.state.link.transfer.retrieved += 1;
        turn.state.completed(fetch, &mut turn.step.effects);
    }

    /// The server does not stuff dots. What has come is a dot short, and asked for again; what came
    /// before may be.
    pub(super) fn unstuffed(&mut self, fetch: Fetch, turn: &mut Turn<'_>) {
        if self.manners.does_not_stuff() {
            let read: Vec<MessageId> = turn.state.catalog.present().map(|(id, _)| id).collect();
            turn.state.distrust(&read, &mut turn.step.effects);
        }
        if fetch.is_whole() {
            let effects = &mut turn.step.effects;
            turn.state.disbelieve(&[fetch.id], effects);
        } else {
            turn.state.prefixes.distrust("does not stuff dots");
            turn.state.fetch_whole_instead(fetch.id);
        }
    }

    /// The server stuffs some dots and not others, or lists a wrong size, so that it cannot be told.
    pub(super) fn garbled(&mut self, fetch: Fetch, turn: &mut Turn<'_>) {
        self.manners.may_stuff();
        if let Some(session) = self.link.session_mut() {
            session.set_dots(self.manners.dots());
        }
        let words = "it does not stuff dots, and the message has another length than it lists";
        let error = Error::Protocol(words.to_owned());
        self.refuse(fetch, &error, turn);
    }

    pub(super) fn not_retrieved(&mut self, fetch: Fetch, reply: &Reply, turn: &mut Turn<'_>) {
        if fetch.is_whole() {
            return self.retr_refused(fetch.id, reply, turn);
        }
        log::info!("TOP was refused: \"{}\"", reply.text());
        turn.state.prefixes.refused(fetch.id);
        turn.state.fetch_whole_instead(fetch.id);
    }

    pub(super) fn refuse(&self, fetch: Fetch, error: &Error, turn: &mut Turn<'_>) {
        if let Some(entry) = turn.state.catalog.entry(fetch.id) {
            log::warn!("{}: {error}", entry.name);
        }
        turn.state.refused(fetch, error, &mut turn.step.effects);
    }
}

pub(super) fn candidate(fetch: Fetch, turn: &Turn<'_>) -> Candidate {
    Candidate {
        fetch,
        octets: turn.state.expected(fetch),
        alone: turn.state.goes_alone(fetch),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::settings::Settings;
    use super::super::rig::{Rig, settings};
    use super::super::script::{Reaction, Script};
    use super::*;

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n"), ("c", "three\r\n")])
    }

    fn sweeping(script: Script) -> Rig {
        let sweeping = Settings {
            exact_sizes: true,
            cache_size: 0,
            ..settings()
        };
        let mut rig = Rig::with(sweeping, script, Vec::new());
        rig.connect().unwrap();
        rig
    }

    /// No message of more than six octets is fetched.
    fn limited(script: Script, exact_sizes: bool) -> Rig {
        let limited = Settings {
            message_max: Some(6),
            exact_sizes,
            ..settings()
        };
        let mut rig = Rig::with(limited, script, Vec::new());
        rig.connect().unwrap();
        rig
    }

    fn exact(rig: &Rig) -> Vec<bool> {
        let sizes = |name| rig.maildrop.entry(rig.id(name)).unwrap().size.is_exact();
        ["a", "b", "c"].into_iter().map(sizes).collect()
    }

    #[test]
    fn a_sweep_learns_every_size_once() {
        let rig = sweeping(mailbox());
        assert_eq!(exact(&rig), [true; 3]);
        assert_eq!(rig.script.count("RETR"), 3);
    }

    #[test]
    fn a_sweep_leaves_no_message_out_that_had_to_wait_for_room() {
        let long = format!("{}\r\n", "x".repeat(100_000));
        let script = Script::of(&[("a", "one\r\n"), ("b", &long), ("c", "three\r\n")]);
        let settings = Settings {
            long: 1000,
            exact_sizes: true,
            ..settings()
        };
        let mut rig = Rig::with(settings, script.announcing(&["PIPELINING"]), Vec::new());
        rig.connect().unwrap();
        assert_eq!(exact(&rig), [true; 3]);
    }

    #[test]
    fn a_sweep_asks_once_for_what_the_server_refuses() {
        let refusal = Reaction::Say("-ERR damaged\r\n");
        let mut rig = sweeping(mailbox().reacting("RETR 3", &vec![refusal; 9]));
        assert_eq!(exact(&rig), [true, true, false]);
        assert_eq!(rig.script.count("RETR"), 3);
        rig.pass(Duration::from_secs(3600));
        assert_eq!(rig.script.count("RETR"), 3);
    }

    #[test]
    fn a_message_of_many_readers_is_asked_for_once() {
        let mut rig = Rig::connected(mailbox().reacting("RETR", &[Reaction::Silence]));
        let opens: Vec<_> = (0..16).map(|_| rig.open("a")).collect();
        rig.hear("+OK\r\none\r\n.\r\n");
        assert!(opens.iter().all(|open| matches!(open.given(), Some(Ok(_)))));
        assert_eq!(rig.script.count("RETR"), 1);
    }

    #[test]
    fn demands_go_out_at_once_where_the_server_takes_it_else_one_by_one() {
        for (capabilities, bursts) in [(&["PIPELINING"][..], 2), (&["USER"], 1)] {
            let script = mailbox().announcing(capabilities);
            let mut rig = Rig::connected(script.reacting("RETR 1", &[Reaction::Silence]));
            rig.open("a");
            rig.open("b");
            assert_eq!(rig.script.count("RETR"), bursts);
        }
    }

    #[test]
    fn a_refused_message_is_an_error_for_itself_only() {
        let refusal = Reaction::Say("-ERR damaged\r\n");
        let mut rig = Rig::connected(mailbox().reacting("RETR 2", &vec![refusal; 2]));
        assert_eq!(rig.body("b"), Err(Error::Refused("damaged".to_owned())));
        assert_eq!(rig.body("a").as_deref(), Ok("one\r\n"));
        assert_eq!(rig.body("b").as_deref(), Ok("two\r\n"));
    }

    #[test]
    fn a_message_that_left_the_maildrop_is_stale_for_who_waits_for_it() {
        let mut rig = Rig::connected(mailbox().reacting("RETR", &[Reaction::Silence]));
        let open = rig.open("a");
        rig.script.messages.remove(0);
        rig.cut();
        assert!(matches!(open.given(), Some(Err(Error::Vanished))));
        assert_eq!(rig.body("b").as_deref(), Ok("two\r\n"));
    }

    #[test]
    fn a_server_that_neither_stuffs_dots_nor_lists_sizes_spoils_no_other_messages_for_good() {
        let dotted = ["b", "c", "d", "e", "f", "g"];
        let mut mailbox = vec![("a", "one\r\n")];
        mailbox.extend(dotted.map(|name| (name, ".x\r\n")));
        let mut script = Script::of(&mailbox);
        for message in &mut script.messages[1..] {
            message.1 = 90;
        }
        let mut rig = Rig::connected(script);
        for name in dotted {
            assert_eq!(rig.body("a").as_deref(), Ok("one\r\n"));
            assert!(matches!(rig.body(name), Err(Error::Protocol(_))), "{name}");
        }
        assert_eq!(rig.script.count("RETR 1"), 3);
    }

    #[test]
    fn two_dots_that_are_stuffed_after_all_are_no_line_end_that_was_not_counted() {
        let mut rig = Rig::connected(Script::of(&[("a", ".x\r\n"), ("b", ".y\r\n.z\r\n")]));
        assert_eq!(rig.body("a").as_deref(), Ok(".x\r\n"));
        let stuffed = Reaction::Say("+OK\r\n..y\r\n..z\r\n.\r\n");
        rig.script.react("RETR 2", &[stuffed]);
        assert!(matches!(rig.body("b"), Err(Error::Protocol(_))));
        assert_eq!(rig.body("b").as_deref(), Ok(".y\r\n.z\r\n"));
    }

    #[test]
    fn of_a_server_that_does_not_stuff_dots_nothing_is_handed_out_before_the_end() {
        let line = format!("{}\r\n", "x".repeat(98));
        let long = line.repeat(300);
        let as_it_comes = Settings {
            long: 0,
            top: false,
            ..settings()
        };
        for (first, is_withheld) in [("x\r\n", false), (".x\r\n", true)] {
            let script = Script::of(&[("a", first), ("b", &long)]);
            let script = script.reacting("RETR 2", &[Reaction::Silence]);
            let mut rig = Rig::with(as_it_comes.clone(), script, Vec::new());
            rig.connect().unwrap();
            assert_eq!(rig.body("a").as_deref(), Ok(first));
            let open = rig.open("b").given().unwrap().unwrap();
            let part = rig.part(&open, 0, 1000);
            rig.hear("+OK\r\n");
            rig.hear(&line.repeat(200));
            let early = part.given();
            assert_eq!(early.is_none(), is_withheld);
            rig.hear(&line.repeat(100));
            rig.hear(".\r\n");
            let part = early.or_else(|| part.given()).unwrap();
            assert_eq!(*part.unwrap(), long.as_bytes()[..1000]);
        }
    }

    #[test]
    fn a_message_that_is_listed_as_empty_is_given_empty_once_it_has_been_listed_again() {
        let mut rig = Rig::connected(Script::of(&[("a", "")]));
        rig.pass(Duration::from_secs(60));
        assert_eq!(rig.body("a").as_deref(), Ok(""));
        assert_eq!(rig.script.sessions, 2);
    }

    #[test]
    fn a_message_without_end_is_refused_and_the_session_dropped() {
        let listing = Reaction::Say("+OK\r\n1 5\r\n2 5\r\n3 5\r\n.\r\n");
        let script = mailbox().announcing(&["PIPELINING"]);
        let mut rig = limited(script.reacting("LIST", &vec![listing; 9]), false);
        assert_eq!(rig.body("c"), Err(Error::TooLong(6)));
        assert!(!rig.is_linked());
        assert_eq!(rig.script.count("RETR"), 1);
        assert_eq!(rig.body("a").as_deref(), Ok("one\r\n"));
    }

    #[test]
    fn a_message_that_is_listed_as_too_long_is_never_asked_for() {
        let mut rig = limited(mailbox(), true);
        rig.pass(Duration::from_secs(60));
        assert_eq!(exact(&rig), [true, true, false]);
        assert_eq!(rig.body("c"), Err(Error::TooLong(6)));
        assert!(rig.is_linked());
        assert_eq!(rig.script.count("RETR"), 2);
    }

    #[test]
    fn a_message_is_asked_for_twice_at_most() {
        let mut rig = Rig::connected(mailbox().reacting("RETR", &vec![Reaction::HangUp; 9]));
        let open = rig.open("a");
        rig.pass(Duration::from_secs(30));
        assert!(matches!(open.given(), Some(Err(Error::Offline(_)))));
        assert_eq!(rig.script.count("RETR"), 2);
    }
}
