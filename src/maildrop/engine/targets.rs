//! The messages that a commit is to delete.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::pop3::Reply;

use super::super::catalog::{Catalog, Message};
use super::super::message::MessageId;
use super::super::report::{MessageReport, Outcome};
use super::target::{Fate, Target};

/// All of them, in listing order.
pub(super) struct Targets(BTreeMap<MessageId, Target>);

impl Targets {
    /// All that is marked now. An earlier commit has left open what became of the `doubtful`.
    pub fn of(catalog: &Catalog, doubtful: &BTreeSet<MessageId>) -> Self {
        let target = |(id, message): (MessageId, &Message)| {
            let fate = if doubtful.contains(&id) {
                Fate::InDoubt
            } else {
                Fate::Open
            };
            (id, Target::new(message, fate))
        };
        Self(catalog.marked().map(target).collect())
    }

    /// These as well, which have come so far: also in place of those that were out of sight before.
    pub fn add(&mut self, ids: &[MessageId], catalog: &Catalog, fate: &Fate) {
        let messages = ids
            .iter()
            .filter_map(|&id| Some((id, catalog.message(id)?)));
        let names: HashSet<&str> = messages.clone().map(|(_, it)| &*it.name).collect();
        self.0.retain(|_, target| !names.contains(target.name()));
        let targets = messages.map(|(id, message)| (id, Target::new(message, fate.clone())));
        self.0.extend(targets);
    }

    /// Whether this is one of them.
    pub fn contains(&self, id: MessageId) -> bool {
        self.0.contains_key(&id)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Target> {
        self.0.values()
    }

    /// Each of them, by message, to be told what became of it.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (MessageId, &mut Target)> {
        self.0.iter_mut().map(|(&id, target)| (id, target))
    }

    /// DELE of a message has been answered.
    pub fn answered(&mut self, id: MessageId, reply: &Reply) {
        if let Some(target) = self.0.get_mut(&id) {
            target.answered(reply);
        }
    }

    /// Whether any has come so far.
    pub fn any(&self, fate: &Fate) -> bool {
        self.iter().any(|target| target.fate == *fate)
    }

    /// Those that have come so far have come farther.
    pub fn change(&mut self, from: &Fate, to: &Fate) {
        for target in self.0.values_mut().filter(|target| target.fate == *from) {
            target.fate.clone_from(to);
        }
    }

    /// Those that are known to be gone.
    pub fn gone(&self) -> Vec<MessageId> {
        let is_gone = |target: &Target| matches!(&target.fate, Fate::Settled(outcome, _) if outcome.is_gone());
        self.ids(is_gone).collect()
    }

    /// Whether it is for the commit to say what became of a message that is gone.
    pub fn doubts(&self, id: MessageId) -> bool {
        self.0.get(&id).is_some_and(Target::is_in_doubt)
    }

    /// Those of which nobody knows what became of them.
    pub fn in_doubt(&self) -> BTreeSet<MessageId> {
        self.ids(Target::is_in_doubt).collect()
    }

    /// Those that are deleted if the server is to be believed.
    pub fn believed(&self) -> impl Iterator<Item = &Target> {
        let deleted = Fate::Settled(Outcome::Deleted, None);
        self.iter().filter(move |target| target.fate == deleted)
    }

    /// What became of each.
    pub fn reports(self) -> Vec<MessageReport> {
        self.0.into_values().map(Target::report).collect()
    }

    /// What one session deletes: at most so many of those that are still to be deleted, but at least
    /// one, and in any case all that share a unique-id: when one of them is gone, the others are not
    /// known any more.
    pub fn batch(&self, max: usize) -> Vec<MessageId> {
        let open = |(_, target): &(&MessageId, &Target)| target.fate == Fate::Open;
        let mut open: Vec<(&MessageId, &Target)> = self.0.iter().filter(open).collect();
        if open.len() > max {
            open.sort_by_key(|(id, target)| (target.sharers > 1, &target.unique_id, **id));
            let unique_id = |at: usize| open.get(at).map(|(_, target)| &target.unique_id);
            let start = max.max(1);
            let end = (start..open.len()).find(|&at| unique_id(at) != unique_id(at - 1));
            open.truncate(end.unwrap_or(usize::MAX));
        }
        open.into_iter().map(|(&id, _)| id).collect()
    }

    fn ids(&self, which: impl Fn(&Target) -> bool) -> impl Iterator<Item = MessageId> {
        let targets = self.0.iter().filter(move |(_, target)| which(target));
        targets.map(|(&id, _)| id)
    }
}

#[cfg(test)]
impl FromIterator<(MessageId, Target)> for Targets {
    fn from_iter<I: IntoIterator<Item = (MessageId, Target)>>(targets: I) -> Self {
        Self(targets.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::message::Place;
    use super::super::super::roll::Listed;
    use super::super::super::standing::Standing;
    use super::super::samples::list;
    use super::*;

    /// Targets with these unique-ids, all still to be deleted.
    fn targets(unique_ids: &[&str]) -> Targets {
        let target = |(at, unique_id): (u32, &&str)| {
            let sharers = unique_ids
                .iter()
                .filter(|other| *other == unique_id)
                .count();
            let name = format!("{unique_id}~{at}");
            let listed = Listed::new(&name, Some(unique_id.as_bytes()), None);
            let message = Message::new(&listed, 0);
            let message = message.among(Standing {
                sharers: sharers as u32,
                ..Standing::ALONE
            });
            (MessageId(at), Target::new(&message, Fate::Open))
        };
        (0..).zip(unique_ids).map(target).collect()
    }

    fn ids(ids: &[u32]) -> Vec<MessageId> {
        ids.iter().copied().map(MessageId).collect()
    }

    #[test]
    fn all_go_at_once_where_nothing_is_said() {
        assert_eq!(targets(&["a", "b", "c"]).batch(usize::MAX), ids(&[0, 1, 2]));
        assert_eq!(targets(&[]).batch(5), []);
    }

    #[test]
    fn a_batch_has_no_more_than_it_may_and_never_none() {
        assert_eq!(targets(&["a", "b", "c"]).batch(2), ids(&[0, 1]));
        assert_eq!(targets(&["a", "b"]).batch(0), ids(&[0]));
    }

    #[test]
    fn messages_that_share_a_unique_id_go_together_and_last() {
        let mut targets = targets(&["x", "b", "x", "x"]);
        assert_eq!(targets.batch(1), ids(&[1]));
        assert_eq!(targets.batch(2), ids(&[1, 0, 2, 3]));
        targets.0.remove(&MessageId(1));
        assert_eq!(targets.batch(1), ids(&[0, 2, 3]));
    }

    #[test]
    fn what_is_settled_is_not_deleted_again() {
        let mut targets = targets(&["a", "b"]);
        targets.0.get_mut(&MessageId(0)).unwrap().fate = Fate::Confirmed;
        assert_eq!(targets.batch(usize::MAX), ids(&[1]));
    }

    #[test]
    fn a_doubt_that_nothing_has_settled_is_told() {
        let mut catalog = Catalog::default();
        list(&mut catalog, &[("a", 1), ("b", 2)]);
        for id in ids(&[0, 1]) {
            catalog.place(id, Place::Deleted);
        }
        let doubtful = BTreeSet::from([MessageId(1)]);
        let targets = Targets::of(&catalog, &doubtful);
        assert_eq!(targets.in_doubt(), doubtful);
        assert!(targets.doubts(MessageId(1)) && !targets.doubts(MessageId(0)));
        assert_eq!(targets.gone(), []);
        let outcomes: Vec<_> = targets.reports().iter().map(|it| it.outcome).collect();
        assert_eq!(outcomes, [Outcome::Kept, Outcome::Unknown]);
    }

    #[test]
    fn what_is_confirmed_is_in_doubt_until_it_is_believed() {
        let mut targets = targets(&["a", "b"]);
        let all = BTreeSet::from([MessageId(0), MessageId(1)]);
        for fate in [Fate::InDoubt, Fate::Confirmed] {
            targets
                .iter_mut()
                .for_each(|(_, it)| it.fate = fate.clone());
            assert_eq!(targets.in_doubt(), all);
            assert_eq!((targets.gone(), targets.believed().count()), (vec![], 0));
        }
        targets.change(&Fate::Confirmed, &Fate::Settled(Outcome::Deleted, None));
        assert_eq!(targets.in_doubt(), BTreeSet::new());
        assert_eq!(
            (targets.gone(), targets.believed().count()),
            (ids(&[0, 1]), 2)
        );
    }
}
