//! The tree and what can be asked about any of its files.

use std::ffi::OsStr;
use std::sync::Arc;

use super::attributes::{Attributes, BLOCK_SIZE, Settings};
use super::error::Error;
use super::events::Events;
use super::handle::Handles;
use super::inode::{GHOST, Node};
use super::notice::RootChange;
use crate::maildrop::{self, Entry, Maildrop, Place};

/// The longest file name, in octets, as everywhere on Linux.
pub(super) const NAME_MAX: usize = 255;

/// What statfs(2) says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// The maildrop's size, in blocks.
    pub blocks: u64,
    /// Octets in a block.
    pub block_size: u32,
    /// Messages in the maildrop, marked ones included.
    pub files: u64,
    /// The longest file name, in octets.
    pub name_length: u32,
}

/// The mailbox as a tree of files, for any number of threads.
pub struct Tree {
    pub(super) maildrop: Maildrop,
    pub(super) settings: Settings,
    pub(super) handles: Arc<Handles>,
    pub(super) events: Events,
}

impl Tree {
    /// The tree of a maildrop, and what happens to it.
    pub fn new(maildrop: Maildrop, settings: Settings, events: Events) -> Self {
        Self {
            maildrop,
            settings,
            handles: Arc::default(),
            events,
        }
    }

    /// Finds a name in a directory.
    ///
    /// Answered from memory even where sizes are to be exact, because the kernel holds the directory
    /// locked meanwhile, and others would wait for it too.
    pub fn lookup(&self, parent: u64, name: &OsStr) -> Result<Attributes, Error> {
        match self.child(parent, name)? {
            Child::Fixed(node) => self.fixed(node),
            Child::Message(entry) => Ok(self.of_message(&entry)),
        }
    }

    /// What stat(2) says of a file.
    ///
    /// Answered at once, or where sizes are to be exact, when the message's is known.
    pub fn getattr(
        &self,
        inode: u64,
        reply: impl FnOnce(Result<Attributes, Error>) + Send + 'static,
    ) {
        match Node::at(inode) {
            Some(Node::Message(id)) => match self.maildrop.entry(id) {
                Some(entry) => self.show(entry, reply),
                None => reply(Err(Error::NoEntry)),
            },
            Some(node) => reply(self.fixed(node)),
            None => reply(Err(Error::NoEntry)),
        }
    }

    /// Lets a program empty `ctl`, which is empty (the shell's `>` does so before it writes); no
    /// other attribute of any file can be set.
    pub fn truncate(&self, inode: u64, size: u64) -> Result<Attributes, Error> {
        match Node::at(inode) {
            Some(node @ Node::Ctl) if size == 0 => self.fixed(node),
            _ => Err(self.refusal()),
        }
    }

    /// The message that a change in the root is about, if it is there.
    pub fn subject(&self, change: &RootChange) -> Option<Attributes> {
        let entry = self.maildrop.peek(Place::Root, change.name().to_str()?)?;
        Some(self.of_message(&entry))
    }

    /// What a name that stands for nothing any more is, for the one who removes it: a file.
    pub fn ghost(&self) -> Attributes {
        Attributes {
            inode: GHOST,
            ..Attributes::of_report(Node::Status, &self.settings)
        }
    }

    /// What statfs(2) says.
    pub fn statfs(&self) -> Statistics {
        let totals = self.maildrop.totals();
        Statistics {
            blocks: totals.octets.div_ceil(BLOCK_SIZE),
            block_size: BLOCK_SIZE as u32,
            files: totals.messages,
            name_length: NAME_MAX as u32,
        }
    }

    /// The kernel knows a message's exact size and date now.
    pub fn settle(&self, inode: u64) {
        if let Some(Node::Message(id)) = Node::at(inode) {
            self.maildrop.settle(id);
        }
    }

    /// Why a change no mailbox can make is refused.
    pub fn refusal(&self) -> Error {
        if self.settings.read_only {
            return Error::Maildrop(maildrop::Error::ReadOnly);
        }
        Error::NotPermitted
    }

    /// The attributes of a message, as its entry has them.
    pub(super) fn of_message(&self, entry: &Entry) -> Attributes {
        Attributes::of_message(entry, &self.settings)
    }

    /// The attributes of what is not a message.
    pub(super) fn fixed(&self, node: Node) -> Result<Attributes, Error> {
        let settings = &self.settings;
        Ok(match node {
            // What is not listed does not count as a subdirectory.
            Node::Root | Node::Deleted => Attributes::of_directory(node, 0, settings),
            Node::Control => Attributes::of_directory(node, 1, settings),
            Node::Status | Node::LastCommit | Node::Events => Attributes::of_report(node, settings),
            Node::Ctl => Attributes::of_ctl(node, settings),
            Node::Message(_) => return Err(Error::NoEntry),
        })
    }

    fn show(&self, entry: Entry, reply: impl FnOnce(Result<Attributes, Error>) + Send + 'static) {
        let attributes = self.of_message(&entry);
        if attributes.lasting {
            return reply(Ok(attributes));
        }
        let settings = self.settings;
        let answer = move |measured: Result<Entry, _>| {
            reply(
                measured
                    .map(|entry| Attributes::of_message(&entry, &settings))
                    .map_err(Error::from),
            );
        };
        self.maildrop.measure(entry.id, Box::new(answer));
    }
}

/// What a name stands for.
pub(super) enum Child {
    /// One of the files that are always there.
    Fixed(Node),
    /// A message.
    Message(Entry),
}
