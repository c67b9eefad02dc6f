//! A guard against deleting what nobody has read.
//!
//! A slip of the hand marks a whole mailbox as easily as one message. Who wants to be kept from
//! that says how many messages may be deleted that no program has read to the end in this mount.

use std::collections::HashSet;
use std::sync::Arc;

use super::catalog::{Catalog, Message};
use super::handle::Maildrop;
use super::locked;
use super::message::{MessageId, Size};
use super::octets::Octets;
use super::reader::Answer;
use super::state::State;

/// The guard, which may be off.
#[derive(Debug)]
pub(super) struct Guard {
    unread_max: Option<u64>,
    read: HashSet<MessageId>,
}

impl Guard {
    /// Lets so many unread messages be deleted at a time; or any number.
    pub fn new(unread_max: Option<u64>) -> Self {
        Self {
            unread_max,
            read: HashSet::new(),
        }
    }

    /// A program has read a message to its end.
    pub fn has_read(&mut self, id: MessageId) {
        if self.unread_max.is_some() {
            self.read.insert(id);
        }
    }

    /// A message has left the maildrop.
    pub fn left(&mut self, id: MessageId) {
        self.read.remove(&id);
    }

    /// What speaks against deleting what is marked, if anything does.
    pub fn objection(&self, catalog: &Catalog) -> Option<String> {
        let unread_max = self.unread_max?;
        let marked = catalog.marked().count();
        let unread = catalog
            .marked()
            .filter(|(id, _)| !self.read.contains(id))
            .count() as u64;
        (unread > unread_max).then(|| {
            format!(
                "{unread} of the {marked} marked messages were never read, and --delete-guard lets \
                 {unread_max} be deleted; commit --yes or umount --yes deletes them, undelete brings \
                 them back; once the mailbox is unmounted, mount it again first"
            )
        })
    }
}

impl Maildrop {
    /// Whether it is of interest what programs read: they must be given no more than they ask for.
    pub fn is_guarded(&self) -> bool {
        self.0.is_guarded
    }

    /// The same answer; where that is of interest, it is noted how much of a message is given away.
    pub(super) fn noted(
        &self,
        id: MessageId,
        offset: u64,
        answer: Answer<Octets>,
    ) -> Answer<Octets> {
        if !self.0.is_guarded {
            return answer;
        }
        let shared = Arc::clone(&self.0);
        Box::new(move |octets| {
            if let Ok(octets) = &octets {
                locked(&shared.state).was_given(id, offset, octets.len());
            }
            answer(octets);
        })
    }
}

impl State {
    /// A program was given so much of a message from an offset on.
    fn was_given(&mut self, id: MessageId, offset: u64, octets: usize) {
        let end = offset.saturating_add(octets as u64);
        let is_end = |size: Size| size.is_exact() && end >= size.shown();
        if self
            .catalog
            .message(id)
            .map(Message::size)
            .is_some_and(is_end)
        {
            self.guard.has_read(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::engine::rig::{Rig, settings};
    use super::super::engine::script::Script;
    use super::super::report::Outcome;
    use super::super::settings::Settings;
    use super::super::terms::Terms;
    use super::super::{CommitReport, Place};
    use super::*;

    /// A maildrop of three messages that lets one of them be deleted unread.
    fn guarded() -> Rig {
        let settings = Settings {
            delete_guard: Some(1),
            ..settings()
        };
        let script = Script::of(&[("a", "one\r\n"), ("b", "two\r\n"), ("c", "three\r\n")]);
        let mut rig = Rig::with(settings, script, Vec::new());
        rig.connect().unwrap();
        rig
    }

    fn mark(rig: &Rig, names: &[&str]) {
        names.iter().for_each(|name| rig.mark(name));
    }

    fn commit(rig: &mut Rig, terms: Terms) -> Arc<CommitReport> {
        rig.commit_on(terms).given().unwrap().unwrap()
    }

    #[test]
    fn what_nobody_has_read_is_not_deleted_by_the_score() {
        let mut rig = guarded();
        mark(&rig, &["a", "b"]);
        let report = commit(&mut rig, Terms::default());
        assert!(!report.complete);
        let problem = report.problem.as_ref().unwrap();
        for advice in [
            "commit --yes",
            "umount --yes",
            "undelete",
            "mount it again first",
        ] {
            assert!(problem.contains(advice), "{problem}");
        }
        let kept = report.messages.iter().map(|message| message.outcome);
        assert_eq!(kept.collect::<Vec<_>>(), [Outcome::Kept; 2]);
        assert_eq!(rig.script.count("DELE"), 0);
        assert_eq!(rig.journal.marks().len(), 2);
        assert!(rig.maildrop.find(Place::Deleted, "a").is_some());
    }

    #[test]
    fn a_few_may_be_deleted_unread() {
        let mut rig = guarded();
        mark(&rig, &["a"]);
        assert!(commit(&mut rig, Terms::default()).complete);
    }

    #[test]
    fn what_was_read_to_its_end_does_not_count() {
        let mut rig = guarded();
        rig.body("a").unwrap();
        mark(&rig, &["a", "b"]);
        assert!(commit(&mut rig, Terms::default()).complete);
    }

    #[test]
    fn what_has_left_is_not_remembered_to_have_been_read() {
        let mut rig = guarded();
        rig.body("a").unwrap();
        rig.script.messages.remove(0);
        rig.ask(Maildrop::refresh);
        assert!(locked(&rig.maildrop.shared().state).guard.read.is_empty());
    }

    #[test]
    fn what_was_only_begun_counts() {
        let mut rig = guarded();
        let open = rig.open("a").given().unwrap().unwrap();
        rig.ask(|maildrop, answer| maildrop.read(&open, 0, 4, answer));
        mark(&rig, &["a", "b"]);
        assert!(!commit(&mut rig, Terms::default()).complete);
        rig.ask(|maildrop, answer| maildrop.read(&open, 4, 1, answer));
        assert!(
            commit(&mut rig, Terms::default()).complete,
            "to the last octet"
        );
    }

    #[test]
    fn who_says_yes_means_it() {
        let mut rig = guarded();
        mark(&rig, &["a", "b", "c"]);
        let yes = Terms {
            even_unread: true,
            ..Terms::default()
        };
        assert!(commit(&mut rig, yes).complete);
        assert_eq!(rig.script.left(), [""; 0]);
    }

    #[test]
    fn without_a_guard_anything_can_be_deleted() {
        let script = Script::of(&[("a", "one\r\n"), ("b", "two\r\n")]);
        let mut rig = Rig::connected(script);
        mark(&rig, &["a", "b"]);
        assert!(commit(&mut rig, Terms::default()).complete);
    }
}
