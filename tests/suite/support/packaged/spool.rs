//! The mail of a server, as it lies there.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use super::{UID, USER};
use crate::support::corpus::Letter;

/// How mail is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// A file for each message.
    Maildir,
    /// One file.
    Mbox,
}

/// What stands between two messages of an mbox, line end before it included.
const POSTMARK: &str = "\nFrom ann@example.org Thu Jan  1 00:00:00 1970\n";

/// Header fields that servers write into messages of an mbox, to find them again.
const OWN_FIELDS: [&str; 5] = ["X-UIDL:", "X-UID:", "X-IMAPbase:", "Status:", "X-Status:"];

/// The mail of one user.
pub struct Spool {
    store: Store,
    path: PathBuf,
}

impl Spool {
    /// Lays mail out below a directory; it is listed in this order.
    pub fn new(store: Store, home: &Path, letters: &[Letter]) -> Self {
        let (mail, own) = (home.join("mail"), home.join(USER));
        for (directory, mode) in [(&mail, 0o1777), (&own, 0o700)] {
            fs::create_dir(directory).expect("a directory to create");
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(directory, mode).expect("our own directory");
        }
        give(&own);
        let path = match store {
            Store::Maildir => maildir(own.join("Maildir"), letters),
            Store::Mbox => mbox(mail.join(USER), letters),
        };
        Self { store, path }
    }

    /// The messages there now, without what servers write into them.
    pub fn letters(&self) -> Vec<Vec<u8>> {
        match self.store {
            Store::Maildir => ["cur", "new"]
                .iter()
                .flat_map(|part| fs::read_dir(self.path.join(part)).expect("a part of it"))
                .map(|entry| entry.expect("a directory entry").path())
                .map(|file| fs::read(file).expect("a file to read"))
                .collect(),
            Store::Mbox => {
                let text = fs::read(&self.path).expect("a file to read");
                parted(&text).into_iter().map(without_own_fields).collect()
            }
        }
    }
}

/// A message without the header fields that servers write into it, however its lines end.
pub fn without_own_fields(letter: Vec<u8>) -> Vec<u8> {
    let mut in_header = true;
    let mut kept = Vec::with_capacity(letter.len());
    for line in letter.split_inclusive(|&octet| octet == b'\n') {
        in_header &= !line.trim_ascii_end().is_empty();
        let is_own = |field: &&str| line.starts_with(field.as_bytes());
        if !(in_header && OWN_FIELDS.iter().any(is_own)) {
            kept.extend_from_slice(line);
        }
    }
    kept
}

fn maildir(path: PathBuf, letters: &[Letter]) -> PathBuf {
    for part in ["", "cur", "new", "tmp"] {
        let directory = path.join(part);
        fs::create_dir(&directory).expect("a directory to create");
        give(&directory);
    }
    for (index, letter) in letters.iter().enumerate() {
        let file = path.join(format!("cur/{:010}.{index}.host:2,", index + 1));
        fs::write(&file, &letter.octets).expect("a file to write");
        give(&file);
    }
    path
}

fn mbox(path: PathBuf, letters: &[Letter]) -> PathBuf {
    let mut text = Vec::new();
    for letter in letters {
        let postmark = if text.is_empty() {
            &POSTMARK[1..]
        } else {
            POSTMARK
        };
        text.extend_from_slice(postmark.as_bytes());
        text.extend_from_slice(&letter.octets);
    }
    text.push(b'\n');
    fs::write(&path, text).expect("a file to write");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("our own file");
    give(&path);
    path
}

/// The messages of an mbox in which no message has a line that begins with "From ".
fn parted(text: &[u8]) -> Vec<Vec<u8>> {
    let mut letters: Vec<Vec<u8>> = Vec::new();
    for line in text.split_inclusive(|&octet| octet == b'\n') {
        match letters.last_mut() {
            _ if line.starts_with(b"From ") => letters.push(Vec::new()),
            Some(letter) => letter.extend_from_slice(line),
            None => {}
        }
    }
    for letter in &mut letters {
        // The empty line before the next postmark.
        letter.pop_if(|octet| *octet == b'\n');
    }
    letters
}

fn give(path: &Path) {
    chown(path, Some(UID), Some(UID)).expect("a file to give away");
}
