//! Files with secrets in them.

use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::libc::O_NONBLOCK;
use nix::unistd::Uid;
use zeroize::Zeroizing;

/// The permission bits that let others than the owner do anything with a file.
const OTHERS: u32 = 0o077;

/// A file's contents, and who could have had a hand in them. Wiped when it is dropped.
pub struct PrivateFile {
    octets: Zeroizing<Vec<u8>>,
    metadata: Metadata,
}

/// Why a file is not to be used for a secret.
#[derive(Debug)]
pub enum Unfit {
    /// It cannot be read.
    Unreadable(io::Error),
    /// It is something else than a file.
    NotAFile,
    /// It is open to others than its owner.
    Exposed,
    /// It belongs to neither us nor root.
    Foreign,
}

impl PrivateFile {
    /// Reads the beginning of a regular file, no more than `limit` octets.
    ///
    /// # Errors
    ///
    /// [`Unfit::Unreadable`], [`Unfit::NotAFile`].
    pub fn read(path: &Path, limit: usize) -> Result<Self, Unfit> {
        let (file, metadata) = open(path).map_err(Unfit::Unreadable)?;
        if !metadata.is_file() {
            return Err(Unfit::NotAFile);
        }
        let octets = read_octets(&file, limit).map_err(Unfit::Unreadable)?;
        Ok(Self { octets, metadata })
    }

    /// The contents, whoever may see them.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The contents, if nobody else can have seen or written them.
    ///
    /// # Errors
    ///
    /// [`Unfit::Exposed`], [`Unfit::Foreign`].
    pub fn private_octets(&self) -> Result<&[u8], Unfit> {
        let owner = self.metadata.uid();
        if owner != 0 && owner != Uid::effective().as_raw() {
            Err(Unfit::Foreign)
        } else if self.metadata.mode() & OTHERS != 0 {
            Err(Unfit::Exposed)
        } else {
            Ok(&self.octets)
        }
    }
}

/// A FIFO must not make us wait before we know that it is one. What is asked about is what is
/// open, not what has its name by then.
fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(O_NONBLOCK)
        .open(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

/// The buffer never grows, so no unwiped copy of it is left behind.
fn read_octets(file: &File, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut octets = Zeroizing::new(vec![0; limit]);
    let mut length = 0;
    while let Some(room) = octets.get_mut(length..).filter(|room| !room.is_empty()) {
        match (&mut &*file).read(room) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    octets.truncate(length);
    Ok(octets)
}

/// What follows "cannot use FILE: ".
impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(source) => source.fmt(f),
            Self::NotAFile => f.write_str("it is not a regular file"),
            Self::Exposed => f.write_str(
                "there is a secret in it, and others than you may use it; take that from them with \
                 chmod 600",
            ),
            Self::Foreign => f.write_str(
                "there is a secret in it, and it belongs to somebody else; it must be yours or \
                 root's",
            ),
        }
    }
}

impl std::error::Error for Unfit {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable(source) => Some(source),
            Self::NotAFile | Self::Exposed | Self::Foreign => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    #[test]
    fn what_others_can_use_is_not_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "sesame").unwrap();
        for (mode, is_private) in [(0o600, true), (0o400, true), (0o640, false), (0o601, false)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let file = PrivateFile::read(&path, 100).unwrap();
            assert_eq!(file.private_octets().is_ok(), is_private, "{mode:o}");
            assert_eq!(file.octets(), b"sesame");
        }
    }

    #[test]
    fn only_the_beginning_is_read() {
        let file = PrivateFile::read(Path::new("/proc/self/status"), 4).unwrap();
        assert_eq!(file.octets(), b"Name");
    }

    #[test]
    fn what_is_no_file_is_refused_without_waiting() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        mkfifo(&fifo, Mode::S_IRWXU).unwrap();
        for path in [directory.path(), &fifo] {
            let refused = PrivateFile::read(path, 100);
            assert!(matches!(refused, Err(Unfit::NotAFile)), "{path:?}");
        }
    }
}
