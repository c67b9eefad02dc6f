//! Answers to the [herald](super::herald)'s own requests. None of them changes anything.

use std::ffi::OsStr;
use std::time::Duration;

use fuser::{Errno, INodeNo, ReplyEmpty, ReplyEntry};

use super::adapter::Adapter;
use super::answer::{answer_lookup, failure};
use super::convert::{GENERATION, file_attr};
use crate::fs::{Error, RootChange};

impl Adapter {
    /// What the name of its deed stands for to the herald; it has no business with others. None of
    /// it is for the kernel to remember.
    pub(super) fn show_herald(&self, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let Some(change @ RootChange::Went(_)) = self.herald.deed(parent.0, name) else {
            return reply.error(Errno::ENOENT);
        };
        let found = self.tree.subject(&change);
        let shown = found.unwrap_or_else(|| self.tree.ghost());
        reply.entry(&Duration::ZERO, &file_attr(&shown), GENERATION);
    }

    /// The name is there already; only now the kernel says so to those who watch.
    pub(super) fn make_for_herald(&self, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.herald.deed(parent.0, name) {
            Some(change @ RootChange::Came(_)) => match self.tree.subject(&change) {
                Some(shown) => answer_lookup(Ok(shown), parent, reply),
                // It has gone before it was heralded.
                None => reply.error(failure("mknod", parent, &Error::NoEntry)),
            },
            _ => reply.error(self.refuse("mknod", parent)),
        }
    }

    /// The name is gone already; whatever else the herald asked for, nothing would be marked.
    pub(super) fn unlink_for_herald(&self, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        match self.herald.deed(parent.0, name) {
            Some(change @ RootChange::Went(_)) if self.tree.subject(&change).is_none() => {
                reply.ok()
            }
            // It came again before it was heralded that it went.
            _ => reply.error(Errno::ENOENT),
        }
    }
}
