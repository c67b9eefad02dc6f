//! Secrets that the server knows, and might repeat.

use std::hash::{BuildHasher, RandomState};

use super::{Secret, text};

/// Stands for words that hold a secret.
const LEFT_OUT: &str = "(left out: it repeats the password)";

/// What is left of the secrets sent in a connection, which themselves are wiped once they are sent.
/// Servers are found to repeat a line that they refuse, and their words end up in logs.
#[derive(Default)]
pub(super) struct Confidential {
    key: RandomState,
    prints: Vec<Print>,
}

/// Enough of a secret to know it again, and not to tell it.
struct Print {
    length: usize,
    digest: u64,
}

impl Confidential {
    pub(super) fn add(&mut self, secret: &Secret) {
        let octets = secret.expose().as_bytes();
        if !octets.is_empty() {
            self.prints.push(Print {
                length: octets.len(),
                digest: self.key.hash_one(octets),
            });
        }
    }

    /// The server's words, printable; none of them if a secret is among them, for what is left
    /// around a gap can tell it.
    pub(super) fn printable(&self, words: &[u8]) -> String {
        if self.is_within(words) {
            return LEFT_OUT.to_owned();
        }
        text::printable(words)
    }

    pub(super) fn is_within(&self, words: &[u8]) -> bool {
        self.prints.iter().any(|print| {
            let mut parts = words.windows(print.length);
            parts.any(|part| self.key.hash_one(part) == print.digest)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_a_secret_are_left_out() {
        let mut confidential = Confidential::default();
        assert_eq!(
            confidential.printable(b"bad: PASS hunter2"),
            "bad: PASS hunter2"
        );
        confidential.add(&Secret::new("hunter2".to_owned()));
        for words in [&b"bad: PASS hunter2"[..], b"hunter2", b"hunter2!"] {
            assert_eq!(confidential.printable(words), LEFT_OUT);
        }
        assert_eq!(confidential.printable(b"bad password"), "bad password");
    }

    #[test]
    fn any_of_several_secrets_is_known_again() {
        let mut confidential = Confidential::default();
        for secret in ["hunter2", "correct horse"] {
            confidential.add(&Secret::new(secret.to_owned()));
        }
        assert!(confidential.is_within(b"a correct horse"));
        assert!(confidential.is_within(b"a hunter2"));
        assert!(!confidential.is_within(b"a hunter and a horse"));
    }

    #[test]
    fn an_empty_secret_hides_nothing() {
        let mut confidential = Confidential::default();
        confidential.add(&Secret::new(String::new()));
        assert_eq!(confidential.printable(b"welcome"), "welcome");
    }
}
