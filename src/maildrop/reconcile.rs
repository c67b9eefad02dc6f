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

/// Brings the catalog up to date with a listing; gives the session's numbering and what the
/// kernel must be told.
pub(super) fn reconcile(
    catalog: &mut Catalog,
    listing: Vec<Listed>,
    suffix: &str,
    listed_at: i64,
) -> (Numbering, Vec<Change>) {
    let positions = positions(catalog, &listing, suffix);
    let mut changes = remove_unlisted(catalog, &positions);
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
                catalog.add(message)
            }
        };
        numbering.extend(id.map(|id| (id, number)));
    }
    (numbering, changes)
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

fn remove_unlisted(catalog: &mut Catalog, positions: &[Position]) -> Vec<Change> {
    let listed: HashSet<MessageId> = positions.iter().filter_map(|it| it.known).collect();
    let unlisted: Vec<MessageId> = catalog
        .present()
        .map(|(id, _)| id)
        .filter(|id| !listed.contains(id))
        .collect();
    unlisted
        .into_iter()
        .flat_map(|id| catalog.place(id, Place::Gone))
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
