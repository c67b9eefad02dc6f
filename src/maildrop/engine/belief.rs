//! Messages of which only the server's word says that they are gone.

use std::collections::HashSet;

use super::super::catalog::Catalog;
use super::super::message::MessageId;
use super::target::Target;

/// They are held against the next listing, whenever it comes. None is marked again for that: the
/// same mail may have been sent once more.
#[derive(Default)]
pub(super) struct Belief(HashSet<(Box<[u8]>, u64)>);

impl Belief {
    /// The server says that it has deleted these.
    pub fn trust<'a>(&mut self, deleted: impl Iterator<Item = &'a Target>) {
        // A copy that was not to be deleted would be taken for one that was.
        let alone = deleted.filter(|target| target.sharers == 1);
        self.0
            .extend(alone.map(|target| (target.unique_id.clone(), target.size)));
    }

    /// How many of them are among those that a listing shows for new.
    pub fn disappointed(&mut self, arrived: &[MessageId], catalog: &Catalog) -> usize {
        let deleted = std::mem::take(&mut self.0);
        if deleted.is_empty() || catalog.habits.is_numbered {
            return 0;
        }
        let messages = arrived.iter().filter_map(|id| catalog.message(*id));
        let keys = messages.map(|message| (message.unique_id().into(), message.listed));
        keys.filter(|key| deleted.contains(key)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::list;
    use super::super::target::Fate;
    use super::*;

    /// How many come back of `a`, `b` and two copies of `x`, which are said to be deleted, when this
    /// is listed.
    fn back(listed: &[(&str, u64)]) -> usize {
        let mut catalog = Catalog::default();
        list(&mut catalog, &[("a", 1), ("b", 2), ("x", 3), ("x", 3)]);
        let deleted: Vec<Target> = catalog
            .present()
            .map(|(_, message)| Target::new(message, Fate::Open))
            .collect();
        let mut belief = Belief::default();
        belief.trust(deleted.iter());
        let mut catalog = Catalog::default();
        list(&mut catalog, listed);
        let arrived: Vec<MessageId> = catalog.present().map(|(id, _)| id).collect();
        let back = belief.disappointed(&arrived, &catalog);
        assert_eq!(
            belief.disappointed(&arrived, &catalog),
            0,
            "it is told once"
        );
        back
    }

    #[test]
    fn what_is_listed_as_it_was_has_come_back() {
        assert_eq!(back(&[("c", 1), ("b", 2)]), 1);
        assert_eq!(back(&[("a", 1), ("b", 2)]), 2);
    }

    #[test]
    fn what_is_listed_otherwise_is_another_message() {
        assert_eq!(back(&[]), 0);
        assert_eq!(back(&[("a", 9), ("c", 2)]), 0);
        assert_eq!(back(&[("x", 3)]), 0);
    }
}
