//! What a secret is sealed with on its way over the bus, so that it lies in clear in no memory but the
//! keyring's and ours, where it is wiped.
//!
//! It keeps it from nobody who may speak to the keyring, and could ask for it as we do.

use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::error::ErrorStack;
use openssl::md::Md;
use openssl::pkey::Id;
use openssl::pkey_ctx::PkeyCtx;
use openssl::symm::{Cipher, decrypt};
use zeroize::Zeroizing;

use crate::password::KeyringFault;

/// Its name: Diffie-Hellman in the second group of RFC 2409, HKDF, AES in CBC mode.
pub(super) const ALGORITHM: &str = "dh-ietf1024-sha256-aes128-cbc-pkcs7";

/// The octets of a number of the group.
const WIDTH: i32 = 128;

/// The octets of a key.
const KEY: usize = 16;

/// The octets of a block of the cipher.
const BLOCK: usize = 16;

/// Our half of an agreement.
pub(super) struct Offer {
    prime: BigNum,
    /// In memory that OpenSSL wipes.
    private: BigNum,
}

/// What both sides have agreed on.
pub(super) struct Key(Zeroizing<[u8; KEY]>);

impl Offer {
    pub fn new() -> Result<Self, ErrorStack> {
        let prime = BigNum::get_rfc2409_prime_1024()?;
        let mut private = BigNum::new_secure()?;
        prime.rand_range(&mut private)?;
        private.set_const_time();
        Ok(Self { prime, private })
    }

    /// What the other side has to know.
    pub fn public(&self) -> Result<Vec<u8>, ErrorStack> {
        let generator = BigNum::from_u32(2)?;
        self.power(&generator)?.to_vec_padded(WIDTH)
    }

    /// With what the other side has let us know.
    pub fn agree(&self, theirs: &[u8]) -> Result<Key, ErrorStack> {
        let theirs = BigNum::from_slice(theirs)?;
        let shared = Zeroizing::new(self.power(&theirs)?.to_vec_padded(WIDTH)?);
        let mut derivation = PkeyCtx::new_id(Id::HKDF)?;
        derivation.derive_init()?;
        derivation.set_hkdf_md(Md::sha256())?;
        derivation.set_hkdf_key(&shared)?;
        let mut key = Zeroizing::new([0; KEY]);
        derivation.derive(Some(&mut *key))?;
        Ok(Key(key))
    }

    fn power(&self, base: &BigNumRef) -> Result<BigNum, ErrorStack> {
        let mut power = BigNum::new_secure()?;
        let mut scratch = BigNumContext::new_secure()?;
        power.mod_exp(base, &self.private, &self.prime, &mut scratch)?;
        Ok(power)
    }
}

impl Key {
    /// Opens what was sealed with it.
    pub fn open(&self, vector: &[u8], octets: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyringFault> {
        // OpenSSL panics at any other length.
        let vector: &[u8; BLOCK] = vector.try_into().map_err(|_| KeyringFault::Sealed)?;
        let opened = decrypt(Cipher::aes_128_cbc(), &*self.0, Some(vector), octets)?;
        Ok(Zeroizing::new(opened))
    }
}

impl From<ErrorStack> for KeyringFault {
    fn from(_: ErrorStack) -> Self {
        Self::Sealed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::symm::encrypt;
    use proptest::prelude::*;

    const VECTOR: [u8; BLOCK] = [7; BLOCK];

    /// Two sides that have agreed.
    fn both() -> (Key, Key) {
        let (ann, bob) = (Offer::new().unwrap(), Offer::new().unwrap());
        let (from_ann, from_bob) = (ann.public().unwrap(), bob.public().unwrap());
        (ann.agree(&from_bob).unwrap(), bob.agree(&from_ann).unwrap())
    }

    #[test]
    fn what_one_side_seals_the_other_can_open() {
        let (ann, bob) = both();
        let sealed = encrypt(Cipher::aes_128_cbc(), &*bob.0, Some(&VECTOR), b"sesame").unwrap();
        assert_eq!(**ann.open(&VECTOR, &sealed).unwrap(), *b"sesame");
    }

    #[test]
    fn no_two_agreements_have_the_same_key() {
        assert_ne!(*both().0.0, *both().0.0);
    }

    proptest! {
        #[test]
        fn anything_is_opened_or_refused(
            vector in prop::collection::vec(any::<u8>(), 14..18),
            octets in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let _ = Key(Zeroizing::new([1; KEY])).open(&vector, &octets);
        }

        #[test]
        fn any_half_is_taken_or_refused(theirs in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Offer::new().unwrap().agree(&theirs);
        }
    }
}
