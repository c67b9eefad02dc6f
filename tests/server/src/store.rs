//! Where the messages are kept.

mod maildir;
mod mbox;

pub(crate) use maildir::Maildir;
pub(crate) use mbox::Mbox;

use crate::message::Message;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A message that sessions hold on to, though somebody else may remove it.
pub(crate) struct Held {
    pub message: Message,
    gone: AtomicBool,
}

impl Held {
    pub(crate) fn new(message: Message) -> Arc<Self> {
        Arc::new(Self {
            message,
            gone: AtomicBool::new(false),
        })
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    fn remove(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}

/// Where the messages are kept. A message that stays keeps its [`Held`].
pub(crate) trait Store: Send {
    /// The messages there now, the oldest first.
    fn messages(&mut self) -> io::Result<Vec<Arc<Held>>>;

    /// Adds a message.
    fn deliver(&mut self, message: Message) -> io::Result<()>;

    /// Removes messages; one that is gone already is no error.
    fn remove(&mut self, messages: &[Arc<Held>]) -> io::Result<()>;
}

/// A list in memory.
pub(crate) struct Memory(Vec<Arc<Held>>);

impl Memory {
    pub(crate) fn new(messages: Vec<Message>) -> Self {
        Self(messages.into_iter().map(Held::new).collect())
    }

    /// The files of a directory and of those in it, in the order of their names.
    pub(crate) fn read(directory: &Path) -> io::Result<Self> {
        let mut messages = Vec::new();
        let mut directories = vec![directory.to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory)? {
                let entry = entry?;
                // A link to a directory is not followed: it could lead back here.
                if entry.file_type()?.is_dir() {
                    directories.push(entry.path());
                } else if entry.path().is_file() {
                    let text = fs::read(entry.path())?;
                    messages.push(Message::new(entry.file_name().as_bytes(), &text));
                }
            }
        }
        messages.sort_by(|one, other| one.unique_id.cmp(&other.unique_id));
        Ok(Self::new(messages))
    }
}

impl Store for Memory {
    fn messages(&mut self) -> io::Result<Vec<Arc<Held>>> {
        Ok(self.0.clone())
    }

    fn deliver(&mut self, message: Message) -> io::Result<()> {
        self.0.push(Held::new(message));
        Ok(())
    }

    fn remove(&mut self, messages: &[Arc<Held>]) -> io::Result<()> {
        messages.iter().for_each(|held| held.remove());
        self.0.retain(|held| !held.is_gone());
        Ok(())
    }
}
