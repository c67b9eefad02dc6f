//! What is known of every message, for the life of the mount.
//!
//! Most messages of a large mailbox are never opened, so little is kept of one until it is: about
//! 155 octets where unique-ids have 36.
//!
//! | octets | for |
//! |---|---|
//! | 80 | [`Message`]: what the listing said, in the order of the listing |
//! | 64 | the name, shared with whoever is told of it; it begins with the unique-id, which takes no room of its own |
//! | 5 to 10 | its place among the names: an id and an octet of hash, for the name itself is above |
//! | 4 | its number in the session |
//!
//! What RETR shows of a message is kept apart, once it is known.

mod content;
mod headers;
mod message;

use std::hash::{BuildHasher, RandomState};
use std::mem;

use hashbrown::HashTable;

use super::event::Subject;
use super::habits::Habits;
use super::mark::Mark;
use super::message::{Entry, MessageId, Place};
use super::{Change, Totals};

pub(super) use content::Content;
pub(super) use headers::Headers;
pub(super) use message::Message;

/// The most messages that a mount can have seen, those that are gone included: more than one listing
/// can have, and about a gigabyte. Nobody gets so much mail; a server that gives its messages other
/// unique-ids each time they are listed must not fill our memory.
const SEEN_MAX: usize = 1 << 23;

/// All messages that this mount has seen, in order of first listing.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    messages: Vec<Message>,
    /// The messages that are not gone; no two have the same name.
    names: HashTable<MessageId>,
    /// Keyed afresh in each run: names are the server's to choose, and must not be chosen to collide.
    hasher: RandomState,
    marked: usize,
    octets: u64,
    pub habits: Habits,
    pub headers: Headers,
}

impl Catalog {
    /// Whether this is the message in which the server keeps data of its own, as far as is known.
    pub fn is_folder_data(&self, id: MessageId) -> bool {
        self.message(id)
            .is_some_and(Message::says_it_is_folder_data)
            && self.present().next().is_some_and(|(first, _)| first == id)
    }

    /// The message, if it was ever listed.
    pub fn message(&self, id: MessageId) -> Option<&Message> {
        self.messages.get(id.0 as usize)
    }

    fn message_mut(&mut self, id: MessageId) -> Option<&mut Message> {
        self.messages.get_mut(id.0 as usize)
    }

    /// The message at a position of the listing, counted from 0.
    pub fn at(&self, position: usize) -> Option<MessageId> {
        (position < self.messages.len()).then(|| u32::try_from(position).ok().map(MessageId))?
    }

    /// The message that was listed last.
    pub fn last(&self) -> Option<MessageId> {
        self.at(self.messages.len().checked_sub(1)?)
    }

    /// The message that has this name now.
    pub fn named(&self, name: &str) -> Option<MessageId> {
        let is_so_named = |id: &MessageId| name_of(&self.messages, *id) == name;
        self.names
            .find(self.hasher.hash_one(name), is_so_named)
            .copied()
    }

    /// The message's directory entry.
    pub fn entry(&self, id: MessageId) -> Option<Entry> {
        self.message(id).map(|message| message.entry(id))
    }

    /// The messages after `id`, or all, in order; those that are gone included.
    pub fn after(&self, id: Option<MessageId>) -> impl Iterator<Item = (MessageId, &Message)> {
        let start = id.map_or(0, |id| id.0.saturating_add(1));
        (start..)
            .zip(self.messages.iter().skip(start as usize))
            .map(|(index, message)| (MessageId(index), message))
    }

    /// The messages that are not gone, in order.
    pub fn present(&self) -> impl Iterator<Item = (MessageId, &Message)> {
        self.after(None)
            .filter(|(_, message)| message.place != Place::Gone)
    }

    /// The marked messages, in order.
    pub fn marked(&self) -> impl Iterator<Item = (MessageId, &Message)> {
        self.after(None)
            .filter(|(_, message)| message.place == Place::Deleted)
    }

    /// These messages as events tell of them.
    pub fn subjects(&self, ids: &[MessageId]) -> impl Iterator<Item = Subject> {
        ids.iter()
            .filter_map(|&id| self.message(id).map(Subject::from))
    }

    /// Whether messages can be found again in another session.
    pub fn has_unique_ids(&self) -> bool {
        self.present().any(|(_, message)| message.has_unique_id())
    }

    /// Whether nothing but its place in the listing tells a message from others: one may come to it in
    /// another session.
    pub fn is_told_by_place(&self, id: MessageId) -> bool {
        let shares = |it: &Message| !it.has_unique_id() || it.standing.sharers > 1;
        self.habits.is_numbered || self.message(id).is_some_and(shares)
    }

    /// The marked messages of that kind.
    pub fn marked_by_place(&self) -> impl Iterator<Item = MessageId> {
        let marked = self.marked().map(|(id, _)| id);
        marked.filter(|&id| self.is_told_by_place(id))
    }

    /// There is a new listing: all of those may be others now.
    pub fn doubt_places(&mut self) {
        let marked: Vec<MessageId> = self.marked_by_place().collect();
        for id in marked {
            self.headers.may_be_replaced(id);
        }
    }

    /// Whether a marked message may be another one, and no header has told.
    pub fn may_be_another(&self, id: MessageId) -> bool {
        let is_doubted = self.headers.is_doubted(id) && self.is_told_by_place(id);
        is_doubted || self.headers.is_unproven(id)
    }

    /// Whether this message is marked.
    pub fn is_marked(&self, id: MessageId) -> bool {
        let message = self.message(id);
        message.is_some_and(|message| message.place == Place::Deleted)
    }

    /// The mark of a message, as far as its header is known.
    pub fn mark(&self, id: MessageId) -> Option<Mark> {
        let message = self.message(id)?;
        Some(Mark::of(message, self.headers.digest(id)))
    }

    /// How many messages are marked.
    pub fn marks(&self) -> usize {
        self.marked
    }

    /// Messages and octets in the maildrop, as far as is known.
    pub fn totals(&self) -> Totals {
        Totals {
            messages: self.names.len() as u64,
            octets: self.octets,
        }
    }

    /// Makes room for messages that will be added.
    pub fn expect(&mut self, newcomers: usize) {
        let Self {
            messages,
            names,
            hasher,
            ..
        } = self;
        messages.reserve(newcomers);
        names.reserve(newcomers, |id| hasher.hash_one(name_of(messages, *id)));
    }

    /// Adds a message, whose name must be free. None when there are too many.
    pub fn add(&mut self, message: Message) -> Option<MessageId> {
        let Self {
            messages,
            names,
            hasher,
            ..
        } = self;
        let seen = Some(messages.len()).filter(|&seen| seen < SEEN_MAX)?;
        let id = MessageId(u32::try_from(seen).ok()?);
        let hash = |name: &str| hasher.hash_one(name);
        names.insert_unique(hash(&message.name), id, |id| hash(name_of(messages, *id)));
        self.octets = self.octets.saturating_add(message.size().shown());
        self.messages.push(message);
        Some(id)
    }

    /// Moves a message between the root and the deleted, or out of both for ever; what the kernel
    /// must be told if it was not the kernel that asked for it.
    pub fn place(&mut self, id: MessageId, place: Place) -> Vec<Change> {
        let moves = |message: &&mut Message| ![place, Place::Gone].contains(&message.place);
        let Some(message) = self.message_mut(id).filter(moves) else {
            return Vec::new();
        };
        let before = mem::replace(&mut message.place, place);
        let name = message.name.clone();
        self.marked -= usize::from(before == Place::Deleted);
        self.marked += usize::from(place == Place::Deleted);
        self.headers.forget(id);
        let vanished = Change::Vanished {
            place: before,
            name: name.clone(),
        };
        if place == Place::Gone {
            self.release(id);
            return vec![vanished];
        }
        vec![vanished, Change::Appeared { place, name }]
    }

    /// A message that is gone counts no longer, and another can have its name.
    fn release(&mut self, id: MessageId) {
        let Some(message) = self.message_mut(id) else {
            return;
        };
        message.forget_fingerprint();
        let (name, octets) = (message.name.clone(), message.size().shown());
        self.octets = self.octets.saturating_sub(octets);
        let hash = self.hasher.hash_one(&*name);
        if let Ok(entry) = self.names.find_entry(hash, |other| *other == id) {
            entry.remove();
        }
    }

    /// Takes in what a whole RETR has shown.
    pub fn learn(&mut self, id: MessageId, content: Content) {
        self.revise(id, |message| message.learn(content));
    }

    /// Forgets what was known of a message's bytes, for the server now gives others.
    pub fn forget(&mut self, id: MessageId) {
        self.revise(id, Message::forget);
    }

    /// The message is listed as longer than it was: the server has added to it, and nothing that was
    /// known of its bytes holds any longer.
    pub fn grow(&mut self, id: MessageId, listed: u64) {
        self.habits.messages_grow = true;
        self.revise(id, |message| message.grow(listed));
    }

    /// Changes what is known of a message, and the octets of the maildrop with it.
    fn revise(&mut self, id: MessageId, revise: impl FnOnce(&mut Message)) {
        let Some(message) = self.message_mut(id) else {
            return;
        };
        let before = message.size().shown();
        revise(message);
        let (after, gone) = (message.size().shown(), message.place == Place::Gone);
        if !gone {
            self.octets = self.octets.saturating_sub(before).saturating_add(after);
        }
    }

    /// Notes that the kernel has been told the size and the date.
    pub fn settle(&mut self, id: MessageId) {
        if let Some(message) = self.message_mut(id) {
            message.settle();
        }
    }
}

/// What the rehash of a table of names, and the search in it, compare.
fn name_of(messages: &[Message], id: MessageId) -> &str {
    messages.get(id.0 as usize).map_or("", |it| &it.name)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::fingerprint::Growth;
    use super::super::roll::Listed;
    use super::*;

    fn message(name: &str, listed: u64) -> Message {
        Message::new(
            &Listed::new(name, Some(name.as_bytes()), Some(listed)),
            1000,
        )
    }

    fn catalog(listed: &[u64]) -> Catalog {
        let mut catalog = Catalog::default();
        for (index, &listed) in listed.iter().enumerate() {
            catalog.add(message(&index.to_string(), listed));
        }
        catalog
    }

    fn learn(catalog: &mut Catalog, id: MessageId, octets: &[u8]) {
        let fingerprint = Growth::default().finish(0, octets);
        let last = octets.last().copied();
        let content = Content::of(octets, octets.len() as u64, last, fingerprint);
        catalog.learn(id, content);
    }

    #[test]
    fn messages_stand_in_the_order_of_their_first_listing() {
        let catalog = catalog(&[3, 2, 1]);
        let ids: Vec<u32> = catalog.after(None).map(|(id, _)| id.index()).collect();
        assert_eq!(ids, [0, 1, 2]);
        let after: Vec<u32> = catalog
            .after(Some(MessageId(1)))
            .map(|(id, _)| id.index())
            .collect();
        assert_eq!(after, [2]);
        assert_eq!(catalog.after(Some(MessageId(u32::MAX))).count(), 0);
    }

    #[test]
    fn a_message_is_found_by_its_name_until_it_is_gone() {
        let mut catalog = catalog(&[1, 2]);
        let id = MessageId(1);
        assert_eq!(catalog.named("1"), Some(id));
        catalog.place(id, Place::Deleted);
        assert_eq!(catalog.named("1"), Some(id));
        catalog.place(id, Place::Gone);
        assert_eq!(catalog.named("1"), None);
        assert!(catalog.entry(id).is_some());
    }

    #[test]
    fn a_name_can_be_given_again_once_its_message_is_gone() {
        let mut catalog = catalog(&[1]);
        catalog.place(MessageId(0), Place::Gone);
        let again = catalog.add(message("0", 1));
        assert_eq!(again, Some(MessageId(1)));
        assert_eq!(catalog.named("0"), again);
        catalog.place(MessageId(1), Place::Gone);
        assert_eq!(catalog.named("0"), None);
    }

    #[test]
    fn a_message_that_is_gone_does_not_come_back() {
        let mut catalog = catalog(&[1]);
        catalog.place(MessageId(0), Place::Gone);
        assert_eq!(catalog.place(MessageId(0), Place::Root), []);
        assert_eq!(catalog.entry(MessageId(0)).unwrap().place, Place::Gone);
    }

    #[test]
    fn a_move_is_told_once() {
        let mut catalog = catalog(&[1]);
        let name: Arc<str> = "0".into();
        let left = Change::Vanished {
            place: Place::Root,
            name: name.clone(),
        };
        let place = Place::Deleted;
        let came = Change::Appeared { place, name };
        assert_eq!(catalog.place(MessageId(0), place), [left, came]);
        assert_eq!(catalog.place(MessageId(0), place), []);
    }

    proptest! {
        #[test]
        fn the_counts_are_those_of_the_messages(
            listed in prop::collection::vec(any::<u64>(), 0..8),
            deeds in prop::collection::vec((0u32..9, 0..6, 0usize..50), 0..60),
        ) {
            let listed: Vec<u64> = listed.iter().map(|size| size >> 8).collect();
            let mut catalog = catalog(&listed);
            for (index, deed, length) in deeds {
                let id = MessageId(index);
                match deed {
                    0 => drop(catalog.place(id, Place::Root)),
                    1 => drop(catalog.place(id, Place::Deleted)),
                    2 => drop(catalog.place(id, Place::Gone)),
                    3 => learn(&mut catalog, id, &vec![b'x'; length]),
                    4 => catalog.forget(id),
                    _ => catalog.settle(id),
                }
                let totals = Totals {
                    messages: catalog.present().count() as u64,
                    octets: catalog.present().map(|(_, message)| message.size().shown()).sum(),
                };
                prop_assert_eq!(catalog.totals(), totals);
                prop_assert_eq!(catalog.marks(), catalog.marked().count());
                for (id, message) in catalog.present() {
                    prop_assert_eq!(catalog.named(&message.name), Some(id));
                }
            }
        }
    }
}
