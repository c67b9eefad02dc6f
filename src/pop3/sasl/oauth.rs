//! A token of OAuth 2 in place of a password: OAUTHBEARER (RFC 7628) and XOAUTH2, its forerunner.
//!
//! A token that is not taken is answered by a challenge that says why, in JSON; the client must
//! answer that before the server refuses.

use super::client::{Challenge, Client, Response};
use super::{Account, SaslError};
use crate::pop3::Secret;

/// What ends an exchange that has failed (RFC 7628 section 3.2.3).
const DUMMY: &str = "\x01";

/// OAUTHBEARER.
///
/// ```abnf
/// response = "n,a=" login "," kvsep *(key "=" value kvsep) kvsep ; kvsep is %x01
/// ```
pub(super) struct OAuthBearer(Bearer);

/// XOAUTH2.
///
/// ```abnf
/// response = "user=" login kvsep "auth=Bearer " token kvsep kvsep
/// ```
pub(super) struct XOAuth2(Bearer);

/// What both have: one response, then maybe a complaint.
struct Bearer {
    response: Option<Secret>,
    complaint: Option<Vec<u8>>,
}

impl OAuthBearer {
    pub(super) fn new(account: Account<'_>, host: &str, port: u16) -> Self {
        let login = saslname(account.login);
        Self(Bearer::new(Secret::concat(&[
            "n,a=",
            &login,
            ",\x01host=",
            host,
            "\x01port=",
            &port.to_string(),
            "\x01auth=Bearer ",
            account.secret.expose(),
            "\x01\x01",
        ])))
    }
}

impl XOAuth2 {
    pub(super) fn new(account: Account<'_>) -> Self {
        let Account { login, secret } = account;
        let token = secret.expose();
        Self(Bearer::new(Secret::concat(&[
            "user=",
            login,
            "\x01auth=Bearer ",
            token,
            "\x01\x01",
        ])))
    }
}

/// A login within a list of names and values (RFC 5801 section 4).
pub(super) fn saslname(login: &str) -> String {
    login.replace('=', "=3D").replace(',', "=2C")
}

impl Client for OAuthBearer {
    fn first(&mut self) -> Option<Secret> {
        self.0.response.take()
    }

    fn respond(&mut self, challenge: Challenge<'_>) -> Result<Response, SaslError> {
        self.0.complain(challenge, DUMMY)
    }

    fn complaint(&self) -> Option<&[u8]> {
        self.0.complaint.as_deref()
    }
}

impl Client for XOAuth2 {
    fn first(&mut self) -> Option<Secret> {
        self.0.response.take()
    }

    /// Office 365 takes a response with the command for a breach of the protocol.
    fn may_speak_first(&self) -> bool {
        false
    }

    fn respond(&mut self, challenge: Challenge<'_>) -> Result<Response, SaslError> {
        self.0.complain(challenge, "")
    }

    fn complaint(&self) -> Option<&[u8]> {
        self.0.complaint.as_deref()
    }
}

impl Bearer {
    fn new(response: Secret) -> Self {
        Self {
            response: Some(response),
            complaint: None,
        }
    }

    fn complain(&mut self, challenge: Challenge<'_>, answer: &str) -> Result<Response, SaslError> {
        if self.complaint.is_some() {
            return Err(SaslError::OutOfTurn);
        }
        self.complaint = Some(challenge.decoded()?);
        Ok(Response::Ready(Secret::concat(&[answer])))
    }
}

#[cfg(test)]
mod tests {
    use super::super::client::testing::{answer, first, secret};
    use super::*;

    #[test]
    fn the_examples_of_the_rfc() {
        // RFC 7628 section 4.1.
        let secret = &secret("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
        let login = "user@example.com";
        let account = Account { login, secret };
        let mut client = OAuthBearer::new(account, "server.example.com", 143);
        let response = "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01\
            auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01";
        assert_eq!(first(&mut client).as_deref(), Some(response));
        assert_eq!(client.complaint(), None);
    }

    #[test]
    fn a_complaint_is_answered_once_and_kept() {
        // RFC 7628 section 4.3.
        let complaint = br#"{"status":"invalid_token","scope":"example_scope"}"#;
        let (login, secret) = ("a", &secret("t"));
        let account = Account { login, secret };
        let mut bearer = OAuthBearer::new(account, "h", 1);
        let mut xoauth2 = XOAuth2::new(account);
        let clients: [(&mut dyn Client, &str); 2] = [(&mut bearer, "\x01"), (&mut xoauth2, "")];
        for (client, dummy) in clients {
            assert!(first(client).is_some());
            assert_eq!(answer(client, complaint), Ok(dummy.to_owned()));
            assert_eq!(client.complaint(), Some(&complaint[..]));
            assert_eq!(answer(client, complaint), Err(SaslError::OutOfTurn));
        }
    }

    #[test]
    fn xoauth2_waits_to_be_asked() {
        let (login, secret) = (
            "someuser@example.com",
            &secret("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"),
        );
        let mut client = XOAuth2::new(Account { login, secret });
        assert!(!client.may_speak_first());
        assert_eq!(
            first(&mut client).as_deref(),
            Some(
                "user=someuser@example.com\x01\
                 auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01"
            )
        );
    }

    #[test]
    fn a_login_cannot_end_its_field() {
        assert_eq!(saslname("a,b=c"), "a=2Cb=3Dc");
    }
}
