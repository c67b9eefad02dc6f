//! Answers to the kernel, and how long it may believe them.

use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use fuser::{Errno, FileHandle, FopenFlags, INodeNo, ReplyEmpty, ReplyEntry, ReplyOpen};

use super::convert::{GENERATION, errno, file_attr, no_entry, open_flags};
use super::notifier::Notifier;
use crate::fs::{Access, Attributes, Error, Opened, ROOT, Tree};

/// How long the kernel may believe what it is told: whatever changes without the kernel having
/// done it is told to it, so any time would do; after a day, a lost notice would heal.
const LASTING: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs a request's handler. A panic in it would silently take a dispatch thread with it; instead
/// its reply, dropped unanswered, becomes EIO.
pub(super) fn guard(request: fmt::Arguments<'_>, handle: impl FnOnce()) {
    log::trace!("{request}");
    if catch_unwind(AssertUnwindSafe(handle)).is_err() {
        log::error!("a bug: {request} panicked; the program gets EIO");
    }
}

/// How long the kernel may show a file's attributes without asking again.
pub(super) fn lifetime(attributes: &Attributes) -> Duration {
    if attributes.lasting {
        LASTING
    } else {
        Duration::ZERO
    }
}

/// How long the kernel may remember what a directory's names stand for, or that they stand for
/// nothing. A rm in the root changes what `deleted/` shows, which the kernel cannot know.
pub(super) fn lifetime_of_names(directory: INodeNo) -> Duration {
    if directory.0 == ROOT {
        LASTING
    } else {
        Duration::ZERO
    }
}

/// How the kernel is to treat an open directory: it keeps the listing where it keeps the names,
/// since it is told of every change of either; unless it is to be read `anew`.
pub(super) fn directory_flags(directory: INodeNo, anew: bool) -> FopenFlags {
    if lifetime_of_names(directory).is_zero() {
        FopenFlags::empty()
    } else if anew {
        FopenFlags::FOPEN_CACHE_DIR
    } else {
        FopenFlags::FOPEN_CACHE_DIR | FopenFlags::FOPEN_KEEP_CACHE
    }
}

/// Answers a look-up; that a name stands for nothing is remembered as well.
pub(super) fn answer_lookup(found: Result<Attributes, Error>, parent: INodeNo, reply: ReplyEntry) {
    let names = lifetime_of_names(parent);
    match found {
        Ok(attributes) => {
            let attr = file_attr(&attributes);
            reply.entry_with_ttls(&lifetime(&attributes), &names, &attr, GENERATION);
        }
        Err(Error::NoEntry) => reply.entry(&names, &no_entry(), GENERATION),
        Err(error) => reply.error(failure("lookup", parent, &error)),
    }
}

/// Answers open(2), after the kernel has taken in the correction where there is one.
pub(super) fn answer_open(opened: Opened, tree: Arc<Tree>, notifier: &Notifier, reply: ReplyOpen) {
    let Opened {
        handle,
        access,
        correction,
    } = opened;
    let Some(correction) = correction else {
        return accept(handle, access, reply);
    };
    let inode = correction.inode;
    let told = move |told| match told {
        Ok(()) => {
            tree.settle(inode);
            accept(handle, access, reply);
        }
        Err(error) => give_up(&tree, handle, &error, reply),
    };
    notifier.correct(correction, Box::new(told));
}

/// Answers what only succeeds or fails.
pub(super) fn answer_change(
    operation: &str,
    inode: INodeNo,
    done: Result<(), Error>,
    reply: ReplyEmpty,
) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(failure(operation, inode, &error)),
    }
}

/// The errno of a failure, which is noted.
pub(super) fn failure(operation: &str, inode: INodeNo, error: &Error) -> Errno {
    log::debug!("{operation}({inode}): {error}");
    errno(error)
}

/// Goes on with a listing until the kernel's buffer is full.
pub(super) fn stop_if(full: bool) -> ControlFlow<()> {
    if full {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

fn accept(handle: u64, access: Access, reply: ReplyOpen) {
    reply.opened(FileHandle(handle), open_flags(access));
}

/// A reader who went on with a wrong size could be shown a part of the message as the whole.
fn give_up(tree: &Tree, handle: u64, error: &io::Error, reply: ReplyOpen) {
    log::error!("the kernel did not take in a message's true size: {error}");
    tree.release(handle);
    reply.error(Errno::EIO);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_handler_ends_there() {
        let mut reached = false;
        guard(format_args!("lookup(1)"), || {
            reached = true;
            panic!("on purpose");
        });
        assert!(reached);
    }

    /// rm must show in `deleted/` at once; in the root, the kernel is told of every change.
    #[test]
    fn only_names_in_the_root_are_remembered() {
        assert_eq!(lifetime_of_names(INodeNo(ROOT)), LASTING);
        let keep = FopenFlags::FOPEN_KEEP_CACHE;
        assert!(directory_flags(INodeNo(ROOT), false).contains(keep));
        assert!(!directory_flags(INodeNo(ROOT), true).contains(keep));
        for inode in (ROOT + 1..100).map(INodeNo) {
            assert!(lifetime_of_names(inode).is_zero());
            assert!(directory_flags(inode, false).is_empty());
        }
    }
}
