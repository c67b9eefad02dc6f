//! The state directory, which nobody else can write to, and the files of an account in it.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

use super::super::names;
use super::JournalError;

/// The permission bits that let others than the owner write.
const OTHERS: u32 = 0o022;

/// A directory that is ours, where no link or file of somebody else can be put in the way.
#[derive(Clone, Debug)]
pub struct StateDirectory(PathBuf);

impl StateDirectory {
    /// Makes the directory, where it does not exist, and sees that nobody else can write to it.
    ///
    /// # Errors
    /// It cannot be made, or is somebody else's to write to.
    pub fn make(path: PathBuf) -> Result<Self, JournalError> {
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(&path);
        let metadata = made.and_then(|()| path.metadata());
        let metadata = metadata.map_err(|error| JournalError::io(&path, no_directory(error)))?;
        judge(&path, &metadata)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The path of an account's own file with this ending.
    pub fn file(&self, account: &str, ending: &str) -> PathBuf {
        let name = names::file_name(account.as_bytes(), 1, ending);
        self.0.join(name)
    }

    /// Opens that file, to be read and added to; makes it where it does not exist. It may have been
    /// put there while the directory was open to others: what counts is what is open now.
    ///
    /// # Errors
    /// It is a link, no regular file, or somebody else's to write to.
    pub fn open(&self, account: &str, ending: &str) -> Result<File, JournalError> {
        let path = self.file(account, ending);
        let io = |error| JournalError::io(&path, error);
        // For reading too, so that nobody waits for the other end of a FIFO.
        let file = private().read(true).append(true).open(&path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if !metadata.is_file() {
            return Err(JournalError::NotAFile(path));
        }
        judge(&path, &metadata)?;
        Ok(file)
    }
}

/// How to open a file of ours, which nobody else may read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .create(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC);
    options
}

/// What is there and cannot be made is something else than a directory.
fn no_directory(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::AlreadyExists => io::ErrorKind::NotADirectory.into(),
        _ => error,
    }
}

fn judge(path: &Path, metadata: &Metadata) -> Result<(), JournalError> {
    if !is_trusted(metadata.uid(), Uid::effective()) {
        return Err(JournalError::Foreign(path.to_owned()));
    }
    if metadata.mode() & OTHERS != 0 {
        return Err(JournalError::Exposed(path.to_owned()));
    }
    Ok(())
}

/// Whether it is ours what this user owns, or that of root, who can do everything anyway.
fn is_trusted(owner: u32, own: Uid) -> bool {
    [0, own.as_raw()].contains(&owner)
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, chown};

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;
    use tempfile::TempDir;

    use super::*;

    pub(in super::super) const ACCOUNT: &str = "ann@pop.example.org:995";

    pub(in super::super) fn state() -> (TempDir, StateDirectory) {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDirectory::make(directory.path().to_owned()).unwrap();
        (directory, state)
    }

    fn open(state: &StateDirectory) -> Result<File, JournalError> {
        state.open(ACCOUNT, ".journal")
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let others = Permissions::from_mode(0o777);
        fs::set_permissions(directory.path(), others).unwrap();
        let error = StateDirectory::make(directory.path().to_owned()).unwrap_err();
        assert!(
            matches!(error, JournalError::Exposed(_)) && error.to_string().contains("chmod go-w")
        );
    }

    #[test]
    fn a_file_in_the_place_of_the_directory_is_said_to_be_none() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = StateDirectory::make(file.path().to_owned()).unwrap_err();
        assert!(error.to_string().ends_with(": not a directory"), "{error}");
    }

    #[test]
    fn a_directory_of_somebody_else_is_refused() {
        let trusted = [(0, 1000), (1000, 1000), (1001, 1000), (1000, 0)]
            .map(|(owner, own)| is_trusted(owner, Uid::from_raw(own)));
        assert_eq!(trusted, [true, true, false, false]);
        let directory = tempfile::tempdir().unwrap();
        // Only root can give it away.
        if chown(directory.path(), Some(65_534), None).is_ok() {
            let error = StateDirectory::make(directory.path().to_owned()).unwrap_err();
            assert!(matches!(error, JournalError::Foreign(_)));
        }
    }

    #[test]
    fn a_file_that_others_can_write_to_is_refused() {
        let (_directory, state) = state();
        drop(open(&state).unwrap());
        let path = state.file(ACCOUNT, ".journal");
        for (mode, is_ours) in [(0o644, true), (0o620, false), (0o602, false)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let opened = open(&state);
            assert_eq!(opened.is_ok(), is_ours, "{mode:o}");
            if let Err(error) = opened {
                let text = error.to_string();
                assert!(text.contains("chmod go-w") && text.contains(&path.display().to_string()));
            }
        }
    }

    #[test]
    fn a_file_of_somebody_else_is_refused() {
        let (_directory, state) = state();
        drop(open(&state).unwrap());
        // Only root can give it away.
        if chown(state.file(ACCOUNT, ".journal"), Some(65_534), None).is_ok() {
            assert!(matches!(open(&state), Err(JournalError::Foreign(_))));
        }
    }

    #[test]
    fn what_is_no_file_is_refused_without_waiting() {
        let (_directory, state) = state();
        mkfifo(&state.file(ACCOUNT, ".journal"), Mode::S_IRWXU).unwrap();
        assert!(matches!(open(&state), Err(JournalError::NotAFile(_))));
    }

    #[test]
    fn a_link_in_the_place_of_a_file_is_not_followed() {
        let (directory, state) = state();
        let elsewhere = directory.path().join("elsewhere");
        fs::write(&elsewhere, "").unwrap();
        let path = state.file(ACCOUNT, ".journal");
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        let error = open(&state).unwrap_err();
        assert!(matches!(error, JournalError::Io { path: it, .. } if it == path));
    }
}
