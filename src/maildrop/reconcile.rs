//! Which message of a new session is which message of the mount.
//!
//! Message-numbers are worthless across sessions (RFC 1939 section 3), unique-ids can be shared
//! or given anew to other mail, and sizes are estimates. So messages are matched in groups: the
//! ones that share a unique-id are the same as before if and only if there are as many of them,
//! with the same listed sizes in the same order. Most groups have one member. Whatever does not
//! match is taken for new mail, never for a message that somebody has marked or read.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

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

/// Brings the catalog up to date with a listing; gives the session's numbering and what the
/// kernel must be told.
pub(super) fn reconcile(
    catalog: &mut Catalog,
    listing: Vec<Listed>,
    suffix: &str,
    listed_at: i64,
) -> (Numbering, Vec<Change>) {
    let groups = groups(&listing);
    let mut seen: HashSet<MessageId> = HashSet::with_capacity(listing.len());
    let mut matched: Vec<Option<MessageId>> = vec![None; listing.len()];
    for (unique_id, members) in &groups {
        if let Some(ids) = same_as_before(catalog, unique_id, members, &listing, suffix) {
            for (&member, id) in members.iter().zip(ids) {
                matched[member] = Some(id);
                seen.insert(id);
            }
        }
    }
    let mut changes = remove_unlisted(catalog, &seen);
    let places = occurrences(&groups, listing.len());
    let mut numbering = Numbering::with_capacity(listing.len());
    for ((listed, known), (occurrence, sharers)) in listing.into_iter().zip(matched).zip(places) {
        let id = known.or_else(|| {
            let name: Arc<str> = names::file_name(&listed.unique_id, occurrence, suffix).into();
            changes.push(Change::Appeared {
                place: Place::Root,
                name: name.clone(),
            });
            catalog.add(Message {
                name,
                unique_id: listed.unique_id,
                occurrence,
                sharers,
                listed: listed.size,
                listed_at,
                place: Place::Root,
                version: 0,
                content: None,
            })
        });
        if let Some(id) = id {
            numbering.insert(id, listed.number);
        }
    }
    (numbering, changes)
}

/// Positions in the listing of the messages that share a unique-id, in listing order.
fn groups(listing: &[Listed]) -> HashMap<Box<[u8]>, Vec<usize>> {
    let mut groups: HashMap<Box<[u8]>, Vec<usize>> = HashMap::with_capacity(listing.len());
    for (position, listed) in listing.iter().enumerate() {
        groups
            .entry(listed.unique_id.clone())
            .or_default()
            .push(position);
    }
    groups
}

/// The known messages that the members of a group are, if the whole group is as it was.
fn same_as_before(
    catalog: &Catalog,
    unique_id: &[u8],
    members: &[usize],
    listing: &[Listed],
    suffix: &str,
) -> Option<Vec<MessageId>> {
    let mut ids = Vec::with_capacity(members.len());
    for (occurrence, &member) in (1u32..).zip(members) {
        let id = catalog.named(&names::file_name(unique_id, occurrence, suffix))?;
        let message = catalog.message(id)?;
        let same = &*message.unique_id == unique_id
            && message.sharers as usize == members.len()
            && message.listed == listing.get(member)?.size;
        ids.push(same.then_some(id)?);
    }
    Some(ids)
}

fn remove_unlisted(catalog: &mut Catalog, seen: &HashSet<MessageId>) -> Vec<Change> {
    let unlisted: Vec<MessageId> = catalog
        .present()
        .map(|(id, _)| id)
        .filter(|id| !seen.contains(id))
        .collect();
    unlisted
        .into_iter()
        .flat_map(|id| catalog.place(id, Place::Gone))
        .collect()
}

/// For each position of the listing: which occurrence of its unique-id it is, of how many.
fn occurrences(groups: &HashMap<Box<[u8]>, Vec<usize>>, length: usize) -> Vec<(u32, u32)> {
    let mut places = vec![(1, 1); length];
    for members in groups.values() {
        for (occurrence, &member) in (1u32..).zip(members) {
            places[member] = (occurrence, u32::try_from(members.len()).unwrap_or(u32::MAX));
        }
    }
    places
}
