//! SCRAM (RFC 5802, RFC 7677).
//!
//! ```text
//! C: n,,n=user,r=nonce                                   client-first
//! S: r=nonce+its own,s=salt,i=rounds                     server-first
//! C: c=biws,r=nonce+its own,p=proof                      client-final
//! S: v=signature                                         server-final
//! C:                                                     nothing, as POP3 has no success with data
//! ```

use std::mem;
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use stringprep::saslprep;
use zeroize::Zeroizing;

use super::client::{Challenge, Client, Response};
use super::hash::{Hash, Key};
use super::oauth::saslname;
use super::server_first::ServerFirst;
use super::{Account, ChannelBinding, SaslError};
use crate::pop3::Secret;

/// The client's side of SCRAM.
pub(super) struct Scram {
    hash: Hash,
    password: Secret,
    nonce: String,
    /// `n,,`, `y,,` or `p=tls-exporter,,` (RFC 5802 section 6).
    header: String,
    /// What the channel is bound by, behind the header.
    binding: Vec<u8>,
    /// `n=user,r=nonce`
    client_first_bare: String,
    stage: Stage,
    complaint: Option<Vec<u8>>,
}

/// What comes next.
enum Stage {
    ClientFirst,
    ServerFirst,
    /// The signature is there once the proof is.
    ServerFinal {
        signature: Arc<OnceLock<Key>>,
    },
    Verified,
    Failed,
}

impl Scram {
    pub(super) fn new(
        hash: Hash,
        account: Account<'_>,
        nonce: &str,
        binding: ChannelBinding<'_>,
    ) -> Self {
        let (header, binding) = match binding {
            ChannelBinding::Unused => ("n,,".to_owned(), &[][..]),
            ChannelBinding::NotAnnounced => ("y,,".to_owned(), &[][..]),
            ChannelBinding::Bound { name, octets } => (format!("p={name},,"), octets),
        };
        let login = saslname(prepared(account.login).expose());
        Self {
            hash,
            password: prepared(account.secret.expose()),
            nonce: nonce.to_owned(),
            header,
            binding: binding.to_vec(),
            client_first_bare: format!("n={login},r={nonce}"),
            stage: Stage::ClientFirst,
            complaint: None,
        }
    }

    /// Proves that the password is known, and expects the same of the server.
    fn client_final(&mut self, server_first: &str) -> Result<Response, SaslError> {
        let first = ServerFirst::parse(server_first, &self.nonce)?;
        let channel = STANDARD.encode([self.header.as_bytes(), &self.binding].concat());
        let without_proof = format!("c={channel},r={}", first.nonce);
        let text = [&self.client_first_bare, server_first, &without_proof].join(",");
        let (salt, rounds) = (first.salt, first.rounds);
        let (hash, password) = (self.hash, self.password.clone());
        let expected = Arc::new(OnceLock::new());
        self.stage = Stage::ServerFinal {
            signature: expected.clone(),
        };
        Ok(Response::Worked(Box::new(move || {
            let salted = hash.salted(password.expose().as_bytes(), &salt, rounds);
            let proof = Secret::base64(&proof(hash, &salted, text.as_bytes()));
            expected.get_or_init(|| signature(hash, &salted, text.as_bytes()));
            Secret::concat(&[&without_proof, ",p=", proof.expose()])
        })))
    }

    /// Takes the server's proof, or its complaint; there is nothing to be said to either.
    fn server_final(
        &mut self,
        expected: Option<&Key>,
        message: &str,
    ) -> Result<Response, SaslError> {
        let field = message.split(',').next().unwrap_or_default();
        self.stage = if let Some(error) = field.strip_prefix("e=") {
            self.complaint = Some(error.as_bytes().to_vec());
            Stage::Failed
        } else {
            let signature = field.strip_prefix("v=").ok_or(SaslError::Malformed)?;
            let signature = STANDARD.decode(signature);
            let signature = signature.map_err(|_| SaslError::Malformed)?;
            if expected.is_none_or(|expected| **expected != signature) {
                return Err(SaslError::Impostor);
            }
            Stage::Verified
        };
        Ok(Response::Ready(Secret::concat(&[])))
    }
}

impl Client for Scram {
    fn first(&mut self) -> Option<Secret> {
        self.stage = Stage::ServerFirst;
        Some(Secret::concat(&[&self.header, &self.client_first_bare]))
    }

    fn respond(&mut self, challenge: Challenge<'_>) -> Result<Response, SaslError> {
        let message = challenge.text()?;
        match mem::replace(&mut self.stage, Stage::Failed) {
            Stage::ServerFirst => self.client_final(&message),
            Stage::ServerFinal { signature } => self.server_final(signature.get(), &message),
            Stage::ClientFirst | Stage::Verified | Stage::Failed => Err(SaslError::OutOfTurn),
        }
    }

    fn is_content(&self) -> bool {
        matches!(self.stage, Stage::Verified)
    }

    fn complaint(&self) -> Option<&[u8]> {
        self.complaint.as_deref()
    }
}

/// `ClientKey XOR HMAC(H(ClientKey), text)`
fn proof(hash: Hash, salted: &[u8], text: &[u8]) -> Key {
    let client_key = hash.hmac(salted, b"Client Key");
    let mut proof = hash.hmac(&hash.digest(&client_key), text);
    for (octet, key) in proof.iter_mut().zip(client_key.iter()) {
        *octet ^= key;
    }
    proof
}

/// `HMAC(ServerKey, text)`
fn signature(hash: Hash, salted: &[u8], text: &[u8]) -> Key {
    hash.hmac(&hash.hmac(salted, b"Server Key"), text)
}

/// What is typed in different ways and means the same becomes the same (RFC 4013). What cannot be
/// prepared, such as characters younger than that RFC, is taken as it is: servers that hold such a
/// password do the same.
fn prepared(text: &str) -> Secret {
    let prepared = saslprep(text).map(|prepared| Zeroizing::new(prepared.into_owned()));
    Secret::concat(&[prepared.as_ref().map_or(text, |prepared| prepared)])
}

#[cfg(test)]
mod tests {
    use super::super::client::testing::{answer, first, secret};
    use super::*;

    const NONCE_SHA_1: &str = "fyko+d2lbbFgONRv9qkxdawL";
    const NONCE_SHA_256: &str = "rOprNGfwEbeRWgbNEkqO";
    const SERVER_FIRST_SHA_1: &str =
        "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096";

    fn scram(hash: Hash, nonce: &str, binding: ChannelBinding<'_>) -> Scram {
        let (login, secret) = ("user", &secret("pencil"));
        Scram::new(hash, Account { login, secret }, nonce, binding)
    }

    #[test]
    fn the_example_for_sha_1() {
        // RFC 5802 section 5.
        let mut client = scram(Hash::Sha1, NONCE_SHA_1, ChannelBinding::Unused);
        assert_eq!(
            first(&mut client).as_deref(),
            Some("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL")
        );
        assert_eq!(
            answer(&mut client, SERVER_FIRST_SHA_1.as_bytes()).as_deref(),
            Ok(
                "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
            )
        );
        assert!(!client.is_content());
        let signature = b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=";
        assert_eq!(answer(&mut client, signature).as_deref(), Ok(""));
        assert!(client.is_content());
        assert_eq!(answer(&mut client, signature), Err(SaslError::OutOfTurn));
    }

    #[test]
    fn the_example_for_sha_256() {
        // RFC 7677 section 3.
        let mut client = scram(Hash::Sha256, NONCE_SHA_256, ChannelBinding::Unused);
        assert_eq!(
            first(&mut client).as_deref(),
            Some("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
        );
        let server_first = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
            s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        assert_eq!(
            answer(&mut client, server_first).as_deref(),
            Ok(
                "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
            )
        );
        let signature = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
        assert_eq!(answer(&mut client, signature).as_deref(), Ok(""));
        assert!(client.is_content());
    }

    #[test]
    fn the_channel_is_part_of_what_is_proved() {
        let said = |binding| {
            let mut client = scram(Hash::Sha1, NONCE_SHA_1, binding);
            let hello = first(&mut client).unwrap();
            let proof = answer(&mut client, SERVER_FIRST_SHA_1.as_bytes()).unwrap();
            let (channel, proof) = proof.split_once(",r=").unwrap();
            let channel = STANDARD
                .decode(channel.strip_prefix("c=").unwrap())
                .unwrap();
            (hello, channel, proof.to_owned())
        };
        let bound = |octets| ChannelBinding::Bound {
            name: "tls-exporter",
            octets,
        };
        let (hello, channel, one) = said(bound(b"\xffkey"));
        assert!(hello.starts_with("p=tls-exporter,,n=user,r="));
        assert_eq!(channel, b"p=tls-exporter,,\xffkey");
        let (_, _, other) = said(bound(b"another"));
        assert_ne!(one, other);
        let (hello, channel, _) = said(ChannelBinding::NotAnnounced);
        assert!(hello.starts_with("y,,n=user,r="));
        assert_eq!(channel, b"y,,");
    }

    #[test]
    fn a_server_that_does_not_know_the_password_is_found_out() {
        let mut client = scram(Hash::Sha1, NONCE_SHA_1, ChannelBinding::Unused);
        first(&mut client);
        answer(&mut client, SERVER_FIRST_SHA_1.as_bytes()).unwrap();
        let lie = b"v=AAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        assert_eq!(answer(&mut client, lie), Err(SaslError::Impostor));
        assert!(!client.is_content());
    }

    #[test]
    fn a_refusal_is_no_proof() {
        let mut client = scram(Hash::Sha1, NONCE_SHA_1, ChannelBinding::Unused);
        first(&mut client);
        answer(&mut client, SERVER_FIRST_SHA_1.as_bytes()).unwrap();
        assert_eq!(answer(&mut client, b"e=invalid-proof").as_deref(), Ok(""));
        assert_eq!(client.complaint(), Some(&b"invalid-proof"[..]));
        assert!(!client.is_content());
    }

    #[test]
    fn logins_and_passwords_are_prepared() {
        // RFC 4013 section 3.
        assert_eq!(prepared("I\u{ad}X").expose(), "IX");
        assert_eq!(prepared("\u{2168}").expose(), "IX");
        assert_eq!(prepared("a\u{a0}b").expose(), "a b");
        assert_eq!(prepared("\u{1f510}").expose(), "\u{1f510}");
        let (login, secret) = ("a,b=c", &secret("x"));
        let account = Account { login, secret };
        let mut client = Scram::new(Hash::Sha1, account, "n", ChannelBinding::Unused);
        assert_eq!(first(&mut client).as_deref(), Some("n,,n=a=2Cb=3Dc,r=n"));
    }
}
