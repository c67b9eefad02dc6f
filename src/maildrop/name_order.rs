//! The messages by name, for those who walk the mailbox as the shell and rsync do.

use std::cmp::Ordering;

use super::catalog::Catalog;
use super::message::MessageId;

/// An order of names, where it is not that of the listing.
#[derive(Debug)]
pub(super) struct NameOrder {
    by_rank: Vec<MessageId>,
    ranks: Vec<u32>,
}

impl NameOrder {
    /// The order of the octets of names, of all messages that the catalog has seen.
    pub fn of_octets(catalog: &Catalog) -> Self {
        Self::of(catalog, &[], str::cmp)
    }

    /// The order of names in most languages, where it is not that of their octets either: the shell's
    /// `*` and `ls` go by it. With unique-ids of digits and letters of one case, as those of Dovecot and
    /// Gmail, both are the same; with base 64 they are not, nor with numbers before a suffix.
    pub fn of_languages(catalog: &Catalog, octets: &Self) -> Self {
        Self::of(catalog, &octets.by_rank, collate)
    }

    fn of(catalog: &Catalog, known: &[MessageId], compare: fn(&str, &str) -> Ordering) -> Self {
        let named = |id| Some((&*catalog.message(id)?.name, id));
        let in_order = |(a, _): &(&str, _), (b, _): &(&str, _)| compare(a, b).is_le();
        let mut by_name: Vec<(&str, MessageId)> = catalog
            .after(None)
            .filter_map(|(id, _)| named(id))
            .collect();
        let sorted = known.iter().filter_map(|&id| named(id));
        let is_known = !known.is_empty() && sorted.is_sorted_by(in_order);
        if is_known || by_name.is_sorted_by(in_order) {
            by_name.clear();
        }
        by_name.sort_by(|(a, _), (b, _)| compare(a, b));
        let by_rank: Vec<MessageId> = by_name.into_iter().map(|(_, id)| id).collect();
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

/// Letters count whatever their case, and digits; all else only where they are the same (ISO 14651, as
/// glibc has it for ASCII).
fn collate(a: &str, b: &str) -> Ordering {
    weights(a).cmp(weights(b)).then_with(|| a.cmp(b))
}

fn weights(name: &str) -> impl Iterator<Item = u8> {
    let counts = |octet: &u8| octet.is_ascii_alphanumeric();
    let octets = name.bytes().filter(counts);
    octets.map(|octet| octet.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::super::catalog::Message;
    use super::super::roll::Listed;
    use super::*;

    fn catalog(names: &[&str]) -> Catalog {
        let mut catalog = Catalog::default();
        for name in names {
            let listed = Listed::new(name, Some(name.as_bytes()), Some(1));
            catalog.add(Message::new(&listed, 1000));
        }
        catalog
    }

    /// The names in their orders by octets and by languages, where they are not known already.
    fn orders<'a>(names: &[&'a str]) -> [Vec<&'a str>; 2] {
        let catalog = catalog(names);
        let octets = NameOrder::of_octets(&catalog);
        let languages = NameOrder::of_languages(&catalog, &octets);
        [octets, languages].map(|order| {
            for (rank, &id) in order.by_rank.iter().enumerate() {
                assert_eq!(order.rank(id), Some(rank));
            }
            let ids = (0..).map_while(|rank| order.at(rank));
            ids.map(|id| names[id.index() as usize]).collect()
        })
    }

    #[test]
    fn names_are_ordered_as_sort_does_in_the_locale_en_us() {
        let sorted = [
            "10.eml", "1.eml", "a10", "A2", "B0", "b1", "UID12-7", "UID1-7", "=x", "X+y", "xZ",
        ];
        let mut names = sorted;
        names.reverse();
        assert_eq!(orders(&names)[1], sorted);
    }

    #[test]
    fn an_order_that_is_another_one_is_not_kept() {
        let none = Vec::<&str>::new;
        assert_eq!(orders(&["1", "2", "a"]), [none(), none()]);
        assert_eq!(orders(&["b", "1", "a"]), [vec!["1", "a", "b"], none()]);
        assert_eq!(orders(&["a", "B"]), [vec!["B", "a"], none()]);
        assert_eq!(orders(&["B", "a"]), [none(), vec!["a", "B"]]);
    }
}
