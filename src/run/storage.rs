//! Files for messages that are too long for memory, which the [keeper](crate::keeper) makes: our process
//! gets them open and without a name, and can make none.

use std::env;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::tempfile_in;

use crate::keeper::{Answer, Keeper};
use crate::maildrop::Storage;

/// Where such files are by custom: on a disk, which `/tmp` often is not.
const DIRECTORY: &str = "/var/tmp";

/// A file for each message, made by the keeper.
pub(super) fn entrust(keeper: &mut Keeper) -> Box<Storage> {
    let directory = env::var_os("TMPDIR").map_or_else(|| DIRECTORY.into(), PathBuf::from);
    let errand = keeper.entrust(move |_, channel| {
        let made = file_in(&directory).map(|file| Answer::default().with(file.into()));
        // Nobody waits any more only if our process has gone.
        let _ = Answer::send_result(made, &channel);
    });
    Box::new(move || {
        let (answer, _) = errand.run(&[])?;
        answer.into_descriptor().map(File::from)
    })
}

fn file_in(directory: &Path) -> io::Result<File> {
    let named = |error: io::Error| {
        let words = format!("cannot make a file in {directory:?}: {error}");
        io::Error::new(error.kind(), words)
    };
    tempfile_in(directory).map_err(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::read_dir;
    use std::io::{Read, Seek, Write};

    #[test]
    fn a_file_for_a_long_message_has_no_name() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = file_in(directory.path()).unwrap();
        file.write_all(b"long").unwrap();
        assert_eq!(read_dir(directory.path()).unwrap().count(), 0);
        file.rewind().unwrap();
        let mut message = String::new();
        file.read_to_string(&mut message).unwrap();
        assert_eq!(message, "long");
    }

    #[test]
    fn a_directory_that_takes_no_file_is_named() {
        let error = file_in(Path::new("/does/not/exist")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains("/does/not/exist"), "{error}");
    }
}
