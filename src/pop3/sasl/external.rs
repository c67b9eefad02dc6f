//! EXTERNAL (RFC 4422 appendix A).

use super::SaslError;
use super::client::{Challenge, Client, Response};
use crate::pop3::Secret;

/// The proof is elsewhere; only the mailbox is named.
pub(super) struct External(Option<Secret>);

impl External {
    pub(super) fn new(login: &str) -> Self {
        Self(Some(Secret::concat(&[login])))
    }
}

impl Client for External {
    fn first(&mut self) -> Option<Secret> {
        self.0.take()
    }

    fn respond(&mut self, _challenge: Challenge<'_>) -> Result<Response, SaslError> {
        Err(SaslError::OutOfTurn)
    }
}

#[cfg(test)]
mod tests {
    use super::super::client::testing::{answer, first};
    use super::*;

    #[test]
    fn the_mailbox_is_named_and_no_more() {
        let mut external = External::new("fred@example.com");
        assert_eq!(first(&mut external).as_deref(), Some("fred@example.com"));
        assert_eq!(answer(&mut external, b""), Err(SaslError::OutOfTurn));
    }
}
