//! What a session lists, each message by the name that it has in the tree.
//!
//! A listing may be long, and all of it must have come before the first file can be shown. The names
//! need nothing but the unique-ids before them, so they are made line by line, in the time in which
//! the server is waited for.

use std::sync::Arc;

use super::groups::{Copies, Groups};
use super::names;
use super::standing::Standing;
use super::unique_id::UniqueId;

/// One message of a session's listings: LIST and UIDL joined by number.
#[derive(Debug)]
pub(super) struct Listed {
    pub name: Arc<str>,
    /// None where UIDL has not named it.
    unique_id: Option<UniqueId>,
    /// None where LIST has not named it.
    pub size: Option<u64>,
}

/// The messages of a listing, in its order.
#[derive(Debug, Default)]
pub(super) struct Roll {
    suffix: String,
    listed: Vec<Listed>,
    groups: Groups,
    /// The name that is being made: a mailbox has a hundred thousand.
    name: String,
}

impl Listed {
    /// A message with a name that belongs to its unique-id.
    pub fn new(name: &str, unique_id: Option<&[u8]>, size: Option<u64>) -> Self {
        Self {
            unique_id: unique_id.map(|it| UniqueId::new(it, name)),
            name: name.into(),
            size,
        }
    }

    /// What UIDL calls it, if it has named it.
    pub fn given_unique_id(&self) -> Option<&[u8]> {
        self.unique_id.as_ref().map(|it| it.within(&self.name))
    }

    /// What the server calls it; empty where it has no unique-id.
    pub fn unique_id(&self) -> &[u8] {
        self.given_unique_id().unwrap_or_default()
    }

    /// Whether UIDL or LIST has not named it.
    pub fn is_half(&self) -> bool {
        self.unique_id.is_none() || self.size.is_none()
    }

    /// Its size, 0 where the server has none.
    pub fn size(&self) -> u64 {
        self.size.unwrap_or(0)
    }
}

impl Roll {
    /// One whose names end in this.
    pub fn new(suffix: &str) -> Self {
        Self {
            suffix: suffix.to_owned(),
            ..Self::default()
        }
    }

    /// Adds the message that is listed next.
    pub fn add(&mut self, given: Option<&[u8]>, size: Option<u64>) {
        let unique_id = given.unwrap_or_default();
        let listed = &self.listed;
        let unique_id_of = |at: usize| listed.get(at).map_or(&[][..], Listed::unique_id);
        let occurrence = self.groups.join(unique_id, unique_id_of);
        names::write_file_name(&mut self.name, unique_id, occurrence, &self.suffix);
        self.listed.push(Listed::new(&self.name, given, size));
    }

    /// Takes in the size of a message that is on it.
    pub fn set_size(&mut self, at: usize, size: u64) {
        if let Some(listed) = self.listed.get_mut(at) {
            listed.size = Some(size);
        }
    }

    /// The messages.
    pub fn listed(&self) -> &[Listed] {
        &self.listed
    }

    /// The messages, and an empty roll with the same suffix.
    pub fn disband(self) -> (Vec<Listed>, Self) {
        (self.listed, Self::new(&self.suffix))
    }

    /// Which of them share a unique-id.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Which of those share their size, too.
    pub fn copies(&self) -> Copies {
        Copies::of(&self.groups, self.listed.iter().map(Listed::size))
    }

    /// Where a message stands among those that share its unique-id.
    pub fn standing(&self, at: usize, copies: &Copies) -> Standing {
        let (copy, copies) = copies.rank(at);
        Standing {
            occurrence: self.groups.occurrence(at),
            sharers: self.groups.sharers(at),
            copy,
            copies,
        }
    }
}

#[cfg(test)]
impl Roll {
    /// The roll of these messages, by unique-id and size.
    pub fn of<U: AsRef<[u8]>>(messages: impl IntoIterator<Item = (U, u64)>, suffix: &str) -> Self {
        let mut roll = Self::new(suffix);
        for (unique_id, size) in messages {
            roll.add(Some(unique_id.as_ref()), Some(size));
        }
        roll
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_named_for_its_unique_id_and_its_place_among_those_that_share_it() {
        let roll = Roll::of([("a", 5), ("b", 5), ("a", 7), ("", 5)], ".eml");
        let names: Vec<&str> = roll.listed().iter().map(|it| &*it.name).collect();
        assert_eq!(names, ["a.eml", "b.eml", "a~2.eml", "%no-unique-id.eml"]);
    }

    #[test]
    fn who_shares_its_size_too_is_counted_among_those() {
        let roll = Roll::of([("a", 5), ("b", 5), ("a", 7), ("a", 5), ("b", 6)], "");
        let copies = roll.copies();
        let standing = |at| roll.standing(at, &copies).to_string();
        let all: Vec<String> = (0..5).map(standing).collect();
        assert_eq!(all, ["1/3/1/2", "1/2", "2/3", "3/3/2/2", "2/2"]);
    }

    #[test]
    fn a_message_takes_56_octets_beside_its_name() {
        assert_eq!(size_of::<Listed>(), 56);
    }
}
