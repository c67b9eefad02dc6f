//! PLAIN (RFC 4616).

use super::client::{Challenge, Client, Response};
use super::{Account, SaslError};
use crate::pop3::Secret;

/// `[authzid] NUL authcid NUL passwd`, all in one response.
pub(super) struct Plain(Option<Secret>);

impl Plain {
    pub(super) fn new(account: Account<'_>) -> Self {
        let Account { login, secret } = account;
        Self(Some(Secret::concat(&["\0", login, "\0", secret.expose()])))
    }
}

impl Client for Plain {
    fn first(&mut self) -> Option<Secret> {
        self.0.take()
    }

    fn respond(&mut self, _challenge: Challenge<'_>) -> Result<Response, SaslError> {
        Err(SaslError::OutOfTurn)
    }
}

#[cfg(test)]
mod tests {
    use super::super::client::testing::{answer, first, secret};
    use super::*;

    #[test]
    fn all_is_said_at_once() {
        // RFC 4616 section 4.
        let (login, secret) = ("tim", &secret("tanstaaftanstaaf"));
        let mut plain = Plain::new(Account { login, secret });
        assert_eq!(
            first(&mut plain).as_deref(),
            Some("\0tim\0tanstaaftanstaaf")
        );
        assert_eq!(answer(&mut plain, b"more"), Err(SaslError::OutOfTurn));
    }
}
