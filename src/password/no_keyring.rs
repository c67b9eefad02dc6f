//! In the place of the desktop's keyring, in a program that was built without it.

use super::{KeyringFault, PasswordError};
use crate::pop3::Secret;

/// Says that there is none.
///
/// # Errors
///
/// [`KeyringFault::NotBuilt`]
pub(super) fn password(_host: &str, _login: &str) -> Result<Secret, PasswordError> {
    Err(PasswordError::Keyring(KeyringFault::NotBuilt))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_it_says_so() {
        let words = password("pop.example.org", "ann").unwrap_err().to_string();
        assert!(
            words.starts_with("the keyring is not in this program"),
            "{words}"
        );
    }
}
