//! Messages of a listing that share a unique-id.
//!
//! Nearly always each is alone with its own, so a group is no more than its first member, its
//! leader, of which the others know.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

/// The messages of a listing, by their positions in it, in groups that share a unique-id.
#[derive(Debug, Default)]
pub(super) struct Groups {
    leaders: HashTable<usize>,
    /// Keyed afresh each time: unique-ids are the server's to choose, and must not be chosen to
    /// collide.
    hasher: RandomState,
    members: Vec<Member>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Member {
    leader: usize,
    occurrence: u32,
    /// Counted at the leader only.
    sharers: u32,
}

impl Groups {
    /// The next message, by its unique-id and those of the messages before it; gives which of its
    /// group it is, counted from 1.
    pub fn join<'a>(&mut self, unique_id: &[u8], unique_id_of: impl Fn(usize) -> &'a [u8]) -> u32 {
        let found = self.leaders.entry(
            self.hasher.hash_one(unique_id),
            |&leader| unique_id_of(leader) == unique_id,
            |&leader| self.hasher.hash_one(unique_id_of(leader)),
        );
        let leader = *found.or_insert(self.members.len()).get();
        self.members.push(Member {
            leader,
            occurrence: 1,
            sharers: 0,
        });
        let occurrence = self.count(leader);
        if let Some(member) = self.members.last_mut() {
            member.occurrence = occurrence;
        }
        occurrence
    }

    /// One more in the group of this leader; how many there are.
    fn count(&mut self, leader: usize) -> u32 {
        self.members.get_mut(leader).map_or(1, |leader| {
            leader.sharers = leader.sharers.saturating_add(1);
            leader.sharers
        })
    }

    /// The position of the first message that has the unique-id of this one.
    pub fn leader(&self, at: usize) -> usize {
        self.members.get(at).map_or(at, |member| member.leader)
    }

    /// Which of its group a message is, counted from 1.
    pub fn occurrence(&self, at: usize) -> u32 {
        self.members.get(at).map_or(1, |member| member.occurrence)
    }

    /// How many are in its group.
    pub fn sharers(&self, at: usize) -> u32 {
        let leader = self.members.get(self.leader(at));
        leader.map_or(1, |leader| leader.sharers)
    }
}

/// Which copy, and of how many, are those that have their size, too, in common with another of their
/// group.
pub(super) struct Copies(HashMap<usize, (u32, u32)>);

impl Copies {
    /// The copies among messages of these sizes.
    pub fn of(groups: &Groups, sizes: impl Iterator<Item = u64>) -> Self {
        let mut alike: HashMap<(usize, u64), Vec<usize>> = HashMap::new();
        for (at, size) in sizes.enumerate().filter(|(at, _)| groups.sharers(*at) > 1) {
            alike.entry((groups.leader(at), size)).or_default().push(at);
        }
        let alike = alike.into_values().filter(|alike| alike.len() > 1);
        Self(alike.flat_map(ranks).collect())
    }

    /// Which copy a message is, counted from 1, and of how many.
    pub fn rank(&self, at: usize) -> (u32, u32) {
        self.0.get(&at).copied().unwrap_or((1, 1))
    }
}

fn ranks(alike: Vec<usize>) -> impl Iterator<Item = (usize, (u32, u32))> {
    let count = u32::try_from(alike.len()).unwrap_or(u32::MAX);
    alike.into_iter().zip((1..).map(move |rank| (rank, count)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn groups(unique_ids: &[&[u8]]) -> Groups {
        let mut groups = Groups::default();
        for unique_id in unique_ids {
            groups.join(unique_id, |at| unique_ids[at]);
        }
        groups
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
