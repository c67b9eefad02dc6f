//! Messages that have grown.
//!
//! Servers that keep a mailbox in one file write header lines of their own into its messages when a
//! session ends (`Status`, `X-UIDL`), so all grow a little at the first time, and later those that
//! were read. A server that is seen to make several grow at once, and none change otherwise, is
//! believed from then on that what has grown a little is the same message.

use super::super::catalog::Catalog;
use super::super::message::MessageId;
use super::super::roll::{Listed, Roll};
use super::is_numbered;

/// What a server adds to a message at most, in octets.
const GROWTH_MAX: u64 = 128;

/// As many as must have grown at once before any is taken for the same as before: that many cannot
/// have been replaced by others with the same unique-ids and about the same sizes.
const GROWN_MIN: usize = 3;

/// The known messages that have only grown, where that is what the server does to them; completes the
/// ids.
pub(super) fn recognize_grown(
    roll: &Roll,
    catalog: &mut Catalog,
    ids: &mut [Option<MessageId>],
) -> Vec<MessageId> {
    let resized: Vec<(MessageId, usize, u64)> = resized(roll, catalog, ids);
    let has_grown = |&(id, _, size): &(MessageId, usize, u64)| {
        let before = catalog.message(id).map_or(size, |message| message.listed);
        size.checked_sub(before)
            .is_some_and(|more| more <= GROWTH_MAX)
    };
    let seen = catalog.habits.messages_grow || resized.len() >= GROWN_MIN;
    if !seen || is_numbered(roll) || !resized.iter().all(has_grown) {
        if !resized.is_empty() {
            // It has given a unique-id to another message; some of those may be of the same size.
            catalog.headers.doubt_all();
        }
        return Vec::new();
    }
    for &(id, at, size) in &resized {
        catalog.grow(id, size);
        if let Some(place) = ids.get_mut(at) {
            *place = Some(id);
        }
    }
    resized.into_iter().map(|(id, ..)| id).collect()
}

/// The messages that are known by a unique-id of their own, and by another size: the position and the
/// size that they are listed with now.
fn resized(
    roll: &Roll,
    catalog: &Catalog,
    ids: &[Option<MessageId>],
) -> Vec<(MessageId, usize, u64)> {
    if catalog.totals().messages == 0 {
        return Vec::new();
    }
    let known = |at: usize, listed: &Listed| {
        let id = catalog.named(&listed.name)?;
        let message = catalog.message(id)?;
        let alone = (message.standing.sharers, roll.groups().sharers(at)) == (1, 1);
        let same = alone && message.has_unique_id() && message.unique_id() == listed.unique_id();
        same.then_some((id, at, listed.size()))
    };
    let strangers = ids.iter().zip(roll.listed()).enumerate();
    strangers
        .filter(|(_, (id, _))| id.is_none())
        .filter_map(|(at, (_, listed))| known(at, listed))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::message::Place;
    use super::super::{Reconciled, reconcile};
    use super::*;

    fn take(catalog: &mut Catalog, mailbox: &[(&str, u64)]) -> Reconciled {
        reconcile(catalog, &Roll::of(mailbox.iter().copied(), ""), 1000)
    }

    #[test]
    fn messages_that_all_grow_a_little_are_the_same_and_later_each_alone_is() {
        let mut catalog = Catalog::default();
        let before = take(&mut catalog, &[("a", 100), ("b", 200), ("c", 300)]).ids;
        let marked = before[1].unwrap();
        catalog.place(marked, Place::Deleted);
        let after = take(&mut catalog, &[("a", 160), ("b", 211), ("c", 311)]);
        assert_eq!((&after.ids, after.grown.len()), (&before, 3));
        assert!(after.arrived.is_empty() && catalog.is_marked(marked));
        let after = take(&mut catalog, &[("a", 160), ("b", 211), ("c", 312)]);
        assert_eq!(
            (after.ids, after.grown),
            (before.clone(), vec![before[2].unwrap()])
        );
    }

    #[test]
    fn messages_that_change_otherwise_are_others() {
        let first = [("a", 100), ("b", 200), ("c", 300), ("d", 400)];
        for next in [
            [("a", 100), ("b", 200), ("c", 310), ("d", 410)],
            [("a", 110), ("b", 210), ("c", 310), ("d", 399)],
            [("a", 110), ("b", 210), ("c", 310), ("d", 529)],
        ] {
            let mut catalog = Catalog::default();
            let before = take(&mut catalog, &first).ids;
            let after = take(&mut catalog, &next).ids;
            for at in 0..4 {
                assert_eq!(before[at] == after[at], first[at] == next[at], "{next:?}");
            }
        }
    }

    #[test]
    fn message_numbers_for_unique_ids_tell_nothing_of_that() {
        let mut catalog = Catalog::default();
        let before = take(&mut catalog, &[("1", 100), ("2", 200), ("3", 300)]).ids;
        let after = take(&mut catalog, &[("1", 110), ("2", 210), ("3", 310)]).ids;
        assert!(before.iter().all(|id| !after.contains(id)));
    }
}
