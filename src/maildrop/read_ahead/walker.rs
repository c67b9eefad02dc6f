//! One who opens messages along a path.

use super::super::message::MessageId;
use super::path::{Path, Sequence};
use super::plan::Plan;
use super::{Effort, Ranks};

/// How many messages a walker may leave out, once it has been right a few times. Before, only
/// direct neighbours count.
const STRIDE_MAX: usize = 16;

/// How many messages that are shown no more a walker may step over.
const REMOVED_MAX: usize = 4 * STRIDE_MAX;

/// How often a walker must have been right before it may leave any out.
const SURE: u32 = 4;

/// What it is worth to have read the whole directory and opened its first message, in steps: some
/// only want the first.
const ANNOUNCED: u32 = 2;

/// What a walker looks ahead, in octets, after two neighbours, which may be so by chance, and at
/// least after three; then as far as it may.
const CHANCE: u64 = 4 * 1024;
const TRIAL: u64 = 256 * 1024;

/// After three neighbours, the part of what it may look ahead: what the link brings in about a round
/// trip, which is as long as a mistake may keep others waiting.
const TRIAL_PART: u64 = 4;

/// One who walks, most probably.
#[derive(Debug)]
pub(super) struct Walker {
    path: Path,
    at: usize,
    hits: u32,
    plan: Plan,
}

impl Walker {
    /// A walker that does what was to be expected of one who has read the directory.
    pub fn from_the_start(id: MessageId, ranks: &impl Ranks) -> Option<Self> {
        let is_first = |sequence| {
            let hidden = |rank| {
                let before = ranks.at(sequence, rank);
                before.is_none_or(|id| ranks.effort(id) == Effort::NotShown)
            };
            let rank = ranks
                .rank(sequence, id)
                .filter(|&rank| rank <= REMOVED_MAX)?;
            (0..rank).all(hidden).then_some((sequence, rank))
        };
        let (sequence, rank) = Sequence::ALL.into_iter().find_map(is_first)?;
        let path = Path {
            sequence,
            backwards: false,
        };
        Some(Self {
            hits: ANNOUNCED,
            ..Self::at(path, rank)
        })
    }

    /// A walker whose two steps these are, if they are neighbours.
    pub fn between(
        sequence: Sequence,
        first: MessageId,
        second: MessageId,
        ranks: &impl Ranks,
    ) -> Option<Self> {
        let (from, to) = (ranks.rank(sequence, first)?, ranks.rank(sequence, second)?);
        let backwards = to < from;
        let path = Path {
            sequence,
            backwards,
        };
        let are_neighbours = from != to && Self::at(path, from).distance(to, ranks)? == 1;
        are_neighbours.then(|| Self {
            hits: 1,
            ..Self::at(path, to)
        })
    }

    fn at(path: Path, rank: usize) -> Self {
        Self {
            path,
            at: rank,
            hits: 0,
            plan: Plan::at(rank),
        }
    }

    /// Whether this may be its next step.
    pub fn foresees(&self, id: MessageId, ranks: &impl Ranks) -> bool {
        let stride = if self.is_sure() { STRIDE_MAX } else { 1 };
        let rank = ranks.rank(self.path.sequence, id);
        let distance = rank.and_then(|rank| self.distance(rank, ranks));
        distance.is_some_and(|distance| (1..=stride).contains(&distance))
    }

    /// Whether this lies not far behind it.
    pub fn has_passed(&self, id: MessageId, ranks: &impl Ranks) -> bool {
        let rank = ranks.rank(self.path.sequence, id);
        let behind = rank.and_then(|rank| self.path.length(rank, self.at));
        self.is_sure() && behind.is_some_and(|behind| behind <= STRIDE_MAX)
    }

    /// Whether it has walked for a while.
    fn is_sure(&self) -> bool {
        self.hits >= SURE
    }

    /// Whether it has walked for a while, and stands here.
    pub fn is_sure_of(&self, id: MessageId, ranks: &impl Ranks) -> bool {
        self.is_sure() && ranks.rank(self.path.sequence, id) == Some(self.at)
    }

    /// How many steps away a position is, or none if it lies behind or too far off. What is not
    /// shown is no step.
    fn distance(&self, to: usize, ranks: &impl Ranks) -> Option<usize> {
        let length = self.path.length(self.at, to);
        let length = length.filter(|&length| length <= REMOVED_MAX)?;
        let shown = |&step: &usize| {
            let rank = self.path.ahead(self.at, step);
            let id = rank.and_then(|rank| ranks.at(self.path.sequence, rank));
            id.is_some_and(|id| ranks.effort(id) != Effort::NotShown)
        };
        // The message itself counts, even if it was taken out of sight while it is opened.
        Some((1..length).filter(shown).count() + usize::from(length > 0))
    }

    /// It has come to this message.
    pub fn step(&mut self, id: MessageId, ranks: &impl Ranks) {
        let Some(rank) = ranks.rank(self.path.sequence, id) else {
            return;
        };
        self.at = rank;
        self.hits = self.hits.saturating_add(1);
        self.plan.reach(rank, self.path);
    }

    /// The next message to fetch for it, looking at most `limit` octets ahead.
    pub fn plan(&mut self, limit: u64, ranks: &impl Ranks) -> Option<MessageId> {
        self.plan.extend(self.stretch(limit), self.path, ranks)
    }

    /// What was passed over may be worth fetching now.
    pub fn look_again(&mut self) {
        self.plan.look_again_from(self.at);
    }

    /// Whether it has come so near to the end of what is planned that more should be.
    pub fn is_hungry(&self, limit: u64) -> bool {
        self.plan.is_short(self.stretch(limit))
    }

    /// Whether there is nothing more to look at ahead of it.
    pub fn is_at_the_end(&self) -> bool {
        self.plan.is_complete(self.path)
    }

    /// How far it may look ahead, in octets.
    fn stretch(&self, limit: u64) -> u64 {
        limit.min(match self.hits {
            ..=1 => CHANCE,
            2 => TRIAL.max(limit / TRIAL_PART),
            _ => limit,
        })
    }
}
