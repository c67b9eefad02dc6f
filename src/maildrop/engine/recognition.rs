//! Whether marked messages are still those that were marked.
//!
//! A listing tells messages apart by unique-id and size. Both can be those of another message: a
//! mailbox that was restored, moved to another server or made anew counts its unique-ids from the
//! beginning, and mail that programs send is often all of one length. So a mark says what the header
//! was, where that was at hand, and TOP tells what it is now.
//!
//! That is asked of marks that were set in another mount, or in sight of another listing than those
//! since: nobody has seen what happened to the mailbox meanwhile. It is not asked again for a new
//! session of the same mount, else each commit after an idle minute would begin with thousands of
//! TOPs: each listing is held against the one before it, and in a mailbox that was replaced between
//! two of them some message has its unique-id and another size. Where a listing shows one such
//! message, all marks are doubted.
//!
//! Where nothing but its place in the listing tells a message from others (they share a unique-id, or
//! unique-ids are message-numbers), none of that holds: each listing casts doubt on such marks, and what
//! nothing confirms in the session that lists it is not deleted in that.
//!
//! Other headers are asked for ahead of a commit, in a session before its own: where errors cost the
//! session, or what is read counts, nothing but DELE is to be said in that. Where the server has no
//! TOP, or a bad one, the size alone tells; a message for which TOP is refused is left alone.

use crate::pop3::{CommandError, Reply};

use super::super::event::{EventKind, Subject};
use super::super::header::HeaderDigest;
use super::super::message::{MessageId, Place};
use super::super::session::Session;
use super::super::state::State;
use super::{Engine, Turn};

/// Headers that are asked for at once: what all servers bear, and not too much for a reader to wait for.
const HEADERS_MAX: usize = 128;

/// How far that has come in this session.
#[derive(Default)]
pub(super) struct Recognition {
    asked: Option<MessageId>,
    /// Messages whose headers differ. They are judged when no reply is due any more: if the server had
    /// lost one of several commands, each reply to the others would seem to be that of another message.
    differing: Vec<MessageId>,
}

impl State {
    /// Whether there are marks that cannot be relied on before TOP has shown what they are for.
    pub fn doubts_marks(&self) -> bool {
        let doubts = self.catalog.headers.next_doubted(None).is_some();
        doubts && self.settings.top && self.prefixes.show_headers()
    }
}

impl Engine {
    /// Asks for headers of doubted messages where nobody waits for anything else.
    pub(super) fn recognise_at_leisure(&mut self, turn: &mut Turn<'_>) -> Result<(), CommandError> {
        if turn.state.next_demand().is_none() && turn.state.doubts_marks() {
            self.recognise(turn)
        } else {
            Ok(())
        }
    }

    /// Asks for the headers of doubted messages, as many as may be in flight.
    pub(super) fn recognise(&mut self, turn: &mut Turn<'_>) -> Result<(), CommandError> {
        while let Some(id) = self.next_to_recognise(turn)
            && let Some(session) = self.link.session_mut()
        {
            if !session.ask_header(id, turn.now)? {
                self.lose("a marked message is not in the listing", turn);
            }
            self.recognition.asked = Some(id);
        }
        Ok(())
    }

    /// Behind a message that is suspected to be another one, everything would be.
    fn next_to_recognise(&self, turn: &Turn<'_>) -> Option<MessageId> {
        let session = self.link.session()?;
        let (due, in_flight) = (session.headers_due(), session.flight().commands);
        let has_room = due == in_flight && due < HEADERS_MAX.min(self.commands_max());
        let headers = &turn.state.catalog.headers;
        headers
            .next_doubted(self.recognition.asked)
            .filter(|_| has_room && turn.state.doubts_marks())
    }

    /// The server gives this header for a message.
    pub(super) fn header_came(
        &mut self,
        id: MessageId,
        found: Option<HeaderDigest>,
        turn: &mut Turn<'_>,
    ) {
        if !turn.state.catalog.headers.compare(id, found) {
            self.recognition.differing.push(id);
        }
    }

    /// How many headers are still to come.
    pub(super) fn headers_due(&self) -> usize {
        self.link.session().map_or(0, Session::headers_due)
    }

    /// Takes the marks off that are those of other messages, once all headers have come.
    pub(super) fn judge_headers(&mut self, turn: &mut Turn<'_>) {
        if self.headers_due() > 0 {
            return;
        }
        let Recognition { differing, .. } = std::mem::take(&mut self.recognition);
        for id in differing {
            turn.take_mark_off(id);
        }
    }
}

impl Turn<'_> {
    /// That says nothing of others. The mark stays, and is not carried out.
    pub(super) fn header_refused(&mut self, id: MessageId, reply: &Reply) {
        if let Some(message) = self.state.catalog.message(id) {
            log::warn!("{}: TOP was refused: \"{}\"", message.name, reply.text());
        }
        self.state.catalog.headers.cannot_tell(id);
    }

    /// The unique-id of a marked message stands for another one, if nobody has settled that meanwhile.
    fn take_mark_off(&mut self, id: MessageId) {
        let Some(message) = self.state.catalog.message(id) else {
            return;
        };
        if !self.state.catalog.headers.is_doubted(id) {
            return;
        }
        log::warn!(
            "{} is no longer marked: it has another header than the message that was",
            message.name
        );
        let subject = Subject::from(message);
        let effects = &mut self.step.effects;
        effects.events.push(EventKind::Unmarked(subject));
        self.state.distrust(&[id], effects);
        self.state.place(id, Place::Root, effects);
        self.journal = true;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::handle::Maildrop;
    use super::super::super::locked;
    use super::super::super::mark::Mark;
    use super::super::super::report::Outcome;
    use super::super::super::settings::Settings;
    use super::super::rig::{Rig, outcomes, settings};
    use super::super::script::{Reaction, Script};
    use super::super::transaction::LOSSES_MAX;
    use super::*;

    const NAMES: [&str; 3] = ["a", "b", "c"];

    /// Three messages of one size by this author, whose name has five letters.
    fn mailbox(author: &str) -> Script {
        let bodies = NAMES.map(|name| {
            (
                name,
                format!("From: {author}\r\nSubject: {name}\r\n\r\n1\r\n"),
            )
        });
        let messages: Vec<_> = bodies.iter().map(|(name, body)| (*name, &**body)).collect();
        Script::of(&messages).announcing(&["TOP", "PIPELINING"])
    }

    /// A mount in which all have been read and two are marked.
    fn marked() -> Rig {
        let mut rig = Rig::connected(mailbox("Alice"));
        for name in ["a", "c"] {
            rig.body(name).unwrap();
            rig.mark(name);
        }
        rig
    }

    /// What a mount writes down that ends without a commit.
    fn left_behind() -> Vec<Mark> {
        marked().journal.marks()
    }

    fn taking_over(script: Script) -> Rig {
        let mut rig = Rig::with(settings(), script, left_behind());
        rig.connect().unwrap();
        rig
    }

    fn are_marked(rig: &Rig) -> Vec<&'static str> {
        let is_marked = |name: &&str| rig.maildrop.find(Place::Deleted, name).is_some();
        NAMES.into_iter().filter(is_marked).collect()
    }

    #[test]
    fn marks_of_the_same_mount_are_not_asked_about() {
        let mut rig = marked();
        rig.ask(Maildrop::park);
        assert!(!rig.is_linked());
        assert!(rig.commit().report().complete);
        assert_eq!(rig.script.left(), ["b"]);
        assert_eq!(rig.script.count("TOP"), 0);
    }

    #[test]
    fn marks_of_another_mount_are_asked_about_together_and_before_the_commits_session() {
        let mut rig = taking_over(mailbox("Alice"));
        assert_eq!(are_marked(&rig), ["a", "c"]);
        assert!(
            rig.script
                .bursts
                .contains(&vec!["TOP 1 0".into(), "TOP 3 0".into()])
        );
        let sessions = rig.script.sessions;
        assert!(rig.commit().report().complete);
        assert_eq!(
            (rig.script.left(), rig.script.sessions),
            (vec!["b"], sessions + 1)
        );
        assert_eq!(rig.script.count("TOP"), 2);
    }

    #[test]
    fn a_mark_is_taken_off_where_its_unique_id_and_size_are_those_of_another_message() {
        let mut rig = taking_over(mailbox("Mabel"));
        assert_eq!(are_marked(&rig), [""; 0]);
        assert_eq!(rig.journal.marks(), []);
        let events = locked(&rig.events);
        let unmarked = events
            .iter()
            .filter(|it| matches!(it, EventKind::Unmarked(_)));
        assert_eq!(unmarked.count(), 2);
        drop(events);
        rig.commit();
        assert_eq!(rig.script.left(), NAMES);
        rig.mark("c");
        assert!(rig.commit().report().complete);
        assert_eq!(rig.script.left(), ["a", "b"], "it can be marked itself");
    }

    #[test]
    fn where_top_cannot_tell_the_size_does() {
        let without_top = Settings {
            top: false,
            ..settings()
        };
        for (settings, script) in [
            (without_top, mailbox("Mabel")),
            (settings(), mailbox("Mabel").announcing(&["PIPELINING"])),
        ] {
            let mut rig = Rig::with(settings, script, left_behind());
            rig.connect().unwrap();
            assert!(rig.commit().report().complete);
            assert_eq!(rig.script.left(), ["b"]);
        }
    }

    #[test]
    fn a_header_that_is_refused_says_nothing_of_any_other_message_and_its_own_mark_waits() {
        let no = Reaction::Say("-ERR expunged\r\n");
        for (refused, marked) in [("TOP 1", ["a"]), ("TOP 3", ["c"])] {
            let script = mailbox("Mabel").reacting(refused, &[no.clone(), no.clone()]);
            let mut rig = taking_over(script);
            assert_eq!(are_marked(&rig), marked);
            let report = rig.commit().report();
            assert_eq!(outcomes(&report), [Outcome::Kept]);
            let reason = report.messages[0].reason.as_deref().unwrap();
            assert!(reason.contains("does not show its header"), "{reason}");
            assert_eq!(
                (rig.script.left(), are_marked(&rig)),
                (NAMES.to_vec(), marked.to_vec())
            );
            rig.commit();
            assert_eq!(
                (rig.script.left(), are_marked(&rig)),
                (NAMES.to_vec(), vec![])
            );
        }
    }

    #[test]
    fn a_beginning_that_is_refused_says_nothing_of_headers() {
        let settings = Settings {
            long: 0,
            ..settings()
        };
        let no = Reaction::Say("-ERR no\r\n");
        let script = mailbox("Mabel").reacting("TOP 2", &[no]);
        let mut rig = Rig::with(settings, script, left_behind());
        rig.script.react("TOP 1", &[Reaction::HangUp]);
        rig.connect().unwrap();
        assert_eq!(are_marked(&rig), ["a", "c"]);
        let open = rig.open("b").given().unwrap().unwrap();
        assert!(rig.part(&open, 0, 1).given().is_some());
        assert_eq!(rig.script.count("TOP 2"), 1);
        rig.commit();
        assert_eq!(rig.script.left(), NAMES);
    }

    #[test]
    fn a_header_that_differs_counts_where_top_proves_to_be_bad_before_all_have_come() {
        let dotted = Reaction::Say("+OK\r\n.Subject: c\r\n\r\n.\r\n");
        let mut rig = taking_over(mailbox("Mabel").reacting("TOP 3", &[dotted]));
        assert_eq!(are_marked(&rig), ["c"]);
        rig.commit();
        assert!(rig.script.left().contains(&"a"));
    }

    #[test]
    fn a_mark_without_a_header_goes_by_its_size() {
        let mut marks = left_behind();
        marks.iter_mut().for_each(|mark| mark.header = None);
        let mut rig = Rig::with(settings(), mailbox("Mabel"), marks);
        rig.connect().unwrap();
        assert_eq!(
            (are_marked(&rig), rig.script.count("TOP")),
            (vec!["a", "c"], 0)
        );
    }

    #[test]
    fn a_link_lost_over_the_headers_costs_no_mark_and_they_are_asked_for_again() {
        for (author, left) in [("Alice", &["b"][..]), ("Mabel", &NAMES)] {
            let mut rig = taking_over(mailbox(author).reacting("TOP 3", &[Reaction::HangUp]));
            assert_eq!(are_marked(&rig), ["a", "c"]);
            rig.commit();
            rig.pass(Duration::from_secs(60));
            assert_eq!(rig.script.left(), left);
        }
    }

    #[test]
    fn a_server_that_hangs_up_on_each_of_them_is_given_up_and_the_marks_wait() {
        let mut rig = taking_over(mailbox("Alice").reacting("TOP", &vec![Reaction::HangUp; 99]));
        let answer = rig.commit();
        rig.pass(Duration::from_secs(600));
        assert_eq!(outcomes(&answer.report()), [Outcome::Kept; 2]);
        assert!(rig.script.sessions <= 2 + LOSSES_MAX as usize);
        assert_eq!(
            (are_marked(&rig), rig.script.left()),
            (vec!["a", "c"], NAMES.to_vec())
        );
        assert_eq!(rig.journal.marks(), left_behind());
    }

    #[test]
    fn a_lost_command_makes_no_message_another_one() {
        let mut rig = taking_over(mailbox("Alice").reacting("TOP 1", &[Reaction::Silence]));
        rig.pass(Duration::from_secs(70));
        assert!(!rig.is_linked());
        assert_eq!(are_marked(&rig), ["a", "c"]);
        assert!(rig.commit().report().complete);
        assert_eq!(rig.script.left(), ["b"]);
    }

    #[test]
    fn who_waits_for_a_message_goes_before_headers() {
        let script = mailbox("Alice").announcing(&["TOP"]);
        let mut rig = taking_over(script.reacting("TOP 1", &[Reaction::Silence]));
        let open = rig.open("b");
        rig.hear("+OK\r\nFrom: Alice\r\nSubject: a\r\n\r\n.\r\n");
        assert!(open.given().is_some());
        let last = rig.script.heard.split_off(rig.script.heard.len() - 3);
        assert_eq!(last, ["TOP 1 0", "RETR 2", "TOP 3 0"]);
    }

    #[test]
    fn a_mark_that_was_out_of_sight_is_asked_about_when_it_is_listed_again() {
        for (author, stands) in [("Alice", true), ("Mabel", false)] {
            let mut script = mailbox("Alice");
            let more = (3..250).map(|number| (format!("m{number}"), 3, "x\r\n".to_owned()));
            script.messages.extend(more);
            let mut rig = Rig::connected(script);
            rig.body("a").unwrap();
            rig.mark("a");
            rig.script.messages[0].0 = "new".to_owned();
            rig.ask(Maildrop::refresh);
            assert_eq!(are_marked(&rig), [""; 0]);
            rig.script.messages[0] = mailbox(author).messages.remove(0);
            rig.ask(Maildrop::refresh);
            assert_eq!(
                (are_marked(&rig) == ["a"], rig.script.count("TOP")),
                (stands, 1)
            );
            assert_eq!(rig.journal.marks().len(), usize::from(stands));
        }
    }

    /// Another mailbox, of the same unique-ids, in which one message has another size.
    fn replace(rig: &mut Rig, author: &str) {
        rig.script.messages = mailbox(author).messages;
        let body = "From: Alice\r\n\r\n";
        rig.script.messages[1] = ("b".to_owned(), body.len(), body.to_owned());
    }

    #[test]
    fn a_unique_id_given_anew_casts_doubt_on_all_marks() {
        let mut rig = marked();
        rig.ask(Maildrop::park);
        replace(&mut rig, "Mabel");
        let report = rig.commit().report();
        assert_eq!(outcomes(&report), [Outcome::Kept; 2]);
        let reason = report.messages[0].reason.as_deref().unwrap();
        assert!(reason.contains("another message now"), "{reason}");
        assert_eq!((are_marked(&rig), rig.journal.marks()), (vec![], vec![]));
        assert_eq!(rig.script.left(), NAMES);
        assert_eq!(rig.body("a").unwrap(), rig.script.messages[0].2);
    }

    #[test]
    fn a_server_that_gives_unique_ids_anew_in_each_session_puts_off_a_commit_once() {
        let mut rig = marked();
        let lists = ["9", "8", "7", "6"].map(|size| {
            let words = format!("+OK\r\n1 30\r\n2 {size}\r\n3 30\r\n.\r\n");
            Reaction::Say(words.leak())
        });
        rig.script.react("LIST", &lists);
        rig.ask(Maildrop::park);
        let answer = rig.commit();
        rig.pass(Duration::from_secs(60));
        assert!(answer.report().complete);
        assert_eq!((rig.script.left(), rig.script.count("TOP")), (vec!["b"], 2));
    }
}
