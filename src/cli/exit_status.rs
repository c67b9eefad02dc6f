//! How the program ends.

use std::process::{ExitCode, Termination};

/// Exit statuses, after sysexits.h, the one that mount(8) knows, and one for "no".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitStatus {
    /// What was asked for is done.
    Ok = 0,
    /// The mail that was waited for has not come in time.
    NotYet = 1,
    /// Called by mount(8) as its helper, and the mailbox could not be mounted: the status that
    /// mount(8) understands.
    MountFailure = 32,
    /// The command line makes no sense.
    Usage = 64,
    /// A file of ours holds something else than we wrote: a journal, `status`, `last-commit`.
    DataErr = 65,
    /// The mount point does not exist, or no mailbox is mounted there, or no such message is
    /// marked.
    NoInput = 66,
    /// The server's name has no address.
    NoHost = 68,
    /// The server does not take connections, or does not offer what is needed (such as STLS).
    Unavailable = 69,
    /// A fault in this program.
    Software = 70,
    /// The system refused something: no /dev/fuse, no process, no descriptor.
    OsErr = 71,
    /// The state directory or the log cannot be written.
    CantCreate = 73,
    /// A file or the mount could not be read or written.
    IoErr = 74,
    /// It did not work now, and may later: the link broke, the mailbox is locked, or a commit is
    /// not confirmed. What is marked stays marked.
    TempFail = 75,
    /// The server does not speak POP3, or TLS, as it should; or its certificate is refused.
    Protocol = 76,
    /// The login or a permission was refused.
    NoPerm = 77,
    /// Something that was configured cannot be used: the CA file, the password command or file,
    /// `~/.netrc`; or no password was found.
    Config = 78,
}

impl ExitStatus {
    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}

impl Termination for ExitStatus {
    fn report(self) -> ExitCode {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_sysexits() {
        let statuses = [
            (ExitStatus::Ok, nix::libc::EXIT_SUCCESS),
            (ExitStatus::Usage, 64),
            (ExitStatus::DataErr, 65),
            (ExitStatus::NoInput, 66),
            (ExitStatus::NoHost, 68),
            (ExitStatus::Unavailable, 69),
            (ExitStatus::Software, 70),
            (ExitStatus::OsErr, 71),
            (ExitStatus::CantCreate, 73),
            (ExitStatus::IoErr, 74),
            (ExitStatus::TempFail, 75),
            (ExitStatus::Protocol, 76),
            (ExitStatus::NoPerm, 77),
            (ExitStatus::Config, 78),
        ];
        for (status, number) in statuses {
            assert_eq!(i32::from(status.code()), number);
        }
    }

    #[test]
    fn the_manual_has_each() {
        let manual = include_str!("../../man/pop3fs.1");
        for number in [0, 1, 32, 64, 65, 66, 68, 69, 70, 71, 73, 74, 75, 76, 77, 78] {
            assert!(manual.contains(&format!("\n.It {number}\n")), "{number}");
        }
    }

    #[test]
    fn mount_knows_32_as_its_failure() {
        assert_eq!(ExitStatus::MountFailure.code(), 32);
    }
}
