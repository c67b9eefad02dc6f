//! Messages that may have been taken for others.
//!
//! Which message a body is can be told by nothing but its place in the line. A server that loses a
//! command of a burst, or answers out of order, would put one message's bytes under another's name,
//! so a body of the wrong length that came while other replies were due is held back, and so are
//! those behind it; as of the wrong length counts one that is listed with none. When all replies are
//! there, one of the wrong length is asked for alone: if it comes as before, the server only lists
//! wrong sizes, and the others are what they should be. If not, those that came before them in the
//! same burst are no more to be believed, though their lengths are right.

use crate::pop3::CommandError;

use super::super::fetch::Fetch;
use super::super::message::MessageId;
use super::super::session::Session;
use super::retrieval::candidate;
use super::{Engine, Turn};

/// The messages that are held back.
#[derive(Default)]
pub(super) struct Suspects {
    held: Vec<MessageId>,
    /// What had come when the first of them did, since no reply was due.
    burst: Vec<MessageId>,
    /// Those of them that are not as long as they should be.
    odd: Vec<MessageId>,
    /// The one that is asked for alone, and how long it was before.
    trial: Option<(MessageId, usize)>,
}

impl Engine {
    pub(super) fn has_suspects(&self) -> bool {
        !self.suspects.held.is_empty()
    }

    pub(super) fn suspected(&mut self, id: MessageId, is_odd: bool) {
        if !self.has_suspects() {
            let burst = self.link.session().map_or(&[][..], Session::burst);
            self.suspects.burst = burst.to_vec();
        }
        self.suspects.held.push(id);
        self.suspects.odd.extend(is_odd.then_some(id));
    }

    /// Asks for the shortest of the wrong length alone, once no other reply is due.
    pub(super) fn try_suspect(&mut self, turn: &mut Turn<'_>) -> Result<(), CommandError> {
        if self.is_reply_due() {
            return Ok(());
        }
        let length = |&id: &MessageId| Some((id, turn.state.arrived_length(id)?));
        let shortest = self.suspects.odd.iter().filter_map(length);
        let shortest = shortest.min_by_key(|(_, length)| *length);
        match (self.suspects.trial, shortest) {
            (None, Some((id, length))) => {
                self.suspects.trial = Some((id, length));
                let effects = &mut turn.step.effects;
                turn.state.disbelieve(&[id], effects);
                self.ask_for(candidate(Fetch::whole(id), turn), turn)
            }
            // It has come to nothing.
            _ => {
                self.release_suspects(turn);
                self.retrieve(turn)
            }
        }
    }

    /// Nothing will tell what they are: those that somebody waits for are asked for again.
    pub(super) fn release_suspects(&mut self, turn: &mut Turn<'_>) {
        let held = std::mem::take(&mut self.suspects).held;
        turn.state.disbelieve(&held, &mut turn.step.effects);
    }

    /// Nothing that came with them is believed any more, as the server may have given some of it for
    /// other messages; gives those that are held back.
    pub(super) fn distrust_suspects(&mut self, turn: &mut Turn<'_>) -> Vec<MessageId> {
        let Suspects { held, burst, .. } = std::mem::take(&mut self.suspects);
        turn.state.distrust(&burst, &mut turn.step.effects);
        held
    }

    fn is_reply_due(&self) -> bool {
        let flight = self.link.flight();
        flight.is_some_and(|flight| flight.commands > 0)
    }

    /// A message has come that is believed. If it was on trial, that settles what the others are.
    pub(super) fn try_settled(&mut self, id: MessageId, turn: &mut Turn<'_>) {
        let trial = self.suspects.trial.filter(|trial| trial.0 == id);
        let Some((_, before)) = trial else {
            return;
        };
        self.suspects.held.retain(|&other| other != id);
        if turn.state.arrived_length(id) == Some(before) {
            log::debug!("the server lists sizes that are wrong");
            for other in std::mem::take(&mut self.suspects).held {
                self.retrieved(Fetch::whole(other), turn);
            }
        } else {
            log::warn!("the server gave one message for another");
            self.manners.desynchronised(true);
            let others = self.distrust_suspects(turn);
            turn.state.disbelieve(&others, &mut turn.step.effects);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::error::Error;
    use super::super::super::handle::Maildrop;
    use super::super::super::settings::Settings;
    use super::super::rig::{Rig, settings};
    use super::super::script::{Reaction, Script};

    const BODIES: [(&str, &str); 4] = [
        ("a", "A: 1\r\n"),
        ("b", "B: 22222222\r\n"),
        ("c", "C: 3333333333333333\r\n"),
        ("d", "D: 444444444444444444444444\r\n"),
    ];

    fn rig(script: Script) -> Rig {
        let patient = Settings {
            timeout: Duration::from_secs(600),
            ..settings()
        };
        let mut rig = Rig::with(patient, script.announcing(&["PIPELINING"]), Vec::new());
        rig.connect().unwrap();
        rig
    }

    /// A server that holds its answers to these commands back, once.
    fn silent_at(commands: &[&'static str]) -> Script {
        let silent =
            |script: Script, command: &&'static str| script.reacting(command, &[Reaction::Silence]);
        commands.iter().fold(Script::of(&BODIES), silent)
    }

    fn replies(order: &[usize]) -> String {
        let reply = |&at: &usize| format!("+OK\r\n{}.\r\n", BODIES[at].1);
        order.iter().map(reply).collect()
    }

    /// Opens all at once; then the server says what it has held back.
    fn open_all_and_hear(rig: &mut Rig, words: &str) {
        let opens: Vec<_> = BODIES.iter().map(|(name, _)| rig.open(name)).collect();
        rig.hear(words);
        rig.pass(Duration::from_secs(300));
        for ((name, body), open) in BODIES.iter().zip(opens) {
            let open = open.given().expect("an answer").expect("a message");
            let octets = rig.read(&open).given().expect("an answer");
            assert_eq!(&*octets.unwrap(), body.as_bytes(), "{name}");
        }
    }

    #[test]
    fn a_server_that_answers_out_of_order_is_found_out() {
        let mut rig = rig(silent_at(&["RETR 1", "RETR 2", "RETR 3", "RETR 4"]));
        open_all_and_hear(&mut rig, &replies(&[1, 0, 2, 3]));
        assert_eq!((rig.script.sessions, rig.script.count("RETR")), (1, 8));
        assert_eq!(rig.engine.commands_max(), 1);
    }

    #[test]
    fn what_came_with_the_right_length_before_that_is_found_out_is_asked_for_again() {
        let likes = [
            ("a", "A: 1\r\n"),
            ("c", "C: 333333\r\n"),
            ("b", "B: 222\r\n"),
        ];
        let [a, _, b] = likes.map(|(_, body)| body);
        let swapped = || {
            let order = [b, likes[1].1, a];
            order.map(|body| format!("+OK\r\n{body}.\r\n")).concat()
        };
        let endings: [&[Reaction]; 2] =
            [&[Reaction::Silence], &[Reaction::Silence, Reaction::HangUp]];
        for ending in endings {
            let silent = [Reaction::Silence];
            let script = Script::of(&likes).reacting("RETR 1", &silent);
            let script = script.reacting("RETR 2", &silent);
            let mut rig = rig(script.reacting("RETR 3", ending));
            let opens = likes.map(|(name, _)| rig.open(name));
            rig.hear(&swapped());
            rig.pass(Duration::from_secs(300));
            assert!(opens.iter().all(|open| open.given().is_some()));
            for (name, body) in likes {
                assert_eq!(rig.body(name).as_deref(), Ok(body), "{name}");
            }
        }
    }

    #[test]
    fn a_server_that_loses_a_command_is_found_out() {
        for lost in [&["RETR 1"][..], &["RETR 2", "RETR 3"]] {
            let mut rig = rig(silent_at(lost));
            open_all_and_hear(&mut rig, "");
            assert_eq!(rig.script.sessions, 2);
            assert!(rig.engine.commands_max() <= 16);
        }
    }

    #[test]
    fn a_lost_command_is_found_out_among_messages_of_one_size() {
        for length in [3, 5] {
            let likes = [("a", "1\r\n"), ("b", &"22222\r\n"[5 - length..])];
            let mut rig = rig(Script::of(&likes).reacting("RETR 1", &[Reaction::Silence]));
            let opens = [rig.open("a"), rig.open("b")];
            rig.pass(Duration::from_secs(300));
            for ((_, body), open) in likes.iter().zip(opens) {
                let open = open.given().expect("an answer").expect("a message");
                assert_eq!(open.body.get().map(|body| &**body), Some(body.as_bytes()));
            }
        }
    }

    #[test]
    fn a_lost_command_is_found_out_where_no_size_is_known() {
        let mut script = silent_at(&["RETR 1"]);
        script.messages.iter_mut().for_each(|message| message.1 = 0);
        open_all_and_hear(&mut rig(script), "");
    }

    #[test]
    fn a_message_that_is_listed_as_empty_and_is_says_nothing_of_the_others() {
        let mut script = silent_at(&["RETR 1", "RETR 2", "RETR 3", "RETR 4", "RETR 5"]);
        script.messages.push(("e".to_owned(), 0, String::new()));
        let mut rig = rig(script);
        let opens: Vec<_> = ["a", "b", "c", "d", "e"].map(|name| rig.open(name)).into();
        rig.hear(&(replies(&[1, 0, 2, 3]) + "+OK\r\n.\r\n"));
        rig.pass(Duration::from_secs(300));
        for (open, (name, body)) in opens.iter().zip(BODIES) {
            let open = open.given().expect("an answer").expect("a message");
            assert_eq!(
                open.body.get().map(|it| &**it),
                Some(body.as_bytes()),
                "{name}"
            );
        }
    }

    #[test]
    fn a_server_that_lists_wrong_sizes_is_believed() {
        let mut script = silent_at(&["RETR 1", "RETR 2", "RETR 3", "RETR 4"]);
        for (message, size) in script.messages.iter_mut().zip([900, 90, 9, 999]) {
            message.1 = size;
        }
        let mut rig = rig(script);
        open_all_and_hear(&mut rig, &replies(&[0, 1, 2, 3]));
        assert_eq!((rig.script.sessions, rig.script.count("RETR")), (1, 5));
        assert!(rig.engine.commands_max() > 16);
    }

    #[test]
    fn a_message_that_comes_to_nothing_on_trial_holds_up_no_other() {
        let refusal = Reaction::Say("-ERR no\r\n");
        let refused = [Reaction::Silence, refusal.clone(), refusal];
        let script = silent_at(&["RETR 2"]).reacting("RETR 1", &refused);
        let mut rig = rig(script);
        let (first, second) = (rig.open("a"), rig.open("b"));
        rig.hear(&format!("+OK\r\n0\r\n.\r\n{}", replies(&[0])));
        assert!(matches!(first.given(), Some(Err(Error::Refused(_)))));
        assert!(matches!(second.given(), Some(Ok(_))));
        assert_eq!(rig.body("b").as_deref(), Ok(BODIES[1].1));
    }

    #[test]
    fn what_is_held_back_when_the_session_is_left_is_asked_for_in_another() {
        let mut rig = rig(silent_at(&["RETR 1", "RETR 2"]));
        let opens = [rig.open("a"), rig.open("b")];
        let parked = rig.ask(Maildrop::park);
        rig.hear(&format!("+OK\r\n0\r\n.\r\n{}", replies(&[1])));
        assert_eq!(parked.given(), Some(Ok(())));
        for ((_, body), open) in BODIES.iter().zip(opens) {
            let open = open.given().expect("an answer").expect("a message");
            assert_eq!(open.body.get().map(|body| &**body), Some(body.as_bytes()));
        }
        assert_eq!((rig.script.sessions, rig.script.count("RETR")), (2, 4));
    }

    #[test]
    fn what_is_held_back_is_given_up_where_nobody_waits_any_more() {
        let impatient = Settings {
            timeout: Duration::from_secs(4),
            ..settings()
        };
        let script = silent_at(&["RETR 1", "RETR 2"]).announcing(&["PIPELINING"]);
        let mut rig = Rig::with(impatient, script, Vec::new());
        rig.connect().unwrap();
        let opens = [rig.open("a"), rig.open("b")];
        rig.ask(Maildrop::refresh);
        rig.pass(Duration::from_secs(4));
        for open in opens {
            assert!(matches!(open.given(), Some(Err(Error::TimedOut))));
        }
        rig.hear(&format!("+OK\r\n0\r\n.\r\n{}", replies(&[1])));
        assert_eq!(rig.body("a").as_deref(), Ok(BODIES[0].1));
    }

    #[test]
    fn a_body_cut_off_by_a_dot_is_found_out_by_what_follows() {
        let cut = Reaction::Say("+OK\r\nD: 4\r\n.\r\n");
        for rest in ["44\r\n.\r\n+OK\r\n", "+OK 44\r\n.\r\n"] {
            let script = Script::of(&BODIES).reacting("RETR 4", &[cut.clone(), cut.clone()]);
            let mut rig = rig(script.reacting("NOOP", &[Reaction::Say(rest), Reaction::Say(rest)]));
            assert!(
                matches!(rig.open("d").given(), None | Some(Err(_))),
                "{rest}"
            );
            rig.pass(Duration::from_secs(60));
            assert_eq!(rig.engine.commands_max(), 1);
            assert_eq!(rig.body("d").as_deref(), Ok(BODIES[3].1), "{rest}");
            assert_eq!(rig.script.sessions, 3);
        }
    }

    #[test]
    fn what_came_together_with_junk_is_not_believed() {
        let junk = Reaction::Say("+OK\r\nA: 1\r\n.\r\nnonsense\r\n");
        let mut rig = rig(Script::of(&BODIES).reacting("RETR 1", &[junk]));
        assert_eq!(rig.body("a").as_deref(), Ok(BODIES[0].1));
        assert_eq!((rig.script.sessions, rig.script.count("RETR")), (2, 2));
    }

    #[test]
    fn what_came_before_junk_is_asked_for_again() {
        let mut rig = rig(Script::of(&BODIES));
        assert_eq!(rig.body("a").as_deref(), Ok(BODIES[0].1));
        rig.hear("nonsense\r\n");
        assert!(!rig.is_linked());
        assert_eq!(rig.body("a").as_deref(), Ok(BODIES[0].1));
        assert_eq!((rig.script.sessions, rig.script.count("RETR")), (2, 2));
    }
}
