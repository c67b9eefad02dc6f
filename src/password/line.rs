//! A password is one line of text.

use super::{Fault, Origin, PasswordError};
use crate::pop3::Secret;

/// The most that is read to find the first line in, in octets. POP3 servers take command lines of
/// 255 (RFC 2449 section 4); tokens in place of passwords can be a few thousand long.
pub(super) const LONGEST: usize = 8192;

/// The first line, as a password.
///
/// # Errors
///
/// [`PasswordError::Unusable`]
pub(super) fn first(octets: &[u8], origin: &Origin) -> Result<Secret, PasswordError> {
    usable(octets).map_err(|fault| PasswordError::Unusable {
        origin: origin.clone(),
        fault,
    })
}

fn usable(octets: &[u8]) -> Result<Secret, Fault> {
    let line = octets
        .split(|&octet| octet == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() >= LONGEST {
        return Err(Fault::TooLong);
    }
    match str::from_utf8(line) {
        Ok("") => Err(Fault::Empty),
        Ok(text) if !text.contains(char::is_control) => Ok(Secret::new(text.to_owned())),
        _ => Err(Fault::NotText),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn password(octets: &[u8]) -> Result<String, Fault> {
        usable(octets).map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn the_first_line_is_taken_without_its_end() {
        for text in ["a b", "a b\n", "a b\r\n", "a b\nc d\n"] {
            assert_eq!(password(text.as_bytes()).unwrap(), "a b");
        }
    }

    #[test]
    fn what_cannot_be_a_password_is_told_apart() {
        for (octets, fault) in [
            (&b""[..], Fault::Empty),
            (b"\nsesame", Fault::Empty),
            (b"\xff", Fault::NotText),
            (b"a\0b", Fault::NotText),
            (b"a\rb", Fault::NotText),
            (&[b'a'; LONGEST], Fault::TooLong),
        ] {
            assert_eq!(password(octets), Err(fault));
        }
    }

    proptest! {
        #[test]
        fn a_password_never_holds_a_line_break(octets in prop::collection::vec(any::<u8>(), 0..50)) {
            if let Ok(password) = password(&octets) {
                prop_assert!(!password.contains(['\r', '\n']));
            }
        }
    }
}
