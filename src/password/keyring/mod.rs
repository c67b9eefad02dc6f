//! The password as the desktop's keyring has it: the Secret Service of freedesktop.org, which GNOME
//! Keyring, KWallet and KeePassXC all speak, on the bus of the user's session.
//!
//! ```text
//! SearchItems -- locked --> Unlock, Prompt --> OpenSession, GetSecret
//!           `--- unlocked ------------------^
//! ```
//!
//! It is found by the attributes that mpop keeps passwords under, so that one entry does for both.

mod seal;
mod service;

use std::time::Duration;

use zeroize::Zeroizing;

use self::service::Service;
use super::{KeyringFault, Origin, PasswordError, line};
use crate::pop3::Secret;

/// How long it may take: a person may have to type a passphrase first.
const BOUND: Duration = Duration::from_secs(60);

/// The password of a login at a host. May ask a person to unlock the keyring, on the desktop.
///
/// # Errors
///
/// [`PasswordError::Keyring`], [`PasswordError::Unusable`].
pub(super) fn password(host: &str, login: &str) -> Result<Secret, PasswordError> {
    let octets = secret(host, login).map_err(PasswordError::Keyring)?;
    line::first(&octets, &Origin::Keyring)
}

fn secret(host: &str, login: &str) -> Result<Zeroizing<Vec<u8>>, KeyringFault> {
    let service = Service::connect(BOUND)?;
    let attributes = [("host", host), ("service", "pop3"), ("user", login)];
    let found = service.search(attributes)?;
    let item = match (found.unlocked.first(), found.locked.first()) {
        (Some(item), _) => item,
        (None, Some(item)) => {
            service.unlock(item)?;
            item
        }
        (None, None) => {
            return Err(KeyringFault::Nothing {
                host: host.to_owned(),
                login: login.to_owned(),
            });
        }
    };
    service.secret(item)
}
