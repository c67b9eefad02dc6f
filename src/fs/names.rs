//! What names stand for, and the two ways to change where a message is shown.

use std::ffi::OsStr;

use super::directory::control_file;
use super::error::Error;
use super::inode::Node;
use super::tree::{Child, NAME_MAX, Tree};
use crate::maildrop::{Entry, MessageId, Place};

/// The directory that is never listed.
const CONTROL: &str = ".pop3fs";

/// What rename(2) asks for.
#[derive(Clone, Copy, Debug)]
pub struct Rename<'a> {
    /// The directory.
    pub parent: u64,
    /// A name in it.
    pub name: &'a OsStr,
    /// Where it is to go.
    pub new_parent: u64,
    /// What it is to be called there.
    pub new_name: &'a OsStr,
    /// `RENAME_NOREPLACE` and the like.
    pub flags: u32,
}

impl Tree {
    /// Marks the message of a name for deletion (rm).
    pub fn unlink(
        &self,
        parent: u64,
        name: &OsStr,
        reply: impl FnOnce(Result<(), Error>) + Send + 'static,
    ) {
        match self.removable(parent, name) {
            Ok(entry) => self.mark(entry.id, reply),
            Err(error) => reply(Err(error)),
        }
    }

    fn mark(&self, id: MessageId, reply: impl FnOnce(Result<(), Error>) + Send + 'static) {
        let answer = |done: Result<(), _>| reply(done.map_err(Error::from));
        self.maildrop.mark(id, Box::new(answer));
    }

    /// Which message is to be removed.
    fn removable(&self, parent: u64, name: &OsStr) -> Result<Entry, Error> {
        match (Node::at(parent), self.child(parent, name)?) {
            (Some(Node::Root), Child::Message(entry)) => Ok(entry),
            (Some(Node::Deleted), Child::Message(entry)) => {
                log::warn!(
                    "not removed: {} is marked for deletion already; \
                     commit to delete it for good, or undelete it",
                    entry.name
                );
                Err(self.refusal())
            }
            _ => Err(self.refusal()),
        }
    }

    /// Moves a message between the root and `deleted/` under the same name, which takes its mark
    /// off or sets it; nothing else can be renamed.
    ///
    /// Names are never used twice, so there is nothing RENAME_NOREPLACE could save. Answered when no
    /// loss of power can bring back a mark that was taken off.
    pub fn rename(
        &self,
        asked: Rename<'_>,
        reply: impl FnOnce(Result<(), Error>) + Send + 'static,
    ) {
        match self.movement(asked) {
            Ok((entry, Place::Root)) => {
                let answer = |done: Result<(), _>| reply(done.map_err(Error::from));
                self.maildrop.restore(entry.id, Box::new(answer));
            }
            Ok((entry, _)) => self.mark(entry.id, reply),
            Err(error) => reply(Err(error)),
        }
    }

    /// Which message is to be moved, and where to.
    fn movement(&self, asked: Rename<'_>) -> Result<(Entry, Place), Error> {
        if asked.flags & !nix::libc::RENAME_NOREPLACE != 0 {
            return Err(Error::RenameFlags);
        }
        let Child::Message(entry) = self.child(asked.parent, asked.name)? else {
            return Err(self.refusal());
        };
        if asked.name != asked.new_name {
            return Err(self.refusal());
        }
        match (Node::at(asked.parent), Node::at(asked.new_parent)) {
            (Some(Node::Deleted), Some(Node::Root)) => Ok((entry, Place::Root)),
            (Some(Node::Root), Some(Node::Deleted)) => Ok((entry, Place::Deleted)),
            _ => Err(self.refusal()),
        }
    }

    /// What a name in a directory stands for.
    pub(super) fn child(&self, parent: u64, name: &OsStr) -> Result<Child, Error> {
        let name = legal(name)?;
        match Node::at(parent) {
            Some(Node::Root) if name == CONTROL => Ok(Child::Fixed(Node::Control)),
            Some(Node::Root) => self.message(Place::Root, name).map(Child::Message),
            Some(Node::Deleted) => self.message(Place::Deleted, name).map(Child::Message),
            Some(Node::Control) => control_file(name).map(Child::Fixed).ok_or(Error::NoEntry),
            Some(_) => Err(Error::NotDirectory),
            None => Err(Error::NoEntry),
        }
    }

    /// The message of a name in a place.
    pub(super) fn message(&self, place: Place, name: &str) -> Result<Entry, Error> {
        self.maildrop.find(place, name).ok_or(Error::NoEntry)
    }
}

/// A name that a file here could have: every name is ASCII, so UTF-8 is enough to ask for.
fn legal(name: &OsStr) -> Result<&str, Error> {
    if name.len() > NAME_MAX {
        return Err(Error::NameTooLong);
    }
    name.to_str().ok_or(Error::NoEntry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn a_name_of_255_octets_is_the_longest() {
        assert!(legal(OsStr::new(&"x".repeat(255))).is_ok());
        let longer = "x".repeat(256);
        assert_eq!(legal(OsStr::new(&longer)), Err(Error::NameTooLong));
    }

    #[test]
    fn no_file_has_a_name_that_is_not_utf_8() {
        assert_eq!(legal(OsStr::from_bytes(b"\xff")), Err(Error::NoEntry));
    }
}
