//! What is remembered of a body that was handed out, so that a second RETR can be held against it.
//!
//! A server may give other bytes the second time. Programs, and the kernel's page cache, may have
//! the first part of the first version, so nothing of a second one may be handed out before it
//! has proved to be the same. One digest a block lets a long message stream nevertheless.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

/// Octets under one digest: what is fetched of a message is handed out in these, before its end.
const BLOCK: usize = 4096;

/// A keyed digest for each block of a body, or of its beginning; of none, nothing is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    blocks: Box<[u64]>,
    whole: bool,
}

/// The digests of a body as far as it has grown.
#[derive(Debug, Default)]
pub struct Growth(Vec<u64>);

impl Growth {
    /// Takes in what a body has grown by, given what it has from `start` on, which is where a block
    /// starts; how many blocks were known before.
    pub fn grow(&mut self, start: usize, body: &[u8]) -> usize {
        let known = self.0.len();
        let (blocks, _) = body.as_chunks::<BLOCK>();
        let new = blocks.iter().skip(known.saturating_sub(start / BLOCK));
        self.0.extend(new.map(|block| digest(block)));
        known
    }

    /// Octets under the digests: all but those of the last, unfinished block.
    pub fn octets(&self) -> usize {
        self.0.len().saturating_mul(BLOCK)
    }

    /// The fingerprint of the body, which is whole now, given what it has from `start` on.
    pub fn finish(mut self, start: usize, body: &[u8]) -> Fingerprint {
        self.grow(start, body);
        let (_, rest) = body.as_chunks::<BLOCK>();
        self.0.extend((!rest.is_empty()).then(|| digest(rest)));
        Fingerprint {
            blocks: self.0.into(),
            whole: true,
        }
    }

    /// The fingerprint of as much as there is; none of less than a block.
    pub fn so_far(self) -> Option<Fingerprint> {
        let blocks = self.0.into_boxed_slice();
        (!blocks.is_empty()).then_some(Fingerprint {
            blocks,
            whole: false,
        })
    }
}

impl Fingerprint {
    /// Whether a growing body is this one so far, if it was when it had that many blocks.
    pub fn goes_on_with(&self, growth: &Growth, before: usize) -> bool {
        let is_longer = growth.0.len() > self.blocks.len();
        let mut pairs = self.blocks.iter().zip(&growth.0).skip(before);
        pairs.all(|(known, new)| known == new) && !(self.whole && is_longer)
    }

    /// Whether both can be of one body.
    pub fn is_compatible(&self, other: &Self) -> bool {
        let (shorter, longer) = if self.blocks.len() <= other.blocks.len() {
            (self, other)
        } else {
            (other, self)
        };
        let ends_before = shorter.whole && shorter.blocks.len() < longer.blocks.len();
        longer.blocks.starts_with(&shorter.blocks) && !ends_before
    }

    /// Of what is known of a body from two sides, what tells more.
    pub fn longer(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let told = |it: &Self| (it.whole, it.blocks.len());
        one.into_iter().chain(other).max_by_key(told)
    }

    /// Whether a body that has come to its end is this one, as far as it is known.
    pub fn agrees_with(&self, other: &Self) -> bool {
        if self.whole {
            self == other
        } else {
            other.blocks.starts_with(&self.blocks)
        }
    }
}

/// Keyed afresh in each run, so that no mail can be written to collide.
fn digest(block: &[u8]) -> u64 {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    KEY.get_or_init(RandomState::new).hash_one(block)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The digests of a body that came in pieces of this length.
    fn grown(body: &[u8], step: usize) -> Growth {
        let mut growth = Growth::default();
        for end in (0..body.len()).step_by(step) {
            growth.grow(0, &body[..end]);
        }
        growth
    }

    proptest! {
        #[test]
        fn the_same_body_agrees_however_it_grows(length in 0usize..300_000, step in 1usize..100_000) {
            let body: Vec<u8> = (0..length).map(|at| (at * 7 % 251) as u8).collect();
            let fingerprint = Growth::default().finish(0, &body);
            let growth = grown(&body, step);
            prop_assert!(growth.octets() <= length);
            prop_assert!(fingerprint.goes_on_with(&growth, 0));
            prop_assert_eq!(growth.finish(0, &body), fingerprint);
        }

        #[test]
        fn a_changed_octet_is_noticed_before_its_block_is_handed_out(
            length in 1usize..200_000, at in any::<prop::sample::Index>()
        ) {
            let body = vec![b'a'; length];
            let mut other = body.clone();
            let at = at.index(length);
            other[at] = b'b';
            let fingerprint = Growth::default().finish(0, &body);
            let growth = grown(&other, 10_000);
            prop_assert!(growth.octets() <= at || !fingerprint.goes_on_with(&growth, 0));
            prop_assert_ne!(growth.finish(0, &other), fingerprint);
        }

        #[test]
        fn the_beginning_of_a_body_is_known_again(
            length in 0usize..300_000, more in 0usize..200_000, step in 1usize..100_000
        ) {
            let body: Vec<u8> = (0..length + more).map(|at| (at * 7 % 251) as u8).collect();
            let mut growth = Growth::default();
            growth.grow(0, &body[..length]);
            let beginning = growth.so_far();
            prop_assert_eq!(beginning.is_none(), length < BLOCK);
            if let Some(beginning) = beginning {
                prop_assert!(beginning.goes_on_with(&grown(&body, step), 0));
                prop_assert!(beginning.agrees_with(&Growth::default().finish(0, &body)));
                let mut other = body.clone();
                other[0] ^= 1;
                prop_assert!(!beginning.agrees_with(&Growth::default().finish(0, &other)));
                prop_assert!(!beginning.agrees_with(&Growth::default().finish(0, &body[..BLOCK - 1])));
            }
        }

        #[test]
        fn of_two_beginnings_of_a_body_the_longer_one_is_kept(
            length in 0usize..200_000, other in 0usize..200_000, ends in any::<bool>()
        ) {
            let body: Vec<u8> = (0..200_000).map(|at| (at * 7 % 251) as u8).collect();
            let beginning = |length: usize| grown(&body[..length], 4096).so_far();
            if let (Some(one), Some(other)) = (beginning(length), beginning(other)) {
                let longer = one.blocks.len().max(other.blocks.len());
                prop_assert!(one.is_compatible(&other));
                let known = Fingerprint::longer(Some(one.clone()), Some(other));
                prop_assert_eq!(known.unwrap().blocks.len(), longer);
                let whole = Some(Growth::default().finish(0, &body));
                let (first, second) = if ends { (whole.clone(), Some(one)) } else { (Some(one), whole.clone()) };
                prop_assert_eq!(Fingerprint::longer(first, second), whole);
            }
        }

        #[test]
        fn what_goes_on_beyond_the_end_is_of_another_body(blocks in 1usize..20, more in 1usize..20) {
            let body = vec![b'a'; (blocks + more) * BLOCK];
            let ended = Growth::default().finish(0, &body[..blocks * BLOCK]);
            let mut growth = Growth::default();
            growth.grow(0, &body);
            let beginning = growth.so_far().unwrap();
            prop_assert!(!ended.is_compatible(&beginning) && !beginning.is_compatible(&ended));
        }

        #[test]
        fn a_longer_body_is_another(length in 0usize..200_000, more in 1usize..100_000) {
            let fingerprint = Growth::default().finish(0, &vec![b'a'; length]);
            let longer = Growth::default().finish(0, &vec![b'a'; length + more]);
            prop_assert_ne!(longer, fingerprint);
        }
    }
}
