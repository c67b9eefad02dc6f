//! The `.pop3fs/` directory of a mount, from outside.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::statvfs::statvfs;

use super::VerbError;
use super::events::{Event, Events};
use super::report::Report;
use super::status::Status;

/// Pauses between looks at what is under way: the first ones are short, for most of it is, the last
/// ones long enough to cost nothing.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// How long somebody at a terminal waits without asking what for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A mount that is there and served.
#[derive(Debug)]
pub(super) struct Control {
    mountpoint: PathBuf,
}

impl Control {
    /// Makes sure that a mailbox is mounted there.
    ///
    /// # Errors
    ///
    /// [`VerbError::NotMounted`], [`VerbError::Dead`], [`VerbError::Foreign`], or
    /// [`VerbError::Unreadable`].
    pub(super) fn open(mountpoint: &Path) -> Result<Self, VerbError> {
        let control = Self {
            mountpoint: mountpoint.to_owned(),
        };
        // The kernel may know the file of a mount whose process is gone; this question it passes on.
        match statvfs(&control.file("ctl")) {
            Ok(_) => Ok(control),
            Err(errno) => Err(control.missing(errno)),
        }
    }

    fn missing(self, errno: Errno) -> VerbError {
        match errno {
            Errno::ENOENT | Errno::ENOTDIR => VerbError::NotMounted(self.mountpoint),
            errno => self.unreadable(errno.into()),
        }
    }

    /// Writes one verb. The write returns when the verb is carried out.
    pub(super) fn write(&self, verb: &str) -> io::Result<()> {
        match OpenOptions::new().append(true).open(self.file("ctl")) {
            Ok(mut ctl) => ctl.write_all(format!("{verb}\n").as_bytes()),
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
                let request = request(verb).ok_or(error)?;
                self.request(request)
            }
            Err(error) => Err(error),
        }
    }

    /// The same where nothing can be written.
    fn request(&self, request: Request) -> io::Result<()> {
        let status = File::open(self.file("status"))?;
        // SAFETY: the request has no argument.
        unsafe { request(status.as_raw_fd()) }?;
        Ok(())
    }

    /// The same for a verb of the command line, which is not carried out otherwise.
    pub(super) fn tell(&self, doing: &'static str, verb: &str) -> Result<(), VerbError> {
        let told = self.write(verb);
        told.map_err(|error| self.refused(doing, error))
    }

    /// Has the mount begin something that takes long. A write that waits for the end of it fails when
    /// its time is over, so this one does not wait.
    pub(super) fn begin(&self, verb: &'static str, terms: &str) -> Result<(), VerbError> {
        self.tell(verb, &format!("{verb} nowait{terms}"))
    }

    /// Waits until the status no longer says so, which the mount's own time-outs see to, and until
    /// the kernel knows what has come of it; the status then.
    pub(super) fn outwait(&self, is_so: fn(&Status) -> bool) -> Result<Status, VerbError> {
        let mut pause = FIRST_PAUSE;
        let mut patience = Some(PATIENCE);
        loop {
            let status = self.status()?;
            if !is_so(&status) {
                self.tell("sync", "sync")?;
                return Ok(status);
            }
            patience =
                patience.and_then(|left| left.checked_sub(pause).or_else(say_what_is_waited_for));
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// How the mount is doing, as it says itself.
    pub(super) fn status_text(&self) -> Result<String, VerbError> {
        self.text("status")
    }

    /// How the mount is doing.
    pub(super) fn status(&self) -> Result<Status, VerbError> {
        parse("status", &self.status_text()?)
    }

    /// What the last commit did, as the mount says itself.
    pub(super) fn last_commit_text(&self) -> Result<String, VerbError> {
        self.text("last-commit")
    }

    /// What the last commit did.
    pub(super) fn last_commit(&self) -> Result<Report, VerbError> {
        parse("last-commit", &self.last_commit_text()?)
    }

    /// Whether a message of this name is there, once the kernel knows all that has come of a verb.
    pub(super) fn shows(&self, name: &str) -> bool {
        let is_there = || self.mountpoint.join(name).symlink_metadata().is_ok();
        is_there() || self.write("sync").is_ok() && is_there()
    }

    /// What happens at the mount from now on.
    pub(super) fn events(&self) -> Result<Events, VerbError> {
        let opened = File::open(self.file("events")).map(Events::new);
        opened.map_err(|error| self.refused("read the events", error))
    }

    /// What a line of the events tells.
    pub(super) fn event(&self, line: &str) -> Result<Event, VerbError> {
        parse("events", line)
    }

    /// The error for a mailbox that was unmounted meanwhile.
    pub(super) fn unmounted(&self) -> VerbError {
        VerbError::Unmounted(self.mountpoint.clone())
    }

    /// The error for events that came faster than they were read.
    pub(super) fn outrun(&self) -> VerbError {
        VerbError::Failed {
            doing: "wait for mail",
            mountpoint: self.mountpoint.clone(),
            problem: "so much has happened that some of it was missed; ls shows what is there"
                .to_owned(),
        }
    }

    /// The error for something that the mount refused.
    pub(super) fn refused(&self, doing: &'static str, source: io::Error) -> VerbError {
        let mountpoint = self.mountpoint.clone();
        match source.raw_os_error().map(Errno::from_raw) {
            // ENOTCONN once the process is gone, ECONNABORTED if it was cut off.
            Some(Errno::ENOTCONN | Errno::ECONNABORTED) => VerbError::Dead(mountpoint),
            // No verb waits for a login in the mount, which is refused with this as well.
            Some(Errno::EACCES) => VerbError::Foreign(mountpoint),
            Some(Errno::EROFS) => VerbError::ReadOnly { doing, mountpoint },
            _ => VerbError::Refused {
                doing,
                mountpoint,
                source,
            },
        }
    }

    /// The error for a look at the mount that was refused.
    fn unreadable(&self, source: io::Error) -> VerbError {
        match self.refused("look", source) {
            VerbError::Refused {
                mountpoint, source, ..
            } => VerbError::Unreadable { mountpoint, source },
            other => other,
        }
    }

    /// The error for something that did not come about, by what the mount says of it.
    pub(super) fn failed(&self, doing: &'static str, status: Status) -> VerbError {
        let problem = status.problem;
        VerbError::Failed {
            doing,
            mountpoint: self.mountpoint.clone(),
            problem: problem.unwrap_or_else(|| "the server did not answer in time".to_owned()),
        }
    }

    fn text(&self, name: &'static str) -> Result<String, VerbError> {
        fs::read_to_string(self.file(name)).map_err(|error| self.unreadable(error))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.mountpoint.join(".pop3fs").join(name)
    }
}

/// A verb as a request of ioctl(2).
type Request = unsafe fn(RawFd) -> nix::Result<i32>;

nix::ioctl_none!(refresh, 0xF3, 1);
nix::ioctl_none!(park, 0xF3, 2);
nix::ioctl_none!(sync, 0xF3, 3);
nix::ioctl_none!(look, 0xF3, 4);

/// The request for a verb; there is none for those that change the mailbox.
fn request(verb: &str) -> Option<Request> {
    match verb {
        "refresh nowait" => Some(refresh),
        "look nowait" => Some(look),
        "park nowait" => Some(park),
        "sync" => Some(sync),
        _ => None,
    }
}

/// Says it once, to somebody who is there.
fn say_what_is_waited_for() -> Option<Duration> {
    if io::stderr().is_terminal() {
        let text = "waiting for the server; Ctrl-C ends the waiting, and not what was begun";
        // Who is not there any more need not be told.
        let _ = writeln!(io::stderr(), "{text}");
    }
    None
}

fn parse<T: serde::de::DeserializeOwned>(file: &'static str, text: &str) -> Result<T, VerbError> {
    serde_json::from_str(text).map_err(|source| VerbError::Contents { file, source })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::cli::ExitStatus;
    use tempfile::TempDir;

    /// A directory that looks like a mount, with these contents of `.pop3fs/`.
    pub(in super::super) fn mount(files: &[(&str, &str)]) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        let control = directory.path().join(".pop3fs");
        fs::create_dir(&control).unwrap();
        for (name, text) in [("ctl", "")].iter().chain(files) {
            fs::write(control.join(name), text).unwrap();
        }
        directory
    }

    /// What was written to a mount's `ctl`.
    pub(in super::super) fn written(mount: &TempDir) -> String {
        fs::read_to_string(mount.path().join(".pop3fs/ctl")).unwrap()
    }

    #[test]
    fn a_directory_without_control_files_is_no_mount() {
        let directory = tempfile::tempdir().unwrap();
        for path in [
            directory.path().to_owned(),
            directory.path().join("nowhere"),
        ] {
            let error = Control::open(&path).unwrap_err();
            assert!(matches!(error, VerbError::NotMounted(_)));
            assert!(error.to_string().contains(&path.display().to_string()));
        }
    }

    #[test]
    fn a_refusal_says_what_can_be_done_about_it() {
        let control = Control {
            mountpoint: "/mnt".into(),
        };
        let deleting = |errno: Errno| control.refused("commit", errno.into());
        let looking = |errno: Errno| control.unreadable(errno.into());
        let more = "pop3fs status /mnt may say more";
        for (error, words, absent, status) in [
            (
                looking(Errno::EACCES),
                "another user's",
                more,
                ExitStatus::NoPerm,
            ),
            (
                deleting(Errno::EACCES),
                "another user's",
                more,
                ExitStatus::NoPerm,
            ),
            (deleting(Errno::EROFS), "(-o ro)", more, ExitStatus::NoPerm),
            (
                looking(Errno::EIO),
                "cannot look at /mnt",
                more,
                ExitStatus::TempFail,
            ),
            (deleting(Errno::EIO), more, "look at", ExitStatus::TempFail),
            (
                looking(Errno::ENOTCONN),
                "pop3fs umount /mnt",
                more,
                ExitStatus::TempFail,
            ),
        ] {
            let text = error.to_string();
            assert!(text.contains(words) && !text.contains(absent), "{text}");
            assert!(
                !text.contains("os error 13") && !text.contains("os error 30"),
                "{text}"
            );
            assert_eq!(error.status(), status, "{text}");
        }
    }

    #[test]
    fn a_verb_is_one_line() {
        let mount = mount(&[]);
        Control::open(mount.path())
            .unwrap()
            .write("commit")
            .unwrap();
        assert_eq!(written(&mount), "commit\n");
    }

    #[test]
    fn waiting_ends_when_the_status_says_so() {
        let mount = mount(&[("status", r#"{"committing": false, "messages": 5}"#)]);
        let control = Control::open(mount.path()).unwrap();
        let status = control.outwait(|status| status.committing).unwrap();
        assert_eq!(status.messages, Some(5));
    }

    #[test]
    fn a_file_with_something_else_in_it_is_an_error() {
        let mount = mount(&[("status", "hello")]);
        let error = Control::open(mount.path()).unwrap().status().unwrap_err();
        assert!(matches!(error, VerbError::Contents { file: "status", .. }));
    }
}
