//! CRAM-MD5 (RFC 2195).

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;

use super::client::{Challenge, Client, Response};
use super::{Account, SaslError};
use crate::pop3::{Secret, text};

/// `login SP digest`, where the digest is that of the challenge, keyed by the password.
pub(super) struct CramMd5(Option<(String, Secret)>);

impl CramMd5 {
    pub(super) fn new(account: Account<'_>) -> Self {
        Self(Some((account.login.to_owned(), account.secret.clone())))
    }
}

impl Client for CramMd5 {
    fn first(&mut self) -> Option<Secret> {
        None
    }

    fn respond(&mut self, challenge: Challenge<'_>) -> Result<Response, SaslError> {
        let (login, password) = self.0.take().ok_or(SaslError::OutOfTurn)?;
        let digest = digest(password.expose().as_bytes(), &challenge.decoded()?);
        let response = Secret::concat(&[&login, " ", &text::hexadecimal(&digest)]);
        Ok(Response::Ready(response))
    }
}

#[allow(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn digest(password: &[u8], challenge: &[u8]) -> [u8; 16] {
    let keyed = Hmac::<Md5>::new_from_slice(password);
    let mut mac = keyed.expect("a key");
    mac.update(challenge);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::super::client::testing::{answer, first, secret};
    use super::*;

    #[test]
    fn the_example_of_the_rfc() {
        // RFC 2195 section 2.
        let (login, secret) = ("tim", &secret("tanstaaftanstaaf"));
        let mut client = CramMd5::new(Account { login, secret });
        assert_eq!(first(&mut client), None);
        assert_eq!(
            answer(&mut client, b"<1896.697170952@postoffice.reston.mci.net>"),
            Ok("tim b913a602c7eda7a495b4e6e7334d3890".to_owned())
        );
        assert_eq!(answer(&mut client, b"again"), Err(SaslError::OutOfTurn));
    }

    #[test]
    fn a_challenge_must_be_in_base_64() {
        let (login, secret) = ("tim", &secret("x"));
        let mut client = CramMd5::new(Account { login, secret });
        let refused = client.respond(Challenge(b"<no base 64>")).err();
        assert_eq!(refused, Some(SaslError::Malformed));
    }
}
