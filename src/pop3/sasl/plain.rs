//! PLAIN (RFC 4616).

use super::Account;
use super::client::Single;
use crate::pop3::Secret;

/// `[authzid] NUL authcid NUL passwd`, all in one response.
pub(super) fn plain(account: Account<'_>) -> Single {
    let Account { login, secret } = account;
    Single::new(Secret::concat(&["\0", login, "\0", secret.expose()]))
}

#[cfg(test)]
mod tests {
    use super::super::SaslError;
    use super::super::client::testing::{answer, first, secret};
    use super::*;

    #[test]
    fn all_is_said_at_once() {
        // RFC 4616 section 4.
        let (login, secret) = ("tim", &secret("tanstaaftanstaaf"));
        let mut plain = plain(Account { login, secret });
        assert_eq!(
            first(&mut plain).as_deref(),
            Some("\0tim\0tanstaaftanstaaf")
        );
        assert_eq!(answer(&mut plain, b"more"), Err(SaslError::OutOfTurn));
    }
}
