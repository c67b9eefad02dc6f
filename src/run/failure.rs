//! Why a mailbox could not be mounted, and the exit status that says so.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::cli::ExitStatus;
use crate::fuse::MountError;
use crate::maildrop::{Error, JournalError, OutageKind};
use crate::net::NetError;
use crate::password::PasswordError;

/// Why a mailbox could not be mounted.
#[derive(Debug)]
pub(super) enum Failure {
    /// The process could not be set up.
    System(&'static str, io::Error),
    /// The log cannot be written.
    Log(PathBuf, io::Error),
    /// Nobody says who logs in at this host.
    NoLogin(String),
    Password(PasswordError),
    /// There is no place for the state directory.
    NoStateDirectory,
    Journal(JournalError),
    /// The TLS options cannot be used.
    Tls(NetError),
    /// The connect command is no command.
    ConnectCommand,
    /// The first session did not come about.
    Server(String, Error),
    Mount(MountError),
    /// Somebody interrupted before it was mounted.
    Interrupted,
}

impl Failure {
    pub fn status(&self) -> ExitStatus {
        match self {
            Self::Mount(_) if self.is_about_the_mount_point() => ExitStatus::NoInput,
            Self::System(..) | Self::Mount(_) => ExitStatus::OsErr,
            Self::Log(..) | Self::NoStateDirectory => ExitStatus::CantCreate,
            Self::Journal(JournalError::Locked { .. }) | Self::Interrupted => ExitStatus::TempFail,
            Self::Journal(JournalError::Damaged { .. }) => ExitStatus::DataErr,
            Self::Journal(
                JournalError::Exposed(_) | JournalError::Foreign(_) | JournalError::NotAFile(_),
            ) => ExitStatus::Config,
            Self::Journal(JournalError::Io { .. }) => ExitStatus::CantCreate,
            Self::Tls(_) | Self::NoLogin(_) | Self::Password(_) | Self::ConnectCommand => {
                ExitStatus::Config
            }
            Self::Server(_, error) => status_of_server(error),
        }
    }

    fn is_about_the_mount_point(&self) -> bool {
        matches!(
            self,
            Self::Mount(
                MountError::MountPoint { .. }
                    | MountError::Swapped { .. }
                    | MountError::Changed(_)
                    | MountError::NotOurs { .. }
                    | MountError::NotEmpty { .. }
                    | MountError::Occupied { .. }
                    | MountError::DeadMount { .. }
            )
        )
    }
}

fn way_out(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room, or use --state-dir for a directory where there is some"
        }
        _ => "use --state-dir for another directory, one of your own",
    }
}

fn status_of_server(error: &Error) -> ExitStatus {
    match error {
        Error::LoginRefused(_) => ExitStatus::NoPerm,
        Error::Offline(outage) => match outage.kind {
            OutageKind::NoHost => ExitStatus::NoHost,
            OutageKind::Unreachable => ExitStatus::Unavailable,
            OutageKind::Tls | OutageKind::Protocol => ExitStatus::Protocol,
            OutageKind::Busy | OutageKind::Lost | OutageKind::Interrupted => ExitStatus::TempFail,
            OutageKind::NoPassword => ExitStatus::Config,
            OutageKind::Local => ExitStatus::OsErr,
        },
        _ => ExitStatus::TempFail,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(what, error) => write!(f, "cannot {what}: {error}"),
            Self::Log(path, error) => write!(
                f,
                "cannot write the log {}: {error}; name another file with --log",
                path.display()
            ),
            Self::NoStateDirectory => f.write_str(
                "there is no place to keep marks: set HOME or XDG_STATE_HOME, or use --state-dir",
            ),
            Self::Journal(journal @ JournalError::Io { error, .. }) => write!(
                f,
                "{journal}; marks and logs are kept there: {}",
                way_out(error)
            ),
            Self::Journal(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
            Self::ConnectCommand => f.write_str(
                "the connect command cannot be split into words: it is empty, or a quote in it \
                 has no end",
            ),
            Self::NoLogin(host) => write!(
                f,
                "whose mailbox at {host}? write pop3s://LOGIN@{host}, use --login, or name a login in ~/.netrc"
            ),
            Self::Password(error) => error.fmt(f),
            Self::Server(source, error) => write!(f, "cannot mount {source}: {error}"),
            Self::Mount(error) => error.fmt(f),
            Self::Interrupted => f.write_str("interrupted; nothing was mounted"),
        }
    }
}

impl From<PasswordError> for Failure {
    fn from(error: PasswordError) -> Self {
        Self::Password(error)
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl From<MountError> for Failure {
    fn from(error: MountError) -> Self {
        Self::Mount(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_room_is_told_to_make_some() {
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
            let journal = JournalError::Io {
                path: PathBuf::from("/full"),
                error: kind.into(),
            };
            let text = Failure::from(journal).to_string();
            assert!(
                text.contains("/full") && text.contains("make room"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_file_that_cannot_be_used_is_told_with_the_option_that_names_another() {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let path = PathBuf::from("/no/such");
        let journal = JournalError::Io {
            path: path.clone(),
            error: missing(),
        };
        for (failure, option) in [
            (Failure::from(journal), "--state-dir"),
            (Failure::Log(path, missing()), "--log"),
        ] {
            let text = failure.to_string();
            assert!(text.contains("/no/such") && text.contains(option), "{text}");
            assert_eq!(failure.status(), ExitStatus::CantCreate);
        }
    }
}
