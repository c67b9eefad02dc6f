//! Which messages one session deletes.

use std::collections::BTreeMap;

use super::super::message::MessageId;
use super::target::{Fate, Target};

/// At most so many of the targets that are still to be deleted, but at least one, and in any case
/// all that share a unique-id: when one of them is gone, the others are not known any more.
pub(super) fn batch(targets: &BTreeMap<MessageId, Target>, max: usize) -> Vec<MessageId> {
    let open = |(_, target): &(&MessageId, &Target)| target.fate == Fate::Open;
    let mut open: Vec<(&MessageId, &Target)> = targets.iter().filter(open).collect();
    if open.len() > max {
        open.sort_by_key(|(id, target)| (target.sharers > 1, &target.unique_id, **id));
        let unique_id = |at: usize| open.get(at).map(|(_, target)| &target.unique_id);
        let start = max.max(1);
        let end = (start..open.len()).find(|&at| unique_id(at) != unique_id(at - 1));
        open.truncate(end.unwrap_or(usize::MAX));
    }
    open.into_iter().map(|(&id, _)| id).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::catalog::Message;
    use super::*;

    /// Targets with these unique-ids, all still to be deleted.
    fn targets(unique_ids: &[&str]) -> BTreeMap<MessageId, Target> {
        let target = |(at, unique_id): (u32, &&str)| {
            let sharers = unique_ids
                .iter()
                .filter(|other| *other == unique_id)
                .count();
            let message = Message {
                sharers: sharers as u32,
                ..Message::new(&format!("{unique_id}~{at}"), unique_id.as_bytes())
            };
            (MessageId(at), Target::new(&message, Fate::Open))
        };
        (0..).zip(unique_ids).map(target).collect()
    }

    fn ids(ids: &[u32]) -> Vec<MessageId> {
        ids.iter().copied().map(MessageId).collect()
    }

    #[test]
    fn all_go_at_once_where_nothing_is_said() {
        assert_eq!(
            batch(&targets(&["a", "b", "c"]), usize::MAX),
            ids(&[0, 1, 2])
        );
        assert_eq!(batch(&targets(&[]), 5), []);
    }

    #[test]
    fn a_batch_has_no_more_than_it_may_and_never_none() {
        assert_eq!(batch(&targets(&["a", "b", "c"]), 2), ids(&[0, 1]));
        assert_eq!(batch(&targets(&["a", "b"]), 0), ids(&[0]));
    }

    #[test]
    fn messages_that_share_a_unique_id_go_together_and_last() {
        let mut targets = targets(&["x", "b", "x", "x"]);
        assert_eq!(batch(&targets, 1), ids(&[1]));
        assert_eq!(batch(&targets, 2), ids(&[1, 0, 2, 3]));
        targets.remove(&MessageId(1));
        assert_eq!(batch(&targets, 1), ids(&[0, 2, 3]));
    }

    #[test]
    fn what_is_settled_is_not_deleted_again() {
        let mut targets = targets(&["a", "b"]);
        targets.get_mut(&MessageId(0)).unwrap().fate = Fate::Confirmed;
        assert_eq!(batch(&targets, usize::MAX), ids(&[1]));
    }
}
