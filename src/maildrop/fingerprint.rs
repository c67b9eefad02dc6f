//! What is remembered of a body that was handed out, so that a second RETR can be held against it.
//!
//! A server may give other bytes the second time. Programs, and the kernel's page cache, may have
//! the first part of the first version, so nothing of a second one may be handed out before it
//! has proved to be the same. One digest a block lets a long message stream nevertheless.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

/// Octets under one digest: half of the largest read that the kernel makes.
const BLOCK: usize = 64 * 1024;

/// A keyed digest for each block of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint(Box<[u64]>);

/// The digests of a body as far as it has grown.
#[derive(Debug, Default)]
pub struct Growth(Vec<u64>);

impl Growth {
    /// Takes in what a body has grown by.
    pub fn grow(&mut self, body: &[u8]) {
        let blocks = body.chunks_exact(BLOCK).skip(self.0.len());
        self.0.extend(blocks.map(digest));
    }

    /// Octets under the digests: all but those of the last, unfinished block.
    pub fn octets(&self) -> usize {
        self.0.len().saturating_mul(BLOCK)
    }

    /// The fingerprint of the body, which is whole now.
    pub fn finish(mut self, body: &[u8]) -> Fingerprint {
        self.grow(body);
        let rest = body.chunks_exact(BLOCK).remainder();
        self.0.extend((!rest.is_empty()).then(|| digest(rest)));
        Fingerprint(self.0.into())
    }
}

impl Fingerprint {
    /// Whether a growing body is this one so far.
    pub fn begins_with(&self, growth: &Growth) -> bool {
        self.0.starts_with(&growth.0)
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
            growth.grow(&body[..end]);
        }
        growth
    }

    proptest! {
        #[test]
        fn the_same_body_agrees_however_it_grows(length in 0usize..300_000, step in 1usize..100_000) {
            let body: Vec<u8> = (0..length).map(|at| (at * 7 % 251) as u8).collect();
            let fingerprint = Growth::default().finish(&body);
            let growth = grown(&body, step);
            prop_assert!(growth.octets() <= length);
            prop_assert!(fingerprint.begins_with(&growth));
            prop_assert_eq!(growth.finish(&body), fingerprint);
        }

        #[test]
        fn a_changed_octet_is_noticed_before_its_block_is_handed_out(
            length in 1usize..200_000, at in any::<prop::sample::Index>()
        ) {
            let body = vec![b'a'; length];
            let mut other = body.clone();
            let at = at.index(length);
            other[at] = b'b';
            let fingerprint = Growth::default().finish(&body);
            let growth = grown(&other, 10_000);
            prop_assert!(growth.octets() <= at || !fingerprint.begins_with(&growth));
            prop_assert_ne!(growth.finish(&other), fingerprint);
        }

        #[test]
        fn a_longer_body_is_another(length in 0usize..200_000, more in 1usize..100_000) {
            let fingerprint = Growth::default().finish(&vec![b'a'; length]);
            let longer = Growth::default().finish(&vec![b'a'; length + more]);
            prop_assert_ne!(longer, fingerprint);
        }
    }
}
