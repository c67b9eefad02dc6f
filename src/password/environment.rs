//! What the environment has of passwords.

use std::env;
use std::path::PathBuf;

use super::variable::{self, Value};
use super::{Origin, PasswordError, line, source};
use crate::pop3::Secret;

/// The file of a service manager's credential (systemd.exec(5), LoadCredential=).
const CREDENTIAL: &str = "pop3fs.password";

/// What the environment had of passwords when the program began.
#[derive(Debug, Default)]
pub struct Environment {
    /// The file that the service manager made for us.
    pub(super) credential: Option<PathBuf>,
    /// `POP3FS_PASSWORD`.
    pub(super) variable: Option<Value>,
    /// `POP3FS_PROXY_PASSWORD`.
    proxy: Option<Value>,
}

/// The password for a proxy, to be asked for as often as it is needed.
#[derive(Debug)]
pub struct ProxyPassword {
    file: Option<PathBuf>,
    variable: Option<Value>,
}

impl Environment {
    /// Looks for a service manager's credential, and takes the passwords out of the variables: children
    /// and `/proc/PID/environ` do not have them any more.
    ///
    /// # Safety
    ///
    /// No other thread may exist: it could be reading the environment.
    pub unsafe fn take() -> Self {
        let directory = env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let credential = directory.map(|directory| directory.join(CREDENTIAL));
        Self {
            credential: credential.filter(|path| path.exists()),
            // SAFETY: the caller sees to it.
            variable: unsafe { variable::take(c"POP3FS_PASSWORD") },
            // SAFETY: as above.
            proxy: unsafe { variable::take(c"POP3FS_PROXY_PASSWORD") },
        }
    }

    /// Takes the password for a proxy out: it is in a file, if there is one, or a variable.
    pub fn take_proxy_password(&mut self, file: Option<PathBuf>) -> ProxyPassword {
        ProxyPassword {
            file,
            variable: self.proxy.take(),
        }
    }
}

impl ProxyPassword {
    /// Finds it.
    ///
    /// # Errors
    ///
    /// [`PasswordError`], which never has any part of a password in it.
    pub fn password(&self) -> Result<Secret, PasswordError> {
        match (&self.file, &self.variable) {
            (Some(path), _) => source::from_file(path),
            (None, Some(value)) => line::first(value.octets(), &Origin::ProxyVariable),
            (None, None) => Err(PasswordError::NoProxyPassword),
        }
    }
}
