//! The kernel's requests, one by one: called through, answered, or refused by name.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fuser::{
    AccessFlags, BsdFileFlags, CopyFileRangeFlags, Errno, FileHandle, Filesystem, INodeNo,
    InitFlags, IoctlFlags, KernelConfig, LockOwner, OpenFlags, PollEvents, PollFlags, PollNotifier,
    RenameFlags, ReplyAttr, ReplyBmap, ReplyCreate, ReplyData, ReplyDirectory, ReplyDirectoryPlus,
    ReplyEmpty, ReplyEntry, ReplyIoctl, ReplyLock, ReplyLseek, ReplyOpen, ReplyPoll, ReplyStatfs,
    ReplyWrite, ReplyXattr, Request, TimeOrNow, WriteFlags,
};

use super::convert::{GENERATION, errno, file_attr, file_type, no_entry, open_flags};
use super::notifier::Notifier;
use super::session::{Ended, OnEnd};
use crate::fs::{Attributes, Error, Opened, ROOT, Tree};

/// How long the kernel may believe what it is told: whatever changes without the kernel having
/// done it is told to it, so any time would do; after a day, a lost notice would heal.
const LASTING: Duration = Duration::from_secs(24 * 60 * 60);

/// The tree as the kernel sees it.
pub(super) struct Adapter {
    tree: Arc<Tree>,
    notifier: Notifier,
    ended: OnEnd,
}

impl Adapter {
    pub(super) fn new(tree: Arc<Tree>, notifier: Notifier, ended: OnEnd) -> Self {
        Self {
            tree,
            notifier,
            ended,
        }
    }

    /// Answers open(2), after the kernel has taken in the correction where there is one.
    fn answer_open(&self) -> impl FnOnce(Opened, ReplyOpen) + Send + 'static {
        let tree = Arc::clone(&self.tree);
        let notifier = self.notifier.clone();
        move |opened, reply| match opened.correction {
            None => accept(opened, reply),
            Some(correction) => {
                let settle = move |told| settle(&tree, opened, told, reply);
                notifier.correct(correction, Box::new(settle));
            }
        }
    }
}

impl Filesystem for Adapter {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        // With attributes in listings, `ls -l` needs no further request. Never the automatic kind:
        // it lists without attributes when a program stats everything only after listing.
        if !self.tree.exact_sizes() {
            ask(config, InitFlags::FUSE_DO_READDIRPLUS);
        }
        // Without it, one slow look-up holds up all others in the directory.
        ask(config, InitFlags::FUSE_PARALLEL_DIROPS);
        Ok(())
    }

    fn destroy(&mut self) {
        // Nobody listens any more if the process is about to exit anyway.
        (self.ended)(Ended::Destroyed);
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        guard(format_args!("lookup({parent}, {name:?})"), || {
            let lifetime = lifetime_of_names(parent);
            self.tree.lookup(parent.0, name, move |found| {
                answer_lookup(found, lifetime, reply);
            });
        });
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        guard(format_args!("getattr({ino})"), || {
            self.tree.getattr(ino.0, move |found| match found {
                Ok(attributes) => reply.attr(&LASTING, &file_attr(&attributes)),
                Err(error) => reply.error(failure("getattr", ino, &error)),
            });
        });
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        guard(format_args!("setattr({ino})"), || {
            let changed = match (size, mode, uid, gid) {
                (Some(size), None, None, None) => self.tree.truncate(ino.0, size),
                _ => Err(self.tree.refusal()),
            };
            match changed {
                Ok(attributes) => reply.attr(&LASTING, &file_attr(&attributes)),
                Err(error) => reply.error(failure("setattr", ino, &error)),
            }
        });
    }

    fn open(&self, _: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        guard(format_args!("open({ino}, {flags:#x})"), || {
            let answer = self.answer_open();
            self.tree.open(ino.0, flags.0, move |opened| match opened {
                Ok(opened) => answer(opened, reply),
                Err(error) => reply.error(failure("open", ino, &error)),
            });
        });
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        guard(format_args!("read({ino}, {offset}, {size})"), || {
            self.tree
                .read(fh.0, offset, size as usize, move |octets| match octets {
                    Ok(octets) => reply.data(&octets),
                    Err(error) => reply.error(failure("read", ino, &error)),
                });
        });
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        fh: FileHandle,
        _: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let length = data.len() as u32;
        guard(format_args!("write({ino}, {length})"), || {
            self.tree.write(fh.0, data, move |done| match done {
                Ok(()) => reply.written(length),
                Err(error) => reply.error(failure("write", ino, &error)),
            });
        });
    }

    fn release(
        &self,
        _: &Request,
        ino: INodeNo,
        fh: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        guard(format_args!("release({ino})"), || {
            self.tree.release(fh.0);
            reply.ok();
        });
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        guard(format_args!("readdir({ino}, {offset})"), || {
            let listed = self.tree.readdir(ino.0, offset, &mut |item| {
                let attributes = item.attributes;
                let kind = file_type(attributes.kind);
                stop_if(reply.add(INodeNo(attributes.inode), item.offset, kind, item.name))
            });
            match listed {
                Ok(()) => reply.ok(),
                Err(error) => reply.error(failure("readdir", ino, &error)),
            }
        });
    }

    fn readdirplus(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectoryPlus,
    ) {
        guard(format_args!("readdirplus({ino}, {offset})"), || {
            let lifetime = lifetime_of_names(ino);
            let listed = self.tree.readdir(ino.0, offset, &mut |item| {
                let attr = file_attr(&item.attributes);
                stop_if(reply.add(
                    attr.ino,
                    item.offset,
                    item.name,
                    &lifetime,
                    &attr,
                    GENERATION,
                ))
            });
            match listed {
                Ok(()) => reply.ok(),
                Err(error) => reply.error(failure("readdirplus", ino, &error)),
            }
        });
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        guard(format_args!("statfs"), || {
            let all = self.tree.statfs();
            let size = all.block_size;
            reply.statfs(all.blocks, 0, 0, all.files, 0, size, all.name_length, size);
        });
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        guard(format_args!("unlink({parent}, {name:?})"), || {
            let done = self.tree.unlink(parent.0, name);
            answer_change("unlink", parent, done, reply);
        });
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let what = format_args!("rename({parent}, {name:?}, {newparent}, {newname:?})");
        guard(what, || {
            let tree = &self.tree;
            let done = tree.rename(parent.0, name, newparent.0, newname, flags.bits());
            answer_change("rename", parent, done, reply);
        });
    }

    /// There is nothing that could still have to be written.
    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply.ok();
    }

    /// Marks are in the journal before rm is answered.
    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply.ok();
    }

    /// Never asked: the kernel checks permissions itself.
    fn access(&self, _: &Request, _: INodeNo, _: AccessFlags, reply: ReplyEmpty) {
        reply.ok();
    }

    // What a mailbox cannot do, whoever asks.

    fn mknod(
        &self,
        _: &Request,
        parent: INodeNo,
        _: &OsStr,
        _: u32,
        _: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
        reply.error(self.refuse("mknod", parent));
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, _: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
        reply.error(self.refuse("mkdir", parent));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, _: &OsStr, reply: ReplyEmpty) {
        reply.error(self.refuse("rmdir", parent));
    }

    fn symlink(&self, _: &Request, parent: INodeNo, _: &OsStr, _: &Path, reply: ReplyEntry) {
        reply.error(self.refuse("symlink", parent));
    }

    fn link(&self, _: &Request, _: INodeNo, newparent: INodeNo, _: &OsStr, reply: ReplyEntry) {
        reply.error(self.refuse("link", newparent));
    }

    /// ENOSYS would make the kernel try mknod and open instead, for the life of the mount.
    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        _: &OsStr,
        _: u32,
        _: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        reply.error(self.refuse("create", parent));
    }

    /// There are no symbolic links.
    fn readlink(&self, _: &Request, _: INodeNo, reply: ReplyData) {
        reply.error(Errno::EINVAL);
    }

    fn fallocate(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _: u64,
        _: u64,
        _: i32,
        reply: ReplyEmpty,
    ) {
        reply.error(Errno::EOPNOTSUPP);
    }

    /// The kernel copies by reading and writing instead.
    fn copy_file_range(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _: u64,
        _: INodeNo,
        _: FileHandle,
        _: u64,
        _: u64,
        _: CopyFileRangeFlags,
        reply: ReplyWrite,
    ) {
        reply.error(Errno::EOPNOTSUPP);
    }

    fn ioctl(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _: IoctlFlags,
        _: u32,
        _: &[u8],
        _: u32,
        reply: ReplyIoctl,
    ) {
        reply.error(Errno::ENOTTY);
    }

    // ENOSYS makes the kernel answer these itself from now on, without asking: no extended
    // attributes, nothing to flush, no holes, always ready, no blocks, locks among local programs.

    fn setxattr(
        &self,
        _: &Request,
        _: INodeNo,
        _: &OsStr,
        _: &[u8],
        _: i32,
        _: u32,
        reply: ReplyEmpty,
    ) {
        reply.error(Errno::ENOSYS);
    }

    fn getxattr(&self, _: &Request, _: INodeNo, _: &OsStr, _: u32, reply: ReplyXattr) {
        reply.error(Errno::ENOSYS);
    }

    fn listxattr(&self, _: &Request, _: INodeNo, _: u32, reply: ReplyXattr) {
        reply.error(Errno::ENOSYS);
    }

    fn removexattr(&self, _: &Request, _: INodeNo, _: &OsStr, reply: ReplyEmpty) {
        reply.error(Errno::ENOSYS);
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.error(Errno::ENOSYS);
    }

    fn lseek(&self, _: &Request, _: INodeNo, _: FileHandle, _: i64, _: i32, reply: ReplyLseek) {
        reply.error(Errno::ENOSYS);
    }

    fn poll(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _: PollNotifier,
        _: PollEvents,
        _: PollFlags,
        reply: ReplyPoll,
    ) {
        reply.error(Errno::ENOSYS);
    }

    fn bmap(&self, _: &Request, _: INodeNo, _: u32, _: u64, reply: ReplyBmap) {
        reply.error(Errno::ENOSYS);
    }

    fn getlk(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _: LockOwner,
        _: u64,
        _: u64,
        _: i32,
        _: u32,
        reply: ReplyLock,
    ) {
        reply.error(Errno::ENOSYS);
    }

    fn setlk(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _: LockOwner,
        _: u64,
        _: u64,
        _: i32,
        _: u32,
        _: bool,
        reply: ReplyEmpty,
    ) {
        reply.error(Errno::ENOSYS);
    }
}

impl Adapter {
    /// What a program is told that asks for what no mailbox can do.
    fn refuse(&self, operation: &str, inode: INodeNo) -> Errno {
        failure(operation, inode, &self.tree.refusal())
    }
}

/// Runs a request's handler. A panic in it would silently take a dispatch thread with it; instead
/// its reply, dropped unanswered, becomes EIO.
fn guard(request: fmt::Arguments<'_>, handle: impl FnOnce()) {
    log::trace!("{request}");
    if catch_unwind(AssertUnwindSafe(handle)).is_err() {
        log::error!("a bug: {request} panicked; the program gets EIO");
    }
}

/// Asks the kernel for a capability; an older one does without.
fn ask(config: &mut KernelConfig, capability: InitFlags) {
    if config.add_capabilities(capability).is_err() {
        log::debug!("the kernel has no {capability:?}");
    }
}

/// How long the kernel may remember what a directory's names stand for, or that they stand for
/// nothing. Names under `.pop3fs` come with rm, which changes them unknown to the kernel.
fn lifetime_of_names(directory: INodeNo) -> Duration {
    if directory.0 == ROOT {
        LASTING
    } else {
        Duration::ZERO
    }
}

fn answer_lookup(found: Result<Attributes, Error>, lifetime: Duration, reply: ReplyEntry) {
    match found {
        Ok(attributes) => {
            reply.entry_with_ttls(&LASTING, &lifetime, &file_attr(&attributes), GENERATION);
        }
        Err(Error::NoEntry) => reply.entry(&lifetime, &no_entry(), GENERATION),
        Err(error) => reply.error(errno(&error)),
    }
}

fn answer_change(operation: &str, inode: INodeNo, done: Result<(), Error>, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(failure(operation, inode, &error)),
    }
}

fn accept(opened: Opened, reply: ReplyOpen) {
    reply.opened(FileHandle(opened.handle), open_flags(opened.access));
}

/// Goes on with open(2) when the kernel has the true size; a reader who would go on without it
/// could be shown a part of the message as the whole.
fn settle(tree: &Tree, opened: Opened, told: io::Result<()>, reply: ReplyOpen) {
    match (told, opened.correction) {
        (Ok(()), Some(correction)) => {
            tree.settle(correction.inode);
            accept(opened, reply);
        }
        (Ok(()), None) => accept(opened, reply),
        (Err(error), _) => {
            log::error!("the kernel did not take in a message's true size: {error}");
            tree.release(opened.handle);
            reply.error(Errno::EIO);
        }
    }
}

/// The errno of a failure, which is noted.
fn failure(operation: &str, inode: INodeNo, error: &Error) -> Errno {
    log::debug!("{operation}({inode}): {error}");
    errno(error)
}

fn stop_if(full: bool) -> ControlFlow<()> {
    if full {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}
