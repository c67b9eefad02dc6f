//! Why there is no password.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::{CommandFault, Wanted};

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
    /// A file cannot be read.
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What should be a file is something else.
    NotAFile {
        /// What.
        path: PathBuf,
    },
    /// A file with a password in it is open to others than its owner.
    Exposed {
        /// Which file.
        path: PathBuf,
    },
    /// A file with a password in it belongs to neither us nor root.
    Foreign {
        /// Which file.
        path: PathBuf,
    },
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

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command { wanted, fault } => write!(f, "the {wanted} command {fault}"),
            Self::Unreadable { path, source } => {
                write!(f, "cannot read {}: {source}", path.display())
            }
            Self::NotAFile { path } => write!(f, "{} is not a regular file", path.display()),
            Self::Exposed { path } => write!(
                f,
                "{path} has a password in it, and others than you may use it; do: chmod 600 {path}",
                path = path.display()
            ),
            Self::Foreign { path } => write!(
                f,
                "{} has a password in it and belongs to somebody else; it must be yours or root's",
                path.display()
            ),
            Self::Unusable { origin, fault } => write!(f, "{origin} {fault}"),
            Self::Nowhere => f.write_str(
                "no password: there is none in POP3FS_PASSWORD or ~/.netrc, and no terminal to \
                 ask at; give --password-command or --password-file",
            ),
            Self::NoProxyPassword => f.write_str(
                "no password for the proxy: give --proxy-password-file or POP3FS_PROXY_PASSWORD",
            ),
            Self::Terminal(source) => write!(f, "cannot ask for the password: {source}"),
            Self::Interrupted => f.write_str("interrupted while asking for the password"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(wanted) => write!(f, "the {wanted} command"),
            Self::File(path) => path.display().fmt(f),
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

impl std::error::Error for PasswordError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Command {
                fault: CommandFault::Start { source, .. },
                ..
            } => Some(source),
            Self::Unreadable { source, .. } => Some(source),
            Self::Terminal(source) => Some(source),
            _ => None,
        }
    }
}
