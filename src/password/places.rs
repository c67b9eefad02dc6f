//! Where somebody wants a password to be looked for.

use std::path::PathBuf;

/// Where to look before the places that everybody has.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// A program that prints it, with its arguments.
    pub command: Option<String>,
    /// A file that holds it; an absolute path.
    pub file: Option<PathBuf>,
    /// Whether the desktop's keyring has it.
    pub keyring: bool,
}

impl Places {
    /// Whether there is one, so that those that everybody has are not looked at.
    pub(super) fn decide(&self) -> bool {
        self.command.is_some() || self.file.is_some() || self.keyring
    }
}
