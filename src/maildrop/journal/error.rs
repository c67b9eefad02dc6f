//! What is wrong with a journal that cannot be opened.

use std::path::{Path, PathBuf};
use std::{fmt, io};

/// Why a journal could not be opened.
#[derive(Debug)]
pub enum JournalError {
    /// Another process has it.
    Locked {
        /// The lock.
        path: PathBuf,
        /// The process, as far as the lock tells.
        holder: Option<u32>,
    },
    /// Others can write to this file or directory, and so say what is to be deleted.
    Exposed(PathBuf),
    /// It is somebody else's, who can say so too.
    Foreign(PathBuf),
    /// There is something else in the place of a file.
    NotAFile(PathBuf),
    /// It says something that we never wrote.
    Damaged {
        /// The journal.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// A file could not be made, read or locked.
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl JournalError {
    pub(super) fn io(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        Self::Io { path, error }
    }

    pub(super) fn damaged(path: &Path, line: usize) -> Self {
        let path = path.to_owned();
        Self::Damaged { path, line }
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { path, holder } => {
                match holder {
                    Some(pid) => write!(f, "process {pid}")?,
                    None => f.write_str("another pop3fs")?,
                }
                write!(
                    f,
                    " has this account mounted, or is about to mount it, or has not quite ended (it \
                     holds {}); unmount that one first, or end it",
                    path.display()
                )
            }
            Self::Exposed(path) => write!(
                f,
                "others can write to {}, and so mark what they like: see what they did, take that \
                 from them (chmod go-w), or use --state-dir",
                path.display()
            ),
            Self::Foreign(path) => write!(
                f,
                "{} belongs to somebody else, who can mark what he likes; move it away, or use \
                 --state-dir",
                path.display()
            ),
            Self::NotAFile(path) => write!(
                f,
                "{} is no regular file; move it away, or use --state-dir",
                path.display()
            ),
            Self::Damaged { path, line } => write!(
                f,
                "the journal {} is damaged in line {line}, so the marks in it are not taken over; look at it, then move it away",
                path.display()
            ),
            Self::Io { path, error } => write!(f, "cannot use {}: {error}", path.display()),
        }
    }
}

impl std::error::Error for JournalError {}
