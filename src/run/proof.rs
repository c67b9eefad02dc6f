//! Passwords and tokens, which the [keeper](crate::keeper) finds: it may read files and run programs.

use std::io;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::keeper::{Answer, Errand, Keeper};
use crate::maildrop::{Credential, Credentials, Outage, OutageKind, Proof};
use crate::net::ProxyLogin;
use crate::password::{PasswordError, ProxyPassword};
use crate::pop3::Secret;

/// Before a password.
const PASSWORD: u8 = b'p';

/// Before a token.
const TOKEN: u8 = b't';

/// In the place of both.
const CERTIFICATE: u8 = b'c';

/// What to log in with, found anew for each session, and not by us.
pub(super) fn entrust(
    keeper: &mut Keeper,
    login: String,
    find: impl Fn() -> Result<Proof, PasswordError> + Send + Sync + 'static,
) -> Credentials {
    let errand = errand(keeper, find);
    Arc::new(move || match proof(&errand) {
        Ok(proof) => Ok(Credential {
            login: login.clone(),
            proof,
        }),
        Err(error) => {
            let kind = match error.kind() {
                io::ErrorKind::Interrupted => OutageKind::Interrupted,
                _ => OutageKind::NoPassword,
            };
            Err(Outage::new(kind, error.to_string()))
        }
    })
}

/// The same for a proxy, and for each connection.
pub(super) fn entrust_proxy(
    keeper: &mut Keeper,
    name: String,
    source: ProxyPassword,
) -> ProxyLogin {
    let errand = errand(keeper, move || source.password().map(Proof::Password));
    ProxyLogin {
        name,
        password: Arc::new(move || match proof(&errand)? {
            Proof::Password(password) => Ok(password),
            Proof::Token(_) | Proof::Certificate => Err(io::ErrorKind::InvalidData.into()),
        }),
    }
}

fn errand(
    keeper: &mut Keeper,
    find: impl Fn() -> Result<Proof, PasswordError> + Send + Sync + 'static,
) -> Errand {
    keeper.entrust(move |_, channel| {
        let found = find().map(|proof| answer(&proof));
        // Nobody waits any more only if our process has gone.
        let _ = Answer::send_result(found.map_err(told), &channel);
    })
}

/// That somebody would not go on is no fault of what was asked for.
fn told(error: PasswordError) -> io::Error {
    let kind = match error {
        PasswordError::Interrupted => io::ErrorKind::Interrupted,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

fn answer(proof: &Proof) -> Answer {
    let (kind, secret) = match proof {
        Proof::Password(secret) => (PASSWORD, secret.expose()),
        Proof::Token(secret) => (TOKEN, secret.expose()),
        Proof::Certificate => (CERTIFICATE, ""),
    };
    Answer::from(Zeroizing::new([&[kind], secret.as_bytes()].concat()))
}

fn proof(errand: &Errand) -> io::Result<Proof> {
    let (answer, _) = errand.run(&[])?;
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let (kind, secret) = answer.octets().split_first().ok_or_else(invalid)?;
    let secret = str::from_utf8(secret).map_err(|_| invalid())?;
    let secret = Secret::new(secret.to_owned());
    match *kind {
        PASSWORD => Ok(Proof::Password(secret)),
        TOKEN => Ok(Proof::Token(secret)),
        CERTIFICATE => Ok(Proof::Certificate),
        _ => Err(invalid()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(
        find: impl Fn() -> Result<Proof, PasswordError> + Send + Sync + 'static,
    ) -> Credentials {
        let mut keeper = Keeper::default();
        let credentials = entrust(&mut keeper, "ann".into(), find);
        keeper.begin_here();
        credentials
    }

    #[test]
    fn what_the_keeper_finds_is_what_is_logged_in_with() {
        let secret = || Secret::new("open sesame".to_owned());
        let found = credentials(move || Ok(Proof::Password(secret())))().unwrap();
        assert_eq!(found.login, "ann");
        assert!(matches!(&found.proof, Proof::Password(it) if it.expose() == "open sesame"));
        let found = credentials(move || Ok(Proof::Token(secret())))().unwrap();
        assert!(matches!(&found.proof, Proof::Token(it) if it.expose() == "open sesame"));
        let found = credentials(|| Ok(Proof::Certificate))().unwrap();
        assert!(matches!(found.proof, Proof::Certificate));
    }

    #[test]
    fn why_there_is_none_is_told_as_it_was_said() {
        let outage = credentials(|| Err(PasswordError::Nowhere))().unwrap_err();
        let words = PasswordError::Nowhere.to_string();
        assert_eq!(outage, Outage::new(OutageKind::NoPassword, words));
        let outage = credentials(|| Err(PasswordError::Interrupted))().unwrap_err();
        assert_eq!(outage.kind, OutageKind::Interrupted);
    }
}
