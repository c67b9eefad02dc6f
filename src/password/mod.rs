//! Where the password comes from.
//!
//! ```text
//! --password-command, --password-file, POP3FS_PASSWORD, ~/.netrc, the terminal
//! ```
//!
//! The first of these that there is decides; if it fails, the next is not tried, as that would
//! hide a mistake. A password is asked for at each login, so one that changes is noticed, and none
//! is kept but one that was typed.

mod command;
mod error;
mod line;
mod netrc;
mod netrc_token;
mod private_file;
mod prompt;
mod source;

pub use error::{Fault, Origin, PasswordError};
pub use source::{PasswordSource, netrc_login};
