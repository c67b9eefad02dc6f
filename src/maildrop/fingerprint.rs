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

/// How much of a growing body is known to be what was handed out before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// The first so many octets agree.
    Upto(usize),
    /// It is another body.
    Differs,
}

impl Fingerprint {
    /// The fingerprint of a whole body.
    pub fn of(body: &[u8]) -> Self {
        Self(body.chunks(BLOCK).map(digest).collect())
    }

    /// Holds a growing body against this one, given that its first `checked` octets agreed.
    pub fn compare(&self, growing: &[u8], checked: usize) -> Agreement {
        let whole = growing.len() - growing.len() % BLOCK;
        for (index, block) in growing
            .chunks_exact(BLOCK)
            .enumerate()
            .skip(checked / BLOCK)
        {
            if self.0.get(index) != Some(&digest(block)) {
                return Agreement::Differs;
            }
        }
        Agreement::Upto(whole.max(checked))
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

    proptest! {
        #[test]
        fn the_same_body_agrees_however_it_grows(length in 0usize..300_000, step in 1usize..100_000) {
            let body: Vec<u8> = (0..length).map(|at| (at * 7 % 251) as u8).collect();
            let fingerprint = Fingerprint::of(&body);
            let mut checked = 0;
            for end in (0..length).step_by(step) {
                let Agreement::Upto(upto) = fingerprint.compare(&body[..end], checked) else {
                    return Err(TestCaseError::fail("differs"));
                };
                prop_assert!(upto <= end && upto >= checked);
                checked = upto;
            }
            prop_assert_eq!(Fingerprint::of(&body), fingerprint);
        }

        #[test]
        fn a_changed_octet_is_noticed_before_its_block_is_handed_out(
            length in 1usize..200_000, at in any::<prop::sample::Index>()
        ) {
            let body = vec![b'a'; length];
            let mut other = body.clone();
            let at = at.index(length);
            other[at] = b'b';
            let fingerprint = Fingerprint::of(&body);
            match fingerprint.compare(&other, 0) {
                Agreement::Upto(upto) => prop_assert!(upto <= at),
                Agreement::Differs => {}
            }
            prop_assert_ne!(Fingerprint::of(&other), fingerprint);
        }
    }
}
