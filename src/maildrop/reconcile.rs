//! Which message of a new session is which message of the mount.
//!
//! Message-numbers are worthless across sessions (RFC 1939 section 3), unique-ids can be shared
//! or given anew to other mail, and sizes are estimates. So messages are matched in groups: the
//! ones that share a unique-id are the same as before if and only if there are as many of them,
//! with the same listed sizes in the same order. Most groups have one member. Whatever does not
//! match is taken for new mail, never for a message that somebody has marked or read. The one
//! exception are servers that make messages grow a little between sessions: [`grown`]. A group of
//! several can look as it was and have lost one and got another, so those are only likely to be the
//! same: nothing is believed of them without their headers.
//!
//! Some servers give the message-numbers for unique-ids. These tell where a message is and not
//! which it is: only as long as nothing before it has changed, and nothing is missing, is the
//! message at a place the same as before.

mod grown;

use std::collections::HashSet;

use super::Change;
use super::catalog::{Catalog, Message};
use super::mark::Mark;
use super::message::{MessageId, Place};
use super::roll::{Listed, Roll};
use grown::recognize_grown;

/// What a listing has come to.
#[derive(Debug)]
pub(super) struct Reconciled {
    /// The message of the mount for each of the listing; none where there are too many.
    pub ids: Vec<Option<MessageId>>,
    /// Messages that have grown.
    pub grown: Vec<MessageId>,
    /// Messages that were not there before.
    pub arrived: Vec<MessageId>,
    /// Messages that are no longer there.
    pub vanished: Vec<MessageId>,
    /// The marks that some of those had.
    pub marks: Vec<(MessageId, Mark)>,
    /// What the kernel must be told of those.
    gone: Vec<Change>,
}

impl Reconciled {
    /// What the kernel must be told, if it can have asked before.
    pub fn changes(&self, catalog: &Catalog) -> Vec<Change> {
        let arrived = self.arrived.iter().filter_map(|id| catalog.message(*id));
        let appeared = arrived.map(|message| Change::Appeared {
            place: message.place,
            name: message.name.clone(),
        });
        self.gone.iter().cloned().chain(appeared).collect()
    }
}

/// Brings the catalog up to date with a listing.
pub(super) fn reconcile(catalog: &mut Catalog, roll: &Roll, listed_at: i64) -> Reconciled {
    let mut ids = recognize(roll, catalog);
    let grown = recognize_grown(roll, catalog, &mut ids);
    let vanished = unlisted(catalog, &ids);
    let marked = vanished.iter().filter(|id| catalog.is_marked(**id));
    let marks = marked.filter_map(|&id| Some((id, catalog.mark(id)?)));
    let marks = marks.collect();
    let gone = vanished.iter();
    let gone = gone
        .flat_map(|&id| catalog.place(id, Place::Gone))
        .collect();
    catalog.habits.is_numbered = is_numbered(roll);
    let arrived = add_newcomers(roll, catalog, &mut ids, listed_at);
    Reconciled {
        ids,
        grown,
        arrived,
        vanished,
        marks,
        gone,
    }
}

/// The known message that each of the listing is; none of a group unless all of it is as it was.
fn recognize(roll: &Roll, catalog: &Catalog) -> Vec<Option<MessageId>> {
    if catalog.totals().messages == 0 {
        return vec![None; roll.listed().len()];
    }
    let known = |(at, listed): (usize, &Listed)| {
        let id = catalog.named(&listed.name)?;
        let message = catalog.message(id)?;
        let same = message.unique_id() == listed.unique_id()
            && message.standing.sharers == roll.groups().sharers(at)
            && message.listed == listed.size();
        same.then_some(id)
    };
    let mut ids: Vec<Option<MessageId>> = roll.listed().iter().enumerate().map(known).collect();
    forget_where_not_all_are_known(roll, &mut ids);
    if is_numbered(roll) {
        forget_what_may_have_moved(&mut ids, catalog);
    }
    ids
}

/// Whether the unique-ids are 1, 2, 3 and so on.
fn is_numbered(roll: &Roll) -> bool {
    let mut numbered = (1_u64..).zip(roll.listed());
    !roll.listed().is_empty()
        && numbered.all(|(number, listed)| listed.unique_id() == number.to_string().as_bytes())
}

fn forget_what_may_have_moved(ids: &mut [Option<MessageId>], catalog: &Catalog) {
    let is_shorter = (ids.len() as u64) < catalog.totals().messages;
    let changed = ids.iter().position(Option::is_none).unwrap_or(ids.len());
    let first = if is_shorter { 0 } else { changed };
    ids.iter_mut().skip(first).for_each(|id| *id = None);
}

fn forget_where_not_all_are_known(roll: &Roll, ids: &mut [Option<MessageId>]) {
    let groups = roll.groups();
    let strangers = ids.iter().enumerate().filter(|(_, id)| id.is_none());
    let changed: HashSet<usize> = strangers.map(|(at, _)| groups.leader(at)).collect();
    for (at, id) in ids.iter_mut().enumerate() {
        id.take_if(|_| changed.contains(&groups.leader(at)));
    }
}

/// Adds the messages that are not known; gives them, and completes the ids.
fn add_newcomers(
    roll: &Roll,
    catalog: &mut Catalog,
    ids: &mut [Option<MessageId>],
    listed_at: i64,
) -> Vec<MessageId> {
    let newcomers = ids.iter().filter(|id| id.is_none()).count();
    catalog.expect(newcomers);
    let mut arrived = Vec::with_capacity(newcomers);
    let copies = roll.copies();
    let unknown = ids.iter_mut().enumerate().zip(roll.listed());
    for ((at, id), listed) in unknown.filter(|((_, id), _)| id.is_none()) {
        let message = Message::new(listed, listed_at).among(roll.standing(at, &copies));
        *id = catalog.add(message);
        arrived.extend(*id);
    }
    if arrived.len() < newcomers {
        log::error!(
            "{} new messages are not shown: this mount has seen too many; mount again",
            newcomers - arrived.len()
        );
    }
    arrived
}

/// The messages of the mount that are listed no more.
fn unlisted(catalog: &Catalog, listed: &[Option<MessageId>]) -> Vec<MessageId> {
    let mut is_listed = vec![false; catalog.after(None).count()];
    for id in listed.iter().flatten() {
        if let Some(place) = is_listed.get_mut(id.index() as usize) {
            *place = true;
        }
    }
    catalog
        .present()
        .map(|(id, _)| id)
        .filter(|id| is_listed.get(id.index() as usize) == Some(&false))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A mailbox as the server has it: unique-id and size, in order.
    type Mailbox = Vec<(Vec<u8>, u64)>;

    /// Few unique-ids, so that many are shared, and sizes that often are the same.
    fn mailbox() -> impl Strategy<Value = Mailbox> {
        let odd = prop::collection::vec(any::<u8>(), 0..6);
        let unique_id = prop_oneof![3 => "[a-c~2%/.]{0,3}".prop_map(Vec::from), 1 => odd];
        prop::collection::vec((unique_id, 0u64..4), 0..24)
    }

    /// The ids in listing order, each held against unique-id and size, and all changes.
    fn take(catalog: &mut Catalog, mailbox: &Mailbox) -> (Vec<MessageId>, Vec<Change>) {
        let listed = mailbox.iter().map(|(unique_id, size)| (unique_id, *size));
        let outcome = reconcile(catalog, &Roll::of(listed, ".eml"), 1000);
        let changes = outcome.changes(catalog);
        let ids: Vec<MessageId> = outcome.ids.into_iter().map(Option::unwrap).collect();
        for (id, (unique_id, size)) in ids.iter().zip(mailbox) {
            let message = catalog.message(*id).unwrap();
            assert_eq!(
                (message.unique_id(), message.listed),
                (&unique_id[..], *size)
            );
        }
        (ids, changes)
    }

    fn unlike(mailbox: &Mailbox, unique_id: &[u8]) -> Vec<usize> {
        (0..mailbox.len())
            .filter(|at| mailbox[*at].0 != unique_id)
            .collect()
    }

    /// The messages that are the same as before, by their places.
    fn same(before: &[(&str, u64)], after: &[(&str, u64)]) -> Vec<usize> {
        let mailbox = |messages: &[(&str, u64)]| -> Mailbox {
            let owned = messages
                .iter()
                .map(|(unique_id, size)| (Vec::from(*unique_id), *size));
            owned.collect()
        };
        let mut catalog = Catalog::default();
        let (first, _) = take(&mut catalog, &mailbox(before));
        let (second, _) = take(&mut catalog, &mailbox(after));
        let known = second
            .iter()
            .enumerate()
            .filter(|(_, id)| first.contains(id));
        known.map(|(at, _)| at).collect()
    }

    #[test]
    fn numbers_for_unique_ids_say_nothing_once_something_has_changed_before_them() {
        let before = &[("1", 5), ("2", 6), ("3", 7), ("4", 7)];
        assert_eq!(same(before, before), [0, 1, 2, 3]);
        assert_eq!(
            same(before, &[("1", 5), ("2", 6), ("3", 7), ("4", 7), ("5", 9)]),
            [0, 1, 2, 3]
        );
        assert_eq!(same(before, &[("1", 5), ("2", 7), ("3", 7), ("4", 9)]), [0]);
    }

    #[test]
    fn numbers_for_unique_ids_say_nothing_once_something_is_missing() {
        let before = &[("1", 7), ("2", 7), ("3", 7)];
        assert_eq!(same(before, &[("1", 7), ("2", 7)]), [0; 0]);
    }

    #[test]
    fn an_empty_maildrop_says_nothing_of_how_unique_ids_are_given() {
        let mut catalog = Catalog::default();
        take(&mut catalog, &Vec::new());
        assert!(!catalog.habits.is_numbered);
    }

    #[test]
    fn unique_ids_that_only_look_like_numbers_stay_with_their_messages() {
        let before = &[("1", 5), ("2", 6), ("3", 7)];
        assert_eq!(same(before, &[("1", 5), ("3", 7)]), [0, 1]);
        assert_eq!(same(&[("2", 5), ("3", 6)], &[("3", 6)]), [0]);
    }

    proptest! {
        #[test]
        fn every_message_has_a_name_of_its_own_and_is_found_by_it(mailbox in mailbox()) {
            let mut catalog = Catalog::default();
            let (ids, changes) = take(&mut catalog, &mailbox);
            prop_assert_eq!(changes.len(), mailbox.len());
            prop_assert!(ids.is_sorted());
            for id in ids {
                let message = catalog.message(id).unwrap();
                prop_assert_eq!(catalog.named(&message.name), Some(id));
                let legal = |octet: u8| matches!(octet, b' '..=b'~') && octet != b'/';
                prop_assert!(message.name.bytes().all(legal) && message.name.len() <= 255);
            }
        }

        #[test]
        fn the_same_listing_again_changes_nothing(mailbox in mailbox()) {
            let mut catalog = Catalog::default();
            let (before, _) = take(&mut catalog, &mailbox);
            let (after, changes) = take(&mut catalog, &mailbox);
            prop_assert_eq!(before, after);
            prop_assert_eq!(changes, []);
        }

        #[test]
        fn a_message_stays_the_same_wherever_it_is_listed(
            mailbox in mailbox(), order: u64, marked in any::<prop::sample::Index>()
        ) {
            let mut catalog = Catalog::default();
            let (ids, _) = take(&mut catalog, &mailbox);
            let before: HashSet<MessageId> = ids.into_iter().collect();
            let marked = (!mailbox.is_empty()).then(|| MessageId(marked.index(mailbox.len()) as u32));
            marked.into_iter().for_each(|id| drop(catalog.place(id, Place::Deleted)));
            let mut reordered = mailbox;
            reordered.sort_by_key(|(unique_id, _)| {
                unique_id.iter().fold(order, |key, octet| key.wrapping_add(1 + u64::from(*octet)).rotate_left(7))
            });
            let (ids, changes) = take(&mut catalog, &reordered);
            let after: HashSet<MessageId> = ids.into_iter().collect();
            prop_assert_eq!(before, after);
            prop_assert_eq!(changes, []);
            prop_assert_eq!(catalog.marked().map(|(id, _)| id).collect::<Vec<_>>(), Vec::from_iter(marked));
        }

        #[test]
        fn a_group_that_is_not_as_it_was_is_new_mail_and_the_rest_is_not(
            mailbox in mailbox(), at in any::<prop::sample::Index>(), grows: bool
        ) {
            prop_assume!(!mailbox.is_empty());
            let mut catalog = Catalog::default();
            let (before, _) = take(&mut catalog, &mailbox);
            let at = at.index(mailbox.len());
            let unique_id = mailbox[at].0.clone();
            let mut changed = mailbox.clone();
            if grows {
                changed.push((unique_id.clone(), 7));
            } else {
                changed[at].1 = 7;
            }
            let (after, changes) = take(&mut catalog, &changed);
            for same in unlike(&mailbox, &unique_id) {
                prop_assert_eq!(before[same], after[same]);
            }
            let known: HashSet<&MessageId> = before.iter().collect();
            let new = after.iter().filter(|id| !known.contains(id)).count();
            let sharers = mailbox.len() - unlike(&mailbox, &unique_id).len();
            prop_assert_eq!(new, sharers + usize::from(grows));
            prop_assert_eq!(changes.len(), sharers + new);
        }

        #[test]
        fn whatever_the_listings_are_the_last_one_is_shown(mailboxes in prop::collection::vec(mailbox(), 1..5)) {
            let mut catalog = Catalog::default();
            for mailbox in &mailboxes {
                let (ids, _) = take(&mut catalog, mailbox);
                let listed: HashSet<MessageId> = ids.into_iter().collect();
                prop_assert_eq!(listed.len(), mailbox.len());
                prop_assert!(catalog.present().all(|(id, _)| listed.contains(&id)));
                prop_assert_eq!(catalog.totals().messages as usize, mailbox.len());
            }
        }
    }

    #[test]
    fn what_comes_and_goes_is_told() {
        let mut catalog = Catalog::default();
        take(&mut catalog, &vec![(b"a".to_vec(), 1)]);
        let (_, changes) = take(&mut catalog, &vec![(b"b".to_vec(), 1)]);
        let place = Place::Root;
        let name = |name: &str| name.into();
        assert_eq!(
            changes,
            [
                Change::Vanished {
                    place,
                    name: name("a.eml")
                },
                Change::Appeared {
                    place,
                    name: name("b.eml")
                },
            ]
        );
    }
}
