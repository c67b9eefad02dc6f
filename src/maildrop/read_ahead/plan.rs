//! What is to be fetched ahead of one who walks.

use std::collections::VecDeque;

use super::super::message::MessageId;
use super::path::Path;
use super::{Effort, Ranks};

/// The messages ahead of a walker that are fetched for it.
#[derive(Debug)]
pub(super) struct Plan {
    /// The furthest position that has been planned, or looked at in vain.
    seen: usize,
    /// The positions that are planned and not yet reached, nearest first, and their octets.
    planned: VecDeque<(usize, u64)>,
    /// All those octets.
    ahead: u64,
}

impl Plan {
    /// Nothing yet, for one who stands at this position.
    pub fn at(rank: usize) -> Self {
        Self {
            seen: rank,
            planned: VecDeque::new(),
            ahead: 0,
        }
    }

    /// The walker has reached a position.
    pub fn reach(&mut self, rank: usize, path: Path) {
        while let Some(&(planned, octets)) = self.planned.front() {
            if path.is_beyond(planned, rank) {
                break;
            }
            self.planned.pop_front();
            self.ahead = self.ahead.saturating_sub(octets);
        }
        if path.is_beyond(rank, self.seen) {
            self.seen = rank;
        }
    }

    /// The next message to fetch, as long as it looks less than so many octets ahead.
    pub fn extend(&mut self, stretch: u64, path: Path, ranks: &impl Ranks) -> Option<MessageId> {
        while self.ahead < stretch {
            let next = path.ahead(self.seen, 1);
            let next = next.and_then(|rank| Some((rank, ranks.at(path.sequence, rank)?)));
            let Some((rank, id)) = next else {
                self.seen = path.end();
                return None;
            };
            self.seen = rank;
            if let Effort::Fetch(octets) = ranks.effort(id) {
                self.add(rank, octets, path);
                return Some(id);
            }
        }
        None
    }

    fn add(&mut self, rank: usize, octets: u64, path: Path) {
        let nearer = |&(planned, _): &(usize, u64)| path.is_beyond(rank, planned);
        let place = self.planned.partition_point(nearer);
        self.planned.insert(place, (rank, octets));
        self.ahead = self.ahead.saturating_add(octets);
    }

    /// What was passed over between this position and the furthest may be worth fetching now.
    pub fn look_again_from(&mut self, rank: usize) {
        self.seen = rank;
    }

    /// Whether there is nothing more to look at.
    pub fn is_complete(&self, path: Path) -> bool {
        self.seen == path.end()
    }

    /// Whether no more than half of what it may look ahead is left.
    pub fn is_short(&self, stretch: u64) -> bool {
        self.ahead.saturating_mul(2) <= stretch
    }
}

#[cfg(test)]
mod tests {
    use super::super::path::Sequence;
    use super::*;

    const PATH: Path = Path {
        sequence: Sequence::Listing,
        backwards: false,
    };

    /// Messages of an octet; whether each is in memory.
    struct Held([bool; 5]);

    impl Ranks for Held {
        fn rank(&self, _: Sequence, id: MessageId) -> Option<usize> {
            Some(id.0 as usize)
        }

        fn at(&self, _: Sequence, rank: usize) -> Option<MessageId> {
            self.0.get(rank)?;
            u32::try_from(rank).ok().map(MessageId)
        }

        fn effort(&self, id: MessageId) -> Effort {
            match self.0[id.0 as usize] {
                true => Effort::Nothing,
                false => Effort::Fetch(1),
            }
        }
    }

    #[test]
    fn what_is_planned_late_has_its_place_before_what_lies_further_ahead() {
        let mut plan = Plan::at(0);
        let held = Held([true, true, true, false, true]);
        assert_eq!(plan.extend(9, PATH, &held), Some(MessageId(3)));
        assert_eq!(plan.extend(9, PATH, &held), None);
        assert!(plan.is_complete(PATH));
        plan.look_again_from(0);
        let held = Held([true, true, false, true, true]);
        assert_eq!(plan.extend(9, PATH, &held), Some(MessageId(2)));
        assert_eq!(plan.planned, [(2, 1), (3, 1)]);
        plan.reach(2, PATH);
        assert_eq!((plan.planned, plan.ahead), ([(3, 1)].into(), 1));
    }
}
