//! The digests that SCRAM is made of (RFC 5802 section 2.2).

use hmac::{Hmac, KeyInit, Mac};
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// What a digest gives; wiped when it is dropped.
pub(super) type Key = Zeroizing<Vec<u8>>;

impl Hash {
    /// `H(text)`.
    pub(super) fn digest(self, text: &[u8]) -> Key {
        Zeroizing::new(match self {
            Self::Sha1 => Sha1::digest(text).to_vec(),
            Self::Sha256 => Sha256::digest(text).to_vec(),
        })
    }

    /// `HMAC(key, text)`.
    pub(super) fn hmac(self, key: &[u8], text: &[u8]) -> Key {
        match self {
            Self::Sha1 => mac::<Hmac<Sha1>>(key, text),
            Self::Sha256 => mac::<Hmac<Sha256>>(key, text),
        }
    }

    /// `Hi(password, salt, rounds)`.
    pub(super) fn salted(self, password: &[u8], salt: &[u8], rounds: u32) -> Key {
        let mut key = Zeroizing::new(vec![0; self.size()]);
        match self {
            Self::Sha1 => pbkdf2_hmac::<Sha1>(password, salt, rounds, &mut key),
            Self::Sha256 => pbkdf2_hmac::<Sha256>(password, salt, rounds, &mut key),
        }
        key
    }

    fn size(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

#[allow(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn mac<M: Mac + KeyInit>(key: &[u8], text: &[u8]) -> Key {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("a key");
    mac.update(text);
    Zeroizing::new(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pop3::text::hexadecimal;

    #[test]
    fn salted_passwords_are_those_of_the_rfc() {
        // RFC 6070 section 2.
        let key = Hash::Sha1.salted(b"password", b"salt", 4096);
        let expected = "4b007901b765489abead49d926f721d065a429c1";
        assert_eq!(hexadecimal(&key), expected);
    }

    #[test]
    fn digests_have_their_size() {
        for hash in [Hash::Sha1, Hash::Sha256] {
            assert_eq!(hash.digest(b"x").len(), hash.size());
            assert_eq!(hash.hmac(&[b'k'; 200], b"x").len(), hash.size());
        }
    }
}
