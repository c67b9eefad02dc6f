//! Why the desktop's keyring gives no password.

use std::fmt;
use std::time::Duration;

/// What is wrong with the keyring, or with asking it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyringFault {
    /// This program was built without it.
    NotBuilt,
    /// It does not answer, or not as it should.
    Refused {
        /// What the bus, or the keyring, said; printable.
        words: String,
    },
    /// It is locked, and nobody has unlocked it.
    Locked,
    /// Nobody has unlocked it in time.
    TimedOut {
        /// How long was waited.
        bound: Duration,
    },
    /// It has none for this account.
    Nothing {
        /// Where somebody logs in.
        host: String,
        /// Who logs in.
        login: String,
    },
    /// What it gave cannot be opened.
    Sealed,
}

/// What follows "the keyring".
impl fmt::Display for KeyringFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBuilt => f.write_str(
                "is not in this program: build it with \"make FEATURES=keyring\", or use \
                 --password-command 'secret-tool lookup host HOST service pop3 user LOGIN'",
            ),
            Self::Refused { words } => write!(
                f,
                "cannot be asked: {words}; GNOME Keyring, KWallet or KeePassXC must be on the bus that \
                 DBUS_SESSION_BUS_ADDRESS names"
            ),
            Self::Locked => {
                f.write_str("is locked, and was not unlocked; unlock it, and try again")
            }
            Self::TimedOut { bound } => {
                write!(f, "was not unlocked within {} s", bound.as_secs())
            }
            Self::Nothing { host, login } => write!(
                f,
                "has no password of {login} at {host}; to keep it there: \
                 secret-tool store --label=pop3fs host {host} service pop3 user {login}"
            ),
            Self::Sealed => f.write_str("gave something that cannot be opened"),
        }
    }
}
