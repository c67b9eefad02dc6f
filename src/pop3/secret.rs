//! A secret that is wiped from memory and never shown.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// A password, or anything else that must not be seen. Wiped when it is dropped.
///
/// It has no `Display`, and its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over; no other copy is made.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The parts, one after the other. The memory is had in its full size, so that no copy is
    /// left behind by growing.
    pub(super) fn concat(parts: &[&str]) -> Self {
        let mut text = String::with_capacity(parts.iter().map(|part| part.len()).sum());
        for part in parts {
            text.push_str(part);
        }
        Self::new(text)
    }

    /// Octets in base 64 (RFC 4648 section 4).
    pub(super) fn base64(octets: &[u8]) -> Self {
        Self::new(STANDARD.encode(octets))
    }

    /// The secret itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::new("open sesame".to_owned());
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(secret.expose(), "open sesame");
    }

    #[test]
    fn a_secret_is_put_together_in_one_piece() {
        let secret = Secret::concat(&["open ", "", "sesame"]);
        assert_eq!(secret.expose(), "open sesame");
        assert_eq!(secret.0.capacity(), secret.0.len());
        assert_eq!(Secret::base64(b"\0a\0b").expose(), "AGEAYg==");
    }
}
