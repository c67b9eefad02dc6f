//! The messages by name, for those who walk the mailbox as the shell and rsync do.

use super::catalog::Catalog;
use super::message::MessageId;

/// The order of names, where it is not that of the listing.
#[derive(Debug)]
pub(super) struct NameOrder {
    by_rank: Vec<MessageId>,
    ranks: Vec<u32>,
}

impl NameOrder {
    /// The order of all messages that the catalog has seen.
    pub fn of(catalog: &Catalog) -> Self {
        let names = || {
            catalog
                .after(None)
                .map(|(id, message)| (&*message.name, id))
        };
        if names().is_sorted() {
            return Self {
                by_rank: Vec::new(),
                ranks: Vec::new(),
            };
        }
        let mut sorted: Vec<(&str, MessageId)> = names().collect();
        sorted.sort_unstable();
        let by_rank: Vec<MessageId> = sorted.into_iter().map(|(_, id)| id).collect();
        let mut ranks = vec![0; by_rank.len()];
        for (rank, id) in (0..).zip(&by_rank) {
            if let Some(place) = ranks.get_mut(id.index() as usize) {
                *place = rank;
            }
        }
        Self { by_rank, ranks }
    }

    /// The message's position.
    pub fn rank(&self, id: MessageId) -> Option<usize> {
        self.ranks
            .get(id.index() as usize)
            .map(|&rank| rank as usize)
    }

    /// The message at a position.
    pub fn at(&self, rank: usize) -> Option<MessageId> {
        self.by_rank.get(rank).copied()
    }
}
