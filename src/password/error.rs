//! Why there is no password.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::{CommandFault, KeyringFault, Wanted};
use crate::private_file::Unfit;

/// Why there is no password. No part of one is ever in it.
#[derive(Debug)]
pub enum PasswordError {
    /// The command gives none.
    Command {
        /// What it was to give.
        wanted: Wanted,
        /// What is wrong with it.
        fault: CommandFault,
    },
    /// A file is not to be used.
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        fault: Unfit,
    },
    /// The keyring gives none.
    Keyring(KeyringFault),
    /// What an origin gave cannot be a password.
    Unusable {
        /// Who gave it.
        origin: Origin,
        /// What is wrong with it.
        fault: Fault,
    },
    /// No origin has a password, and there is no terminal to ask at.
    Nowhere,
    /// The proxy has a login and no password.
    NoProxyPassword,
    /// The terminal could not be asked.
    Terminal(io::Error),
    /// Nothing was typed when asked.
    NotTyped,
    /// Somebody typed Ctrl-C when asked.
    Interrupted,
}

/// Who gave a password or token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A command.
    Command(Wanted),
    /// A file.
    File(PathBuf),
    /// The desktop's keyring.
    Keyring,
    /// The environment variable.
    Variable,
    /// The environment variable for a proxy's password.
    ProxyVariable,
    /// A person.
    Terminal,
}

/// Why something can be neither password nor token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is nothing in it.
    Empty,
    /// It is longer than a line of a command can be.
    TooLong,
    /// It is not UTF-8 text, or has control characters in it.
    NotText,
}

impl PasswordError {
    /// What is wrong with a file as an error.
    pub(super) fn of_file(path: &Path) -> impl Fn(Unfit) -> Self {
        move |fault| Self::File {
            path: path.to_owned(),
            fault,
        }
    }
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command { wanted, fault } => write!(f, "the {wanted} command {fault}"),
            Self::File { path, fault } => write!(f, "cannot use {}: {fault}", path.display()),
            Self::Keyring(fault) => write!(f, "the keyring {fault}"),
            Self::Unusable { origin, fault } => write!(f, "{origin} {fault}"),
            Self::Nowhere => f.write_str(
                "no password: there is none in POP3FS_PASSWORD or ~/.netrc, and no terminal to \
                 ask at; give --password-command or --password-file",
            ),
            Self::NoProxyPassword => f.write_str(
                "no password for the proxy: give --proxy-password-file or POP3FS_PROXY_PASSWORD",
            ),
            Self::Terminal(source) => write!(f, "cannot ask for the password: {source}"),
            Self::NotTyped => f.write_str("no password was typed"),
            Self::Interrupted => f.write_str("interrupted while asking for the password"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(wanted) => write!(f, "the {wanted} command"),
            Self::File(path) => path.display().fmt(f),
            Self::Keyring => f.write_str("the keyring"),
            Self::Variable => f.write_str("POP3FS_PASSWORD"),
            Self::ProxyVariable => f.write_str("POP3FS_PROXY_PASSWORD"),
            Self::Terminal => f.write_str("the terminal"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "gave nothing in its first line",
            Self::TooLong => "gave a line that is too long to be a password or token",
            Self::NotText => "gave a line that is not text in UTF-8",
        })
    }
}

impl Error for PasswordError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Command {
                fault: CommandFault::Start { source, .. },
                ..
            } => Some(source),
            Self::File { fault, .. } => fault.source(),
            Self::Terminal(source) => Some(source),
            _ => None,
        }
    }
}
