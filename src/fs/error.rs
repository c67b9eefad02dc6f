//! Why the tree refuses something, and the errno that says so.

use std::fmt;
use std::io;

use nix::errno::Errno;

use crate::maildrop;

/// Why a request to the tree was not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The maildrop could not do it.
    Maildrop(maildrop::Error),
    /// There is no file of that name or number.
    NoEntry,
    /// A name of more than 255 octets.
    NameTooLong,
    /// Something in a file was asked for.
    NotDirectory,
    /// A directory was opened as a file.
    IsDirectory,
    /// A change no mailbox can make: a new file, another name, other attributes.
    NotPermitted,
    /// A message is not written to, nor `ctl` read.
    AccessDenied,
    /// The handle is not one of an open file.
    BadHandle,
    /// `ctl` does not know the verb.
    UnknownVerb,
    /// ioctl(2) was asked for what this file does not know.
    UnknownRequest,
    /// rename(2) was asked for something beyond a rename.
    RenameFlags,
    /// There is nothing to read yet, and the program does not want to wait.
    WouldBlock,
    /// The program has a signal to attend to.
    Interrupted,
    /// A control file's contents could not be written down; why.
    Contents(String),
}

impl Error {
    /// What the calling program is told.
    pub fn errno(&self) -> Errno {
        match self {
            Self::Maildrop(error) => errno_of_maildrop(error),
            Self::NoEntry => Errno::ENOENT,
            Self::NameTooLong => Errno::ENAMETOOLONG,
            Self::NotDirectory => Errno::ENOTDIR,
            Self::IsDirectory => Errno::EISDIR,
            // The manual pages of creat, mkdir, link, rename, chmod...: "the filesystem does not
            // support it". EROFS would be a lie, since rm works.
            Self::NotPermitted => Errno::EPERM,
            Self::AccessDenied => Errno::EACCES,
            Self::BadHandle => Errno::EBADF,
            Self::UnknownVerb | Self::RenameFlags => Errno::EINVAL,
            Self::UnknownRequest => Errno::ENOTTY,
            Self::WouldBlock => Errno::EAGAIN,
            Self::Interrupted => Errno::EINTR,
            Self::Contents(_) => Errno::EIO,
        }
    }
}

fn errno_of_maildrop(error: &maildrop::Error) -> Errno {
    use maildrop::Error::*;
    match error {
        NotFound => Errno::ENOENT,
        // As on NFS when somebody else removed the file.
        Vanished => Errno::ESTALE,
        // Reading on would mix two messages; the log has the reason.
        Changed | Mislisted { .. } | Refused(_) | Protocol(_) => Errno::EIO,
        TooLong(_) => Errno::EFBIG,
        // Somebody's limit, and not for this program to mend.
        Limited(_) => Errno::EDQUOT,
        // ENETDOWN or EHOSTUNREACH would say more, but programs that copy trees (tar, rsync, cp)
        // know EIO as "this file failed, go on", and the network errnos as nothing.
        Offline(_) => Errno::EIO,
        LoginRefused(_) => Errno::EACCES,
        TimedOut => Errno::ETIMEDOUT,
        Busy => Errno::EBUSY,
        ReadOnly => Errno::EROFS,
        // It could never be deleted: not a failure, a refusal.
        NoUniqueId | FolderData => Errno::EPERM,
        Journal(kind) | Spill(kind) => errno_of_disk(*kind),
        NotCommitted(_) => Errno::EIO,
    }
}

/// A full disk is worth its own errno, since the user can do something about it.
fn errno_of_disk(kind: io::ErrorKind) -> Errno {
    match kind {
        io::ErrorKind::StorageFull => Errno::ENOSPC,
        io::ErrorKind::QuotaExceeded => Errno::EDQUOT,
        _ => Errno::EIO,
    }
}

impl From<maildrop::Error> for Error {
    fn from(error: maildrop::Error) -> Self {
        Self::Maildrop(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Maildrop(error) => error.fmt(f),
            Self::NoEntry => f.write_str("no such file"),
            Self::NameTooLong => f.write_str("the name is longer than 255 octets"),
            Self::NotDirectory => f.write_str("not a directory"),
            Self::IsDirectory => f.write_str("is a directory"),
            Self::NotPermitted => f.write_str("a mailbox cannot do that"),
            Self::AccessDenied => f.write_str("messages are only read, and ctl is only written"),
            Self::BadHandle => f.write_str("no such open file"),
            Self::UnknownVerb => f.write_str(
                "unknown verb; ctl takes commit, refresh, park, undelete NAME and undelete-all",
            ),
            Self::RenameFlags => f.write_str("rename with flags"),
            Self::WouldBlock => f.write_str("nothing has happened yet"),
            Self::Interrupted => f.write_str("interrupted by a signal"),
            Self::UnknownRequest => f.write_str("it is no request that this file knows"),
            Self::Contents(why) => write!(f, "cannot write down the contents: {why}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Maildrop(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_mailbox_cannot_do_is_not_permitted() {
        assert_eq!(Error::NotPermitted.errno(), Errno::EPERM);
        assert_eq!(
            Error::Maildrop(maildrop::Error::NoUniqueId).errno(),
            Errno::EPERM
        );
    }

    #[test]
    fn a_full_disk_is_told_from_a_broken_one() {
        let journal = |kind| Error::Maildrop(maildrop::Error::Journal(kind)).errno();
        assert_eq!(journal(io::ErrorKind::StorageFull), Errno::ENOSPC);
        assert_eq!(journal(io::ErrorKind::QuotaExceeded), Errno::EDQUOT);
        assert_eq!(journal(io::ErrorKind::Other), Errno::EIO);
    }

    #[test]
    fn a_deadline_that_passed_is_told_from_a_failure() {
        let errno = |error: maildrop::Error| Error::from(error).errno();
        assert_eq!(errno(maildrop::Error::TimedOut), Errno::ETIMEDOUT);
        assert_eq!(errno(maildrop::Error::Busy), Errno::EBUSY);
        assert_eq!(errno(maildrop::Error::Vanished), Errno::ESTALE);
        assert_eq!(errno(maildrop::Error::Changed), Errno::EIO);
    }

    /// ENOSYS from an operation switches it off for the whole mount.
    #[test]
    fn no_error_ever_says_not_implemented() {
        let words = || "words".to_owned();
        let errors = [
            maildrop::Error::NotFound.into(),
            maildrop::Error::Refused(words()).into(),
            maildrop::Error::Protocol(words()).into(),
            maildrop::Error::Offline(maildrop::Outage::new(maildrop::OutageKind::Lost, words()))
                .into(),
            maildrop::Error::LoginRefused(words()).into(),
            maildrop::Error::Journal(io::ErrorKind::Unsupported).into(),
            maildrop::Error::NotCommitted(words()).into(),
            Error::NotPermitted,
            Error::AccessDenied,
            Error::UnknownVerb,
            Error::RenameFlags,
            Error::Contents(words()),
        ];
        assert!(errors.iter().all(|error| error.errno() != Errno::ENOSYS));
    }
}
