//! Files with secrets in them.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::libc::O_NONBLOCK;
use nix::unistd::Uid;
use zeroize::Zeroizing;

use super::PasswordError;

/// The permission bits that let others than the owner do anything with a file.
const OTHERS: u32 = 0o077;

/// A file's contents, and who could have had a hand in them. Wiped when it is dropped.
pub(super) struct PrivateFile {
    path: PathBuf,
    octets: Zeroizing<Vec<u8>>,
    metadata: Metadata,
}

/// Reads the beginning of a regular file, no more than `limit` octets.
///
/// # Errors
///
/// [`PasswordError::Unreadable`], [`PasswordError::NotAFile`].
pub(super) fn read(path: &Path, limit: usize) -> Result<PrivateFile, PasswordError> {
    let failure = |source| PasswordError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let (file, metadata) = open(path).map_err(failure)?;
    if !metadata.is_file() {
        return Err(PasswordError::NotAFile {
            path: path.to_owned(),
        });
    }
    Ok(PrivateFile {
        path: path.to_owned(),
        octets: read_octets(&file, limit).map_err(failure)?,
        metadata,
    })
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

impl PrivateFile {
    /// The contents, whoever may see them.
    pub(super) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The contents, if nobody else can have seen or written them.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Exposed`], [`PasswordError::Foreign`].
    pub(super) fn private_octets(&self) -> Result<&[u8], PasswordError> {
        let path = || self.path.clone();
        let owner = self.metadata.uid();
        if owner != 0 && owner != Uid::effective().as_raw() {
            Err(PasswordError::Foreign { path: path() })
        } else if self.metadata.mode() & OTHERS != 0 {
            Err(PasswordError::Exposed { path: path() })
        } else {
            Ok(&self.octets)
        }
    }
}
