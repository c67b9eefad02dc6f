//! Where the password comes from.
//!
//! ```text
//! --password-command, --password-file, --keyring, $CREDENTIALS_DIRECTORY/pop3fs.password,
//! POP3FS_PASSWORD, ~/.netrc, the terminal
//! ```
//!
//! The first of these that there is decides; if it fails, the next is not tried, as that would
//! hide a mistake. A password is asked for at each login, so one that changes is noticed, and none
//! is kept but one that was typed or in the environment. Tokens come from a command alone, as they
//! soon expire.

mod command;
mod command_fault;
mod environment;
mod error;
#[cfg(feature = "keyring")]
mod keyring;
#[cfg(not(feature = "keyring"))]
#[path = "no_keyring.rs"]
mod keyring;
mod keyring_fault;
mod line;
mod netrc;
mod netrc_token;
mod places;
mod prompt;
mod source;
mod terminal;
mod variable;
mod wanted;

pub use command_fault::CommandFault;
pub use environment::{Environment, ProxyPassword};
pub use error::{Fault, Origin, PasswordError};
pub use keyring_fault::KeyringFault;
pub use places::Places;
pub use source::{PasswordSource, netrc_login, token};
pub use terminal::Terminal;
pub use wanted::Wanted;
