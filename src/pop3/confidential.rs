//! Secrets that the server knows, and might repeat.

use memchr::memmem;

use super::{Secret, text};

/// Stands for words that hold a secret.
const LEFT_OUT: &str = "(left out: it repeats the password)";

/// The secrets sent in a connection. Servers are found to repeat a line that they refuse, and
/// their words end up in logs.
#[derive(Default)]
pub(super) struct Confidential(Vec<Secret>);

impl Confidential {
    pub(super) fn add(&mut self, secret: &Secret) {
        if !secret.expose().is_empty() {
            self.0.push(secret.clone());
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
        self.0
            .iter()
            .any(|secret| memmem::find(words, secret.expose().as_bytes()).is_some())
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
        assert_eq!(confidential.printable(b"bad: PASS hunter2"), LEFT_OUT);
        assert_eq!(confidential.printable(b"bad password"), "bad password");
    }

    #[test]
    fn an_empty_secret_hides_nothing() {
        let mut confidential = Confidential::default();
        confidential.add(&Secret::new(String::new()));
        assert_eq!(confidential.printable(b"welcome"), "welcome");
    }
}
