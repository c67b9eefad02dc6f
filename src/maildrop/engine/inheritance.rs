//! Marks of messages that are not listed: found again, kept, or given up.
//!
//! A mount that ended without a commit leaves some, and so does a listing that lacks marked messages.
//! Another client may have deleted them, or that one listing is wrong. So a mark is given up when the
//! next listing lacks its message, too; and where a server lists a part of the mailbox, never.

use std::collections::HashSet;

use super::super::header::HeaderDigest;
use super::super::mark::Mark;
use super::super::message::{MessageId, Place};
use super::super::state::State;

/// Marks what was marked and not listed, and is listed now; gives that. None where there was nothing to
/// look for.
pub(super) fn inherit(state: &mut State) -> Option<Vec<MessageId>> {
    let inherited = std::mem::take(&mut state.unlisted);
    if inherited.is_empty() {
        return None;
    }
    if state.catalog.habits.is_numbered {
        log::warn!(
            "{} marks are dropped: the server's unique-ids are message-numbers, and may stand for other \
             messages by now",
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
    if !state.catalog.habits.coverage.is_settling() {
        state.unlisted = missing;
    }
    Some(found.into_iter().map(|(id, _)| id).collect())
}

/// Keeps the marks of messages that this listing lacks, but for those that might hold for another
/// message by and by.
pub(super) fn keep(marks: Vec<(MessageId, Mark)>, state: &mut State) {
    let State {
        catalog, unlisted, ..
    } = state;
    let coverage = &catalog.habits.coverage;
    if !marks.is_empty() && !coverage.is_partial() {
        let count = marks.len();
        log::warn!("{count} marked messages are not listed as they were");
    }
    unlisted.extend(marks.into_iter().map(|(_, mark)| mark));
    if catalog.habits.is_numbered {
        unlisted.clear();
    } else if !unlisted.is_empty() && coverage.is_telling() {
        let messages = catalog.present().map(|(_, message)| message);
        let listed: HashSet<_> = messages.map(|it| (it.unique_id(), it.listed)).collect();
        unlisted.retain(|mark| !listed.contains(&(&*mark.unique_id, mark.size)));
    }
    catalog.habits.coverage.misses_marked = !unlisted.is_empty();
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
    let is_first = state.link.listed.is_none();
    if found > 0 && is_first {
        log::warn!(
            "took over {found} marks from a mount that did not commit: unmounting deletes those \
             messages, and pop3fs undelete brings them back"
        );
    } else if found > 0 {
        log::warn!("{found} messages that were marked are listed again; {missing} are not");
    }
    if missing > 0 && state.catalog.habits.coverage.is_settling() {
        log::warn!("{missing} marks are dropped: two listings lack the messages as they were");
    } else if missing > 0 && is_first {
        log::warn!("{missing} marks are kept of messages that are not listed as they were");
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::handle::Maildrop;
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
        assert_eq!(rig.journal.marks().len(), 2);
        assert_eq!(rig.ordered, [Order::Connect, Order::WriteJournal]);
        rig.ask(Maildrop::refresh);
        assert_eq!(rig.journal.marks(), before.journal.marks());
    }

    #[test]
    fn a_mark_is_given_up_when_two_listings_in_a_row_lack_its_message() {
        for (lacking, returns) in [(1, true), (1, false), (2, true), (2, false)] {
            let mut rig = Rig::connected(mailbox());
            rig.mark("a");
            let lacked: Vec<_> = rig.script.messages.drain(..lacking).collect();
            rig.ask(Maildrop::refresh);
            assert_eq!(rig.journal.marks().len(), 1);
            assert_eq!(rig.maildrop.status().unlisted, 1);
            if returns {
                rig.script.messages.splice(..0, lacked);
            }
            rig.ask(Maildrop::refresh);
            let is_marked = rig.maildrop.find(Place::Deleted, "a").is_some();
            assert_eq!(is_marked, returns);
            assert_eq!(rig.journal.marks().len(), usize::from(returns));
        }
    }

    #[test]
    fn a_mark_of_another_mount_is_kept_over_one_listing_that_lacks_its_message() {
        let before = Rig::connected(mailbox());
        before.mark("a");
        let mut rig = Rig::with(settings(), mailbox(), before.journal.marks());
        let lacked = rig.script.messages.remove(0);
        rig.connect().unwrap();
        assert_eq!(rig.journal.marks(), before.journal.marks());
        rig.script.messages.insert(0, lacked);
        rig.ask(Maildrop::refresh);
        assert!(rig.maildrop.find(Place::Deleted, "a").is_some());
    }

    #[test]
    fn a_mark_of_a_copy_is_not_kept_for_the_next_that_takes_its_place() {
        let mut rig = Rig::connected(Script::of(&[("x", "one\r\n"), ("x", "two\r\n")]));
        rig.mark("x~2");
        let copy = rig.script.messages.remove(0);
        rig.ask(Maildrop::refresh);
        assert_eq!(rig.journal.marks(), []);
        rig.script.messages.push(copy);
        rig.ask(Maildrop::refresh);
        assert!(rig.maildrop.find(Place::Root, "x~2").is_some());
    }
}
