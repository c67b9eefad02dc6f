//! Which message of a new session is which message of the mount.
//!
//! Message-numbers are worthless across sessions (RFC 1939 section 3), unique-ids can be shared
//! or given anew to other mail, and sizes are estimates. So messages are matched in groups: the
//! ones that share a unique-id are the same as before if and only if there are as many of them,
//! with the same listed sizes in the same order. Most groups have one member. Whatever does not
//! match is taken for new mail, never for a message that somebody has marked or read.

use std::collections::{HashMap, HashSet};

use crate::pop3::MessageNumber;

use super::catalog::{Catalog, Message};
use super::message::{MessageId, Place};
use super::{Change, names};

/// One message of a session's listings: LIST and UIDL joined by number.
#[derive(Debug)]
pub(super) struct Listed {
    pub number: MessageNumber,
    /// Empty where the server gave none.
    pub unique_id: Box<[u8]>,
    pub size: u64,
}

/// The message-numbers of one session. Dropped with it.
pub(super) type Numbering = HashMap<MessageId, MessageNumber>;

/// What a message of the listing is.
#[derive(Clone, Debug, Default)]
struct Position {
    /// Which of the messages that share its unique-id, counted from 1, and of how many.
    occurrence: u32,
    sharers: u32,
    /// The message of the mount, if it was there before.
    known: Option<MessageId>,
}

/// What a listing has come to.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The session's message-numbers.
    pub numbering: Numbering,
    /// What the kernel must be told.
    pub changes: Vec<Change>,
    /// Messages that were not there before.
    pub arrived: Vec<MessageId>,
    /// Messages that are no longer there.
    pub vanished: Vec<MessageId>,
}

/// Brings the catalog up to date with a listing.
pub(super) fn reconcile(
    catalog: &mut Catalog,
    listing: Vec<Listed>,
    suffix: &str,
    listed_at: i64,
) -> Outcome {
    let positions = positions(catalog, &listing, suffix);
    let vanished = unlisted(catalog, &positions);
    let gone = vanished.iter();
    let mut changes: Vec<_> = gone
        .flat_map(|&id| catalog.place(id, Place::Gone))
        .collect();
    let mut arrived = Vec::new();
    let mut numbering = Numbering::with_capacity(listing.len());
    for (listed, position) in listing.into_iter().zip(positions) {
        let number = listed.number;
        let id = match position.known {
            Some(id) => Some(id),
            None => {
                let message = newcomer(listed.unique_id, listed.size, &position, suffix, listed_at);
                changes.push(Change::Appeared {
                    place: message.place,
                    name: message.name.clone(),
                });
                let id = catalog.add(message);
                arrived.extend(id);
                id
            }
        };
        numbering.extend(id.map(|id| (id, number)));
    }
    Outcome {
        numbering,
        changes,
        arrived,
        vanished,
    }
}

/// What each message of the listing is, in listing order.
fn positions(catalog: &Catalog, listing: &[Listed], suffix: &str) -> Vec<Position> {
    let mut positions = vec![Position::default(); listing.len()];
    for (unique_id, members) in groups(listing) {
        let known = same_as_before(catalog, unique_id, &members, listing, suffix);
        let sharers = u32::try_from(members.len()).unwrap_or(u32::MAX);
        for ((occurrence, member), known) in (1..).zip(members).zip(known) {
            if let Some(position) = positions.get_mut(member) {
                *position = Position {
                    occurrence,
                    sharers,
                    known,
                };
            }
        }
    }
    positions
}

/// Positions in the listing of the messages that share a unique-id, in listing order.
fn groups(listing: &[Listed]) -> HashMap<&[u8], Vec<usize>> {
    let mut groups: HashMap<&[u8], Vec<usize>> = HashMap::with_capacity(listing.len());
    for (position, listed) in listing.iter().enumerate() {
        groups.entry(&listed.unique_id).or_default().push(position);
    }
    groups
}

/// For each member of a group the known message that it is; none at all unless the whole group is
/// as it was.
fn same_as_before(
    catalog: &Catalog,
    unique_id: &[u8],
    members: &[usize],
    listing: &[Listed],
    suffix: &str,
) -> Vec<Option<MessageId>> {
    if catalog.totals().messages == 0 {
        return vec![None; members.len()];
    }
    let known = |(occurrence, member): (u32, &usize)| {
        let id = catalog.named(&names::file_name(unique_id, occurrence, suffix))?;
        let message = catalog.message(id)?;
        let same = &*message.unique_id == unique_id
            && message.sharers as usize == members.len()
            && message.listed == listing.get(*member)?.size;
        same.then_some(id)
    };
    let ids: Vec<Option<MessageId>> = (1..).zip(members).map(known).collect();
    if ids.contains(&None) {
        vec![None; members.len()]
    } else {
        ids
    }
}

fn unlisted(catalog: &Catalog, positions: &[Position]) -> Vec<MessageId> {
    let listed: HashSet<MessageId> = positions.iter().filter_map(|it| it.known).collect();
    catalog
        .present()
        .map(|(id, _)| id)
        .filter(|id| !listed.contains(id))
        .collect()
}

fn newcomer(
    unique_id: Box<[u8]>,
    size: u64,
    position: &Position,
    suffix: &str,
    listed_at: i64,
) -> Message {
    Message {
        name: names::file_name(&unique_id, position.occurrence, suffix).into(),
        unique_id,
        occurrence: position.occurrence,
        sharers: position.sharers,
        listed: size,
        listed_at,
        place: Place::Root,
        version: 0,
        content: None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pop3::listing::scan_line;

    /// A mailbox as the server has it: unique-id and size, in order.
    type Mailbox = Vec<(Vec<u8>, u64)>;

    /// Few unique-ids, so that many are shared, and sizes that often are the same.
    fn mailbox() -> impl Strategy<Value = Mailbox> {
        let odd = prop::collection::vec(any::<u8>(), 0..6);
        let unique_id = prop_oneof![3 => "[a-c~2%/.]{0,3}".prop_map(Vec::from), 1 => odd];
        prop::collection::vec((unique_id, 0u64..4), 0..24)
    }

    fn listing(mailbox: &Mailbox) -> Vec<Listed> {
        let listed = |(number, (unique_id, size)): (u32, &(Vec<u8>, u64))| Listed {
            number: scan_line(format!("{number} 0").as_bytes()).unwrap().number,
            unique_id: unique_id.clone().into(),
            size: *size,
        };
        (1..).zip(mailbox).map(listed).collect()
    }

    fn take(catalog: &mut Catalog, mailbox: &Mailbox) -> (Numbering, Vec<Change>) {
        let outcome = reconcile(catalog, listing(mailbox), ".eml", 1000);
        (outcome.numbering, outcome.changes)
    }

    /// The ids in listing order, each held against the unique-id and size at its number.
    fn ids(catalog: &Catalog, numbering: &Numbering, mailbox: &Mailbox) -> Vec<MessageId> {
        let numbers: HashMap<String, MessageId> = numbering
            .iter()
            .map(|(id, number)| (number.to_string(), *id))
            .collect();
        let id = |(number, (unique_id, size)): (u32, &(Vec<u8>, u64))| {
            let id = numbers[&number.to_string()];
            let message = catalog.message(id).unwrap();
            assert_eq!(
                (&*message.unique_id, message.listed),
                (&unique_id[..], *size)
            );
            id
        };
        (1..).zip(mailbox).map(id).collect()
    }

    fn unlike(mailbox: &Mailbox, unique_id: &[u8]) -> Vec<usize> {
        (0..mailbox.len())
            .filter(|at| mailbox[*at].0 != unique_id)
            .collect()
    }

    proptest! {
        #[test]
        fn every_message_has_a_name_of_its_own_and_is_found_by_it(mailbox in mailbox()) {
            let mut catalog = Catalog::default();
            let (numbering, changes) = take(&mut catalog, &mailbox);
            prop_assert_eq!(numbering.len(), mailbox.len());
            prop_assert_eq!(changes.len(), mailbox.len());
            let ids = ids(&catalog, &numbering, &mailbox);
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
            let (numbering, _) = take(&mut catalog, &mailbox);
            let before: HashSet<MessageId> = numbering.into_keys().collect();
            let marked = (!mailbox.is_empty()).then(|| MessageId(marked.index(mailbox.len()) as u32));
            marked.into_iter().for_each(|id| drop(catalog.place(id, Place::Deleted)));
            let mut reordered = mailbox;
            reordered.sort_by_key(|(unique_id, _)| {
                unique_id.iter().fold(order, |key, octet| key.wrapping_add(1 + u64::from(*octet)).rotate_left(7))
            });
            let (numbering, changes) = take(&mut catalog, &reordered);
            let after: HashSet<MessageId> = ids(&catalog, &numbering, &reordered).into_iter().collect();
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
            let (numbering, _) = take(&mut catalog, &mailbox);
            let before = ids(&catalog, &numbering, &mailbox);
            let at = at.index(mailbox.len());
            let unique_id = mailbox[at].0.clone();
            let mut changed = mailbox.clone();
            if grows {
                changed.push((unique_id.clone(), 7));
            } else {
                changed[at].1 = 7;
            }
            let (numbering, changes) = take(&mut catalog, &changed);
            let after = ids(&catalog, &numbering, &changed);
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
                let (numbering, _) = take(&mut catalog, mailbox);
                let listed: HashSet<MessageId> = ids(&catalog, &numbering, mailbox).into_iter().collect();
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
