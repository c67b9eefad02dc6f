//! Messages of a listing that share a unique-id.
//!
//! Nearly always each is alone with its own, so a group is no more than its first member, its
//! leader, of which the others know.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::reconcile::Listed;
use super::standing::Standing;

/// The messages of a listing, by their positions in it, in groups that share a unique-id.
pub(super) struct Groups {
    members: Vec<Member>,
    /// Which copy, and of how many, are those that have their size, too, in common with another.
    copies: HashMap<usize, (u32, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Member {
    leader: usize,
    occurrence: u32,
    /// Counted at the leader only.
    sharers: u32,
}

impl Groups {
    /// The groups of the messages of a listing.
    pub fn of(listing: &[Listed<'_>]) -> Self {
        // Keyed afresh each time: unique-ids are the server's to choose, and must not be chosen to
        // collide.
        let hasher = RandomState::new();
        let unique_id = |at: usize| listing.get(at).map_or(&[][..], |listed| listed.unique_id);
        let mut leaders: HashTable<usize> = HashTable::with_capacity(listing.len());
        let mut groups = Self {
            members: Vec::with_capacity(listing.len()),
            copies: HashMap::new(),
        };
        for (at, listed) in listing.iter().enumerate() {
            let found = leaders.entry(
                hasher.hash_one(listed.unique_id),
                |&leader| unique_id(leader) == listed.unique_id,
                |&leader| hasher.hash_one(unique_id(leader)),
            );
            groups.join(*found.or_insert(at).get());
        }
        groups.count_copies(listing);
        groups
    }

    fn count_copies(&mut self, listing: &[Listed<'_>]) {
        let mut alike: HashMap<(usize, u64), Vec<usize>> = HashMap::new();
        for (at, listed) in listing.iter().enumerate() {
            if self.sharers(at) > 1 {
                let key = (self.leader(at), listed.size);
                alike.entry(key).or_default().push(at);
            }
        }
        for alike in alike.into_values().filter(|alike| alike.len() > 1) {
            let count = u32::try_from(alike.len()).unwrap_or(u32::MAX);
            let ranks = (1..).map(|rank| (rank, count));
            self.copies.extend(alike.into_iter().zip(ranks));
        }
    }

    /// The next message, in the group of this leader, which may be itself.
    fn join(&mut self, leader: usize) {
        self.members.push(Member {
            leader,
            occurrence: 1,
            sharers: 0,
        });
        let Some(counted) = self.members.get_mut(leader) else {
            return;
        };
        counted.sharers = counted.sharers.saturating_add(1);
        let occurrence = counted.sharers;
        if let Some(member) = self.members.last_mut() {
            member.occurrence = occurrence;
        }
    }

    /// The position of the first message that has the unique-id of this one.
    pub fn leader(&self, at: usize) -> usize {
        self.members.get(at).map_or(at, |member| member.leader)
    }

    /// Which of its group a message is, counted from 1.
    pub fn occurrence(&self, at: usize) -> u32 {
        self.members.get(at).map_or(1, |member| member.occurrence)
    }

    /// Where a message stands in its group.
    pub fn standing(&self, at: usize) -> Standing {
        let (copy, copies) = self.copies.get(&at).copied().unwrap_or((1, 1));
        Standing {
            occurrence: self.occurrence(at),
            sharers: self.sharers(at),
            copy,
            copies,
        }
    }

    /// How many are in its group.
    pub fn sharers(&self, at: usize) -> u32 {
        let leader = self.members.get(self.leader(at));
        leader.map_or(1, |leader| leader.sharers)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn groups(unique_ids: &[&[u8]]) -> Groups {
        let listed = |unique_id| Listed { unique_id, size: 0 };
        let listing: Vec<Listed> = unique_ids.iter().copied().map(listed).collect();
        Groups::of(&listing)
    }

    #[test]
    fn who_shares_a_unique_id_is_counted_in_listing_order() {
        let groups = groups(&[b"a", b"b", b"a", b"", b"a", b""]);
        let all = |of: fn(&Groups, usize) -> u32| -> Vec<u32> {
            (0..6).map(|at| of(&groups, at)).collect()
        };
        assert_eq!(all(Groups::occurrence), [1, 1, 2, 1, 3, 2]);
        assert_eq!(all(Groups::sharers), [3, 1, 3, 2, 3, 2]);
    }

    #[test]
    fn who_shares_its_size_too_is_counted_among_those() {
        let likes = [(&b"a"[..], 5), (b"b", 5), (b"a", 7), (b"a", 5), (b"b", 6)];
        let listing = likes.map(|(unique_id, size)| Listed { unique_id, size });
        let groups = Groups::of(&listing);
        let all: Vec<String> = (0..5).map(|at| groups.standing(at).to_string()).collect();
        assert_eq!(all, ["1/3/1/2", "1/2", "2/3", "3/3/2/2", "2/2"]);
    }

    proptest! {
        #[test]
        fn a_group_is_all_that_have_the_unique_id_of_its_leader(unique_ids in prop::collection::vec("[a-c]{0,2}", 0..40)) {
            let unique_ids: Vec<&[u8]> = unique_ids.iter().map(String::as_bytes).collect();
            let groups = groups(&unique_ids);
            for (at, own) in unique_ids.iter().enumerate() {
                let equals = |until: usize| unique_ids[..until].iter().filter(|other| *other == own).count();
                prop_assert_eq!(groups.occurrence(at) as usize, equals(at) + 1);
                prop_assert_eq!(groups.sharers(at) as usize, equals(unique_ids.len()));
                let first = unique_ids.iter().position(|other| other == own);
                prop_assert_eq!(Some(groups.leader(at)), first);
            }
        }
    }
}
