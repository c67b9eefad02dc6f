//! Why a verb could not be carried out.

use std::fmt;
use std::io;
use std::path::PathBuf;

use nix::errno::Errno;

use super::printable::printable;
use crate::cli::ExitStatus;

/// Why a verb could not be carried out.
#[derive(Debug)]
pub enum VerbError {
    /// No mailbox of ours is mounted there.
    NotMounted(PathBuf),
    /// A mailbox is mounted there, but the process that served it is gone.
    Dead(PathBuf),
    /// Something else than a mailbox is mounted there, and its process is gone.
    NotOurs(PathBuf),
    /// The mailbox was unmounted while it was waited for.
    Unmounted(PathBuf),
    /// Programs use the mount.
    InUse {
        /// The mount point.
        mountpoint: PathBuf,
        /// What uses it, as far as that can be seen.
        holders: Vec<String>,
    },
    /// No message of that name is marked.
    NotMarked(String),
    /// It is another user's, or a directory above it is.
    Foreign(PathBuf),
    /// It is mounted so that nothing can be deleted.
    ReadOnly {
        /// What was being done.
        doing: &'static str,
        /// The mount point.
        mountpoint: PathBuf,
    },
    /// The mount could not be looked at, so it can say nothing of itself either.
    Unreadable {
        /// The mount point.
        mountpoint: PathBuf,
        /// The errno that came back.
        source: io::Error,
    },
    /// The mount refused something.
    Refused {
        /// What was being done.
        doing: &'static str,
        /// The mount point.
        mountpoint: PathBuf,
        /// The errno that came back.
        source: io::Error,
    },
    /// The mount tried, and it did not come about.
    Failed {
        /// What was being done.
        doing: &'static str,
        /// The mount point.
        mountpoint: PathBuf,
        /// Why, in the mount's words.
        problem: String,
    },
    /// A file of `.pop3fs/` does not hold what it should.
    Contents {
        /// Which file.
        file: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl VerbError {
    /// The status to leave with.
    pub fn status(&self) -> ExitStatus {
        match self {
            Self::NotMounted(_) | Self::NotOurs(_) | Self::NotMarked(_) => ExitStatus::NoInput,
            Self::Dead(_) | Self::Unmounted(_) | Self::InUse { .. } | Self::Failed { .. } => {
                ExitStatus::TempFail
            }
            Self::Foreign(_) | Self::ReadOnly { .. } => ExitStatus::NoPerm,
            Self::Unreadable { source, .. } | Self::Refused { source, .. } => status_of(source),
            Self::Contents { .. } => ExitStatus::DataErr,
        }
    }
}

/// What an errno from the mount means for whoever called us.
fn status_of(error: &io::Error) -> ExitStatus {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EPERM) => ExitStatus::NoPerm,
        // EIO is how the mount reports that the server cannot be reached, or did not confirm.
        Some(Errno::EBUSY | Errno::EIO | Errno::ETIMEDOUT) => ExitStatus::TempFail,
        Some(Errno::ENOSPC | Errno::EDQUOT) => ExitStatus::CantCreate,
        // A verb that the mount does not know: it is older or newer than we are.
        Some(Errno::EINVAL) => ExitStatus::Software,
        _ => ExitStatus::IoErr,
    }
}

impl fmt::Display for VerbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMounted(path) => write!(
                f,
                "no pop3fs mailbox is mounted at {}; mount shows what is mounted where",
                path.display()
            ),
            Self::Dead(path) => write!(
                f,
                "the process that served {path} is gone; run pop3fs umount {path} and mount again: \
                 what was marked there still is",
                path = path.display()
            ),
            Self::NotOurs(path) => write!(
                f,
                "what is mounted at {path} is no pop3fs mailbox, and the process that served it is \
                 gone; umount {path} takes it away",
                path = path.display()
            ),
            Self::Unmounted(path) => write!(f, "{} was unmounted", path.display()),
            Self::InUse {
                mountpoint,
                holders,
            } => {
                let path = mountpoint.display();
                writeln!(f, "{path} is in use, so nothing is committed or unmounted:")?;
                if holders.is_empty() {
                    writeln!(f, "  by a program that cannot be seen from here")?;
                }
                for holder in holders {
                    writeln!(f, "  {}", printable(holder))?;
                }
                f.write_str("close what is open there, and leave the directory; or use --lazy")
            }
            Self::NotMarked(name) => write!(
                f,
                "no message named {name} is marked; look into .pop3fs/deleted for those that are"
            ),
            Self::Foreign(path) => write!(
                f,
                "may not use {}: it is another user's, and only whoever has mounted a mailbox can \
                 speak to it",
                path.display()
            ),
            Self::ReadOnly { doing, mountpoint } => write!(
                f,
                "cannot {doing} at {}: it is mounted read-only (-o ro), so that nothing is deleted",
                mountpoint.display()
            ),
            Self::Unreadable { mountpoint, source } => {
                write!(f, "cannot look at {}: {source}", mountpoint.display())
            }
            Self::Refused {
                doing,
                mountpoint,
                source,
            } => write!(
                f,
                "cannot {doing} at {path}: {source}; pop3fs status {path} may say more",
                path = mountpoint.display()
            ),
            Self::Failed {
                doing,
                mountpoint,
                problem,
            } => write!(
                f,
                "cannot {doing} at {}: {}",
                mountpoint.display(),
                printable(problem)
            ),
            Self::Contents { file, source } => write!(
                f,
                ".pop3fs/{file} is not what it should be: {source}; is the mount of another version?"
            ),
        }
    }
}

impl std::error::Error for VerbError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } | Self::Refused { source, .. } => Some(source),
            Self::Contents { source, .. } => Some(source),
            Self::NotMounted(_)
            | Self::NotOurs(_)
            | Self::Dead(_)
            | Self::Unmounted(_)
            | Self::InUse { .. }
            | Self::NotMarked(_)
            | Self::Foreign(_)
            | Self::ReadOnly { .. }
            | Self::Failed { .. } => None,
        }
    }
}
