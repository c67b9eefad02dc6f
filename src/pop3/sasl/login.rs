//! LOGIN (draft-murchison-sasl-login), which no standard has and many servers do.

use super::client::{Challenge, Client, Response};
use super::{Account, SaslError};
use crate::pop3::Secret;

/// The server asks twice, in words that differ from server to server: for the login, then for the
/// password.
pub(super) struct Login {
    /// What is still to be said, last first.
    left: Vec<Secret>,
}

impl Login {
    pub(super) fn new(account: Account<'_>) -> Self {
        let login = Secret::concat(&[account.login]);
        Self {
            left: vec![account.secret.clone(), login],
        }
    }
}

impl Client for Login {
    fn first(&mut self) -> Option<Secret> {
        None
    }

    fn respond(&mut self, _challenge: Challenge<'_>) -> Result<Response, SaslError> {
        let next = self.left.pop().ok_or(SaslError::OutOfTurn)?;
        Ok(Response::Ready(next))
    }
}

#[cfg(test)]
mod tests {
    use super::super::client::testing::{answer, first, secret};
    use super::*;

    #[test]
    fn login_and_password_are_given_in_turn_whatever_the_words() {
        let (login, secret) = ("tim", &secret("tanstaaf"));
        for words in ["Username:", "User Name\0", ""] {
            let mut client = Login::new(Account { login, secret });
            assert_eq!(first(&mut client), None);
            assert_eq!(answer(&mut client, words.as_bytes()), Ok("tim".to_owned()));
            assert_eq!(answer(&mut client, b"Password:"), Ok("tanstaaf".to_owned()));
            assert_eq!(answer(&mut client, b""), Err(SaslError::OutOfTurn));
        }
    }
}
