//! What the environment has of passwords.

use std::env;
use std::path::PathBuf;

use super::variable::{self, Value};

/// The file of a service manager's credential (systemd.exec(5), LoadCredential=).
const CREDENTIAL: &str = "pop3fs.password";

/// What the environment had of passwords when the program began.
#[derive(Debug, Default)]
pub struct Environment {
    /// The file that the service manager made for us.
    pub(super) credential: Option<PathBuf>,
    /// `POP3FS_PASSWORD`.
    pub(super) variable: Option<Value>,
}

impl Environment {
    /// Looks for a service manager's credential, and takes `POP3FS_PASSWORD` out: children and
    /// `/proc/PID/environ` do not have it any more.
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
            variable: unsafe { variable::take() },
        }
    }
}
