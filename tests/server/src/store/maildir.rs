//! A Maildir: one file a message, in new/ and cur/.

use super::{Held, Store};
use crate::message::Message;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A Maildir. A message's unique-id is its file's name up to the colon, which stays when flags change.
pub(crate) struct Maildir {
    path: PathBuf,
    known: BTreeMap<Vec<u8>, Arc<Held>>,
}

impl Maildir {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut maildir = Self {
            path: path.to_owned(),
            known: BTreeMap::new(),
        };
        maildir.messages()?;
        Ok(maildir)
    }

    /// The files there now, by unique-id.
    fn files(&self) -> io::Result<BTreeMap<Vec<u8>, PathBuf>> {
        let mut files = BTreeMap::new();
        for folder in ["new", "cur"] {
            for entry in fs::read_dir(self.path.join(folder))? {
                let path = entry?.path();
                if let Some(unique_id) = unique_id(&path) {
                    files.insert(unique_id, path);
                }
            }
        }
        Ok(files)
    }

    /// Messages in a Maildir never change, so one that is known is not read again.
    fn held(&self, unique_id: &[u8], path: &Path) -> io::Result<Arc<Held>> {
        match self.known.get(unique_id) {
            Some(held) => Ok(Arc::clone(held)),
            None => Ok(Held::new(Message::new(unique_id, &fs::read(path)?))),
        }
    }
}

/// A name that starts with a dot is not a message.
fn unique_id(path: &Path) -> Option<Vec<u8>> {
    let name = path.file_name()?.as_bytes();
    let base = name.split(|&octet| octet == b':').next()?;
    (!base.starts_with(b".")).then(|| base.to_vec())
}

impl Store for Maildir {
    fn messages(&mut self) -> io::Result<Vec<Arc<Held>>> {
        let mut found = BTreeMap::new();
        for (unique_id, path) in self.files()? {
            match self.held(&unique_id, &path) {
                Ok(held) => found.insert(unique_id, held),
                // Somebody else removed or renamed it since.
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
        }
        for (unique_id, held) in &self.known {
            if !found.contains_key(unique_id) {
                held.remove();
            }
        }
        self.known = found;
        Ok(self.known.values().cloned().collect())
    }

    fn deliver(&mut self, message: Message) -> io::Result<()> {
        let name = OsStr::from_bytes(&message.unique_id);
        let unfinished = self.path.join("tmp").join(name);
        fs::write(&unfinished, &message.octets)?;
        fs::rename(unfinished, self.path.join("new").join(name))?;
        self.known
            .insert(message.unique_id.clone(), Held::new(message));
        Ok(())
    }

    fn remove(&mut self, messages: &[Arc<Held>]) -> io::Result<()> {
        let files = self.files()?;
        for held in messages {
            let unique_id = &held.message.unique_id;
            match files.get(unique_id).map(fs::remove_file) {
                Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            held.remove();
            self.known.remove(unique_id);
        }
        Ok(())
    }
}
