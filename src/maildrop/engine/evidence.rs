//! What a listing tells of the messages that a commit is to delete.

use std::collections::{BTreeMap, HashMap};

use super::super::catalog::{Catalog, Message};
use super::super::message::Place;
use super::super::names;
use super::target::{Fate, Target};
use super::targets::Targets;

const ANEW: &str = "a message with its unique-id is listed, but not as it was: left alone";
const OTHER: &str = "its unique-id stands for another message now: left alone";
const NAMELESS: &str =
    "a message of its size is listed without a unique-id, and may be it: left alone";

const UNPROVEN: &str = "only its place in the listing tells it from other messages, and in another \
    session one of those may have come to that: left alone";
const UNSHOWN: &str =
    "the server does not show its header, so it may be another message by now: left alone";

/// What stands for the unique-id of a message that UIDL has left out; no target has it.
const NO_UNIQUE_ID: &[u8] = b"";

/// What was listed last.
pub(super) struct Evidence(Copies);

impl Evidence {
    /// What is listed now.
    pub fn of(catalog: &Catalog, targets: &Targets) -> Self {
        Self(Copies::listed(catalog, targets))
    }

    /// Tells each target what a new listing, with which the catalog is up to date, says of it.
    pub fn weigh(&mut self, targets: &mut Targets, catalog: &Catalog, suffix: &str) {
        let listed = Copies::listed(catalog, targets);
        let expected = self.0.without(targets);
        let coverage = &catalog.habits.coverage;
        for (id, target) in targets.iter_mut() {
            let Some(message) = catalog.message(id) else {
                continue;
            };
            if message.place == Place::Root {
                // Nobody unmarks during a commit but who finds this out.
                target.may_be_another(OTHER);
            } else if message.place == Place::Gone {
                let has_more = |unique_id: &[u8]| {
                    let count = |copies: &Copies| copies.of(unique_id, target.size);
                    count(&listed) > count(&expected)
                };
                // Others have deleted some of several copies: which, the number does not tell.
                let may_be_left =
                    target.is_untouched() && listed.of(&target.unique_id, target.size) > 0;
                let is_listed = may_be_left || has_more(&target.unique_id);
                if is_listed || is_listed_anew(message, catalog, suffix) {
                    target.may_be_another(ANEW);
                } else if has_more(NO_UNIQUE_ID) {
                    target.may_be_another(NAMELESS);
                } else if !coverage.is_telling() || coverage.misses_marked && target.is_untouched()
                {
                    target.is_out_of_sight();
                } else {
                    target.is_gone();
                }
            } else if catalog.may_be_another(id) {
                let by_place = catalog.is_told_by_place(id);
                target.may_be_another(if by_place { UNPROVEN } else { UNSHOWN });
            } else {
                target.is_there();
            }
        }
        self.0 = listed;
    }
}

/// Whether as many messages as before, or more, have the unique-id of one that is gone.
fn is_listed_anew(message: &Message, catalog: &Catalog, suffix: &str) -> bool {
    let last = names::file_name(message.unique_id(), message.standing.sharers, suffix);
    catalog.named(&last).is_some()
}

/// How many messages have a unique-id and a size in common. Nothing else tells copies of one mail
/// apart, so when some are gone, their number tells whether those are ours.
#[derive(Clone)]
struct Copies(HashMap<Box<[u8]>, BTreeMap<u64, usize>>);

impl Copies {
    /// The copies of the targets that are listed, and the messages without a unique-id.
    fn listed(catalog: &Catalog, targets: &Targets) -> Self {
        let unique_ids = targets.iter().map(|target| target.unique_id.clone());
        let unique_ids = unique_ids.chain([NO_UNIQUE_ID.into()]);
        let mut copies: HashMap<Box<[u8]>, BTreeMap<u64, usize>> =
            unique_ids.map(|it| (it, BTreeMap::new())).collect();
        for (_, message) in catalog.present() {
            if let Some(sizes) = copies.get_mut(message.unique_id()) {
                *sizes.entry(message.listed).or_default() += 1;
            }
        }
        Self(copies)
    }

    /// Those that are left if of the targets all are gone of which nothing is certain yet.
    fn without(&self, targets: &Targets) -> Self {
        let mut left = self.clone();
        let is_open = |target: &&Target| !matches!(target.fate, Fate::Settled(..));
        for target in targets.iter().filter(is_open) {
            let sizes = left.0.get_mut(&target.unique_id);
            if let Some(copies) = sizes.and_then(|sizes| sizes.get_mut(&target.size)) {
                *copies = copies.saturating_sub(1);
            }
        }
        left
    }

    /// How many messages have this unique-id and this size.
    fn of(&self, unique_id: &[u8], size: u64) -> usize {
        let sizes = self.0.get(unique_id);
        sizes
            .and_then(|sizes| sizes.get(&size))
            .copied()
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::message::MessageId;
    use super::super::super::report::Outcome;
    use super::super::samples::list;
    use super::*;

    /// What becomes of the messages that are marked when others are listed.
    fn weighed(before: &[(&str, u64)], marked: &[(u32, Fate)], after: &[(&str, u64)]) -> Vec<Fate> {
        let mut catalog = Catalog::default();
        list(&mut catalog, before);
        let target = |(at, fate): &(u32, Fate)| {
            let id = MessageId(*at);
            catalog.place(id, Place::Deleted);
            (id, Target::new(catalog.message(id).unwrap(), fate.clone()))
        };
        let mut targets: Targets = marked.iter().map(target).collect();
        let mut evidence = Evidence::of(&catalog, &targets);
        list(&mut catalog, after);
        evidence.weigh(&mut targets, &catalog, "");
        targets.iter().map(|target| target.fate.clone()).collect()
    }

    fn outcome(
        before: &[(&str, u64)],
        marked: (u32, Fate),
        after: &[(&str, u64)],
    ) -> Option<Outcome> {
        match weighed(before, &[marked], after).pop() {
            Some(Fate::Settled(outcome, _)) => Some(outcome),
            _ => None,
        }
    }

    const TWO: &[(&str, u64)] = &[("a", 1), ("b", 2)];

    #[test]
    fn what_is_listed_no_more_is_gone() {
        for (fate, expected) in [
            (Fate::Open, Outcome::AlreadyGone),
            (Fate::InDoubt, Outcome::Deleted),
            (Fate::Confirmed, Outcome::Deleted),
        ] {
            assert_eq!(outcome(TWO, (0, fate), &[("b", 2)]), Some(expected));
        }
    }

    #[test]
    fn what_is_listed_as_before_is_there() {
        assert_eq!(weighed(TWO, &[(0, Fate::Open)], TWO), [Fate::Open]);
        assert_eq!(weighed(TWO, &[(0, Fate::InDoubt)], TWO), [Fate::Open]);
        assert_eq!(outcome(TWO, (0, Fate::Confirmed), TWO), Some(Outcome::Kept));
    }

    #[test]
    fn another_message_with_the_unique_id_is_left_alone() {
        let anew = &[("a", 9), ("b", 2)];
        for (fate, expected) in [
            (Fate::Open, Outcome::Kept),
            (Fate::InDoubt, Outcome::Unknown),
            (Fate::Confirmed, Outcome::Unknown),
        ] {
            assert_eq!(outcome(TWO, (0, fate), anew), Some(expected));
        }
    }

    #[test]
    fn what_may_have_lost_its_unique_id_is_left_alone() {
        let nameless = &[("", 1), ("b", 2)];
        for (fate, expected) in [
            (Fate::Open, Outcome::Kept),
            (Fate::InDoubt, Outcome::Unknown),
            (Fate::Confirmed, Outcome::Unknown),
        ] {
            assert_eq!(outcome(TWO, (0, fate), nameless), Some(expected));
        }
        let gone = Some(Outcome::AlreadyGone);
        let other_size = &[("", 9), ("b", 2)];
        assert_eq!(outcome(TWO, (0, Fate::Open), other_size), gone);
        let nameless_before = &[("a", 1), ("", 1)];
        assert_eq!(outcome(nameless_before, (0, Fate::Open), &[("", 1)]), gone);
    }

    #[test]
    fn of_those_that_share_a_unique_id_the_size_tells_which_is_gone() {
        let before = &[("x", 1), ("x", 2), ("x", 3)];
        let gone = outcome(before, (2, Fate::Open), &[("x", 1), ("x", 2)]);
        assert_eq!(gone, Some(Outcome::AlreadyGone));
        let kept = outcome(before, (2, Fate::Open), &[("x", 2), ("x", 3)]);
        assert_eq!(kept, Some(Outcome::Kept));
    }

    #[test]
    fn of_copies_that_nothing_tells_apart_the_number_tells() {
        let before = &[("x", 5), ("x", 5)];
        let gone = outcome(before, (1, Fate::Confirmed), &[("x", 5)]);
        assert_eq!(gone, Some(Outcome::Deleted));
        let by_others = outcome(before, (1, Fate::Open), &[("x", 5)]);
        assert_eq!(by_others, Some(Outcome::Kept), "and not which of them");
        let refused = Fate::Settled(Outcome::Refused, None);
        let one_refused = [(0, refused.clone()), (1, Fate::Confirmed)];
        assert_eq!(weighed(before, &one_refused, &[("x", 5)])[0], refused);
        let more = outcome(
            before,
            (1, Fate::Confirmed),
            &[("x", 5), ("x", 5), ("x", 5)],
        );
        assert_eq!(more, Some(Outcome::Unknown));
        let both = [(0, Fate::Confirmed), (1, Fate::Confirmed)];
        let one_left = weighed(before, &both, &[("x", 5)]);
        assert!(
            one_left
                .iter()
                .all(|fate| matches!(fate, Fate::Settled(Outcome::Unknown, _)))
        );
    }
}
