//! Marks of a mount that ended without a commit, taken over.

use super::super::header::HeaderDigest;
use super::super::mark::Mark;
use super::super::message::{MessageId, Place};
use super::super::state::State;

/// Marks what such a mount had marked, now that it is listed, and what is listed again; gives that. None
/// where there was nothing to look for.
pub(super) fn inherit(state: &mut State) -> Option<Vec<MessageId>> {
    let inherited = std::mem::take(&mut state.unlisted);
    if inherited.is_empty() {
        return None;
    }
    if state.catalog.habits.is_numbered {
        log::warn!(
            "{} marks of a mount that did not commit are dropped: the server's unique-ids are \
             message-numbers, and may stand for other messages by now",
            inherited.len()
        );
        return Some(Vec::new());
    }
    let (found, missing) = find(inherited, state);
    for &(id, header) in &found {
        state.catalog.place(id, Place::Deleted);
        state.catalog.headers.inherit(id, header);
    }
    say(found.len(), missing.len(), state);
    if state.catalog.habits.coverage.is_partial() {
        state.unlisted = missing;
    }
    Some(found.into_iter().map(|(id, _)| id).collect())
}

/// A message that was marked, and what its header was then.
type Found = (MessageId, Option<HeaderDigest>);

/// The messages that are listed, and the marks of those that are not.
fn find(marks: Vec<Mark>, state: &State) -> (Vec<Found>, Vec<Mark>) {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for mark in marks {
        match mark.find(&state.catalog, &state.settings.suffix) {
            Some(id) => found.push((id, mark.header)),
            None => missing.push(mark),
        }
    }
    (found, missing)
}

fn say(found: usize, missing: usize, state: &State) {
    if !state.catalog.habits.coverage.is_partial() {
        log::warn!(
            "took over {found} marked messages from a mount that did not commit; {missing} are no \
             longer there"
        );
    } else if found > 0 {
        log::warn!("{found} messages that were marked are listed again; {missing} are not");
    }
}

#[cfg(test)]
mod tests {
    use super::super::Order;
    use super::super::rig::{Rig, settings};
    use super::super::script::Script;
    use super::*;

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")])
    }

    #[test]
    fn marks_by_message_numbers_are_not_taken_over() {
        let numbered = || Script::of(&[("1", "one\r\n"), ("2", "two\r\n")]);
        let before = Rig::connected(numbered());
        before.mark("2");
        let mut rig = Rig::with(settings(), numbered(), before.journal.marks());
        rig.connect().unwrap();
        assert!(rig.maildrop.find(Place::Root, "2").is_some());
        assert_eq!(rig.journal.marks(), []);
    }

    #[test]
    fn a_mark_of_one_of_two_copies_is_not_taken_over_for_the_other() {
        let copies = |others: &[(&str, &str)]| {
            let copies = [("x", "one\r\n"), ("x", "two\r\n")];
            Script::of(&[&copies, others].concat())
        };
        let before = Rig::connected(copies(&[]));
        before.mark("x");
        let left = Script::of(&[("x", "two\r\n"), ("x", "three\r\n")]);
        for (script, is_marked) in [(left, false), (copies(&[]), true)] {
            let mut rig = Rig::with(settings(), script, before.journal.marks());
            rig.connect().unwrap();
            let marked = rig.maildrop.find(Place::Deleted, "x").is_some();
            assert_eq!(marked, is_marked);
        }
    }

    #[test]
    fn marks_of_a_mount_before_are_taken_over_once_they_are_found() {
        let before = Rig::connected(mailbox());
        before.mark("b");
        let mut marks = before.journal.marks();
        marks.push(marks[0].clone());
        marks[1].size += 1;
        let mut rig = Rig::with(settings(), mailbox(), marks);
        rig.connect().unwrap();
        assert!(rig.maildrop.find(Place::Deleted, "b").is_some());
        assert_eq!(rig.journal.marks(), before.journal.marks());
        assert_eq!(rig.ordered, [Order::Connect, Order::WriteJournal]);
    }
}
