//! The kernel's requests, one by one: called through, answered, or refused by name.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fuser::{
    BsdFileFlags, Errno, FileHandle, Filesystem, INodeNo, InitFlags, IoctlFlags, KernelConfig,
    LockOwner, OpenFlags, PollEvents, PollFlags, PollNotifier, RenameFlags, ReplyAttr, ReplyCreate,
    ReplyData, ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyEntry, ReplyIoctl, ReplyOpen,
    ReplyPoll, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use super::answer::{
    answer_change, answer_lookup, answer_open, directory_flags, failure, guard, lifetime,
    lifetime_of_names, stop_if,
};
use super::convert::{GENERATION, errno, file_attr, file_type, poll_events};
use super::dates::Dates;
use super::herald::Herald;
use super::interrupts::{Heeds, Interrupts};
use super::notifier::Notifier;
use super::session::{Ended, OnEnd};
use crate::fs::{EVENTS, Error, Octets, Pending, ROOT, Reader, Rename, STATUS, Tree};

/// The tree as the kernel sees it.
pub(super) struct Adapter {
    pub(super) tree: Arc<Tree>,
    pub(super) notifier: Notifier,
    pub(super) interrupts: Interrupts,
    pub(super) herald: Herald,
    pub(super) dates: Dates,
    pub(super) ended: OnEnd,
}

impl Adapter {
    /// A read that has no end of its own.
    fn read_events(&self, thread: u32, handle: u64, size: u32, flags: OpenFlags, reply: ReplyData) {
        let answer = Pending::new(move |octets: Result<Octets, Error>| match octets {
            Ok(octets) => reply.data(&octets),
            Err(error) => reply.error(errno(&error)),
        });
        let may_wait = flags.0 & libc::O_NONBLOCK == 0;
        self.tree
            .read_events(handle, size as usize, may_wait, answer.clone());
        self.interrupts.heed(thread, Heeds::All, answer);
    }

    /// Gives the answer when the kernel has been told of all changes: whoever gave an order sees what has
    /// come of it.
    fn once_told(&self, answer: &Pending<()>) -> impl FnOnce(Result<(), Error>) + Send + use<> {
        let (answer, notifier) = (answer.clone(), self.notifier.clone());
        move |result| notifier.then(move || drop(answer.give(result)))
    }

    /// What a program is told that asks for what no mailbox can do.
    pub(super) fn refuse(&self, operation: &str, inode: INodeNo) -> Errno {
        failure(operation, inode, &self.tree.refusal())
    }
}

/// What is not here is answered with ENOSYS, which makes the kernel do without us from then on: no
/// extended attributes, nothing to flush, no holes, no blocks, locks among local programs, copies by
/// reading and writing. It checks permissions itself, and is shown no symbolic link to ask about.
impl Filesystem for Adapter {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        // With attributes in listings, `ls -l` needs no further request. Never the automatic kind:
        // it lists without attributes when a program stats everything only after listing.
        ask(config, InitFlags::FUSE_DO_READDIRPLUS);
        // Without it, one slow look-up holds up all others in the directory.
        ask(config, InitFlags::FUSE_PARALLEL_DIROPS);
        // Without it, what is opened for direct I/O cannot be mapped to be shared.
        ask(config, InitFlags::FUSE_DIRECT_IO_ALLOW_MMAP);
        // The dates of mail are whole seconds. Saying so also keeps from us the fractions in
        // utimensat(2), which fuser cannot add to the earliest dates there are: it would panic
        // before it asks us, and lose a dispatch thread.
        let _ = config.set_time_granularity(Duration::from_secs(1));
        Ok(())
    }

    fn destroy(&mut self) {
        // Nobody listens any more if the process is about to exit anyway.
        (self.ended)(Ended::Destroyed);
    }

    fn lookup(&self, request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        guard(format_args!("lookup({parent}, {name:?})"), || {
            if self.herald.is(request.pid()) {
                return self.show_herald(parent, name, reply);
            }
            let found = self.tree.lookup(parent.0, name);
            if found == Err(Error::NoEntry) && self.herald.is_leaving(parent.0, name) {
                return reply.error(Errno::ENOENT);
            }
            answer_lookup(found, parent, reply);
        });
    }

    fn getattr(&self, request: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        guard(format_args!("getattr({ino})"), || {
            let answer = Pending::new(move |found| match found {
                Ok(attributes) => reply.attr(&lifetime(&attributes), &file_attr(&attributes)),
                Err(error) => reply.error(failure("getattr", ino, &error)),
            });
            let found = answer.clone();
            let give = move |attributes| drop(found.give(attributes));
            self.tree.getattr(ino.0, give);
            self.interrupts.heed(request.pid(), Heeds::Ending, answer);
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
                Ok(attributes) => reply.attr(&lifetime(&attributes), &file_attr(&attributes)),
                Err(error) => reply.error(failure("setattr", ino, &error)),
            }
        });
    }

    fn open(&self, request: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        guard(format_args!("open({ino}, {flags:#x})"), || {
            let tree = Arc::clone(&self.tree);
            let notifier = self.notifier.clone();
            let answer = Pending::new(move |opened| match opened {
                Ok(opened) => answer_open(opened, tree, &notifier, reply),
                Err(error) => reply.error(failure("open", ino, &error)),
            });
            let (tree, opened) = (Arc::clone(&self.tree), answer.clone());
            self.tree.open(ino.0, flags.0, move |file| {
                // Nobody will close a file that the program did not wait for.
                if let Some(Ok(file)) = opened.give(file) {
                    tree.release(file.handle);
                }
            });
            self.interrupts.heed(request.pid(), Heeds::Ending, answer);
        });
    }

    fn read(
        &self,
        request: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        flags: OpenFlags,
        owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        guard(format_args!("read({ino}, {offset}, {size})"), || {
            if ino.0 == EVENTS {
                return self.read_events(request.pid(), fh.0, size, flags, reply);
            }
            let answer = Pending::new(move |octets: Result<Octets, Error>| match octets {
                Ok(octets) => reply.data(&octets),
                Err(error) => reply.error(failure("read", ino, &error)),
            });
            let read = answer.clone();
            let give = move |octets| drop(read.give(octets));
            // Nobody owns what the kernel reads for its own pages.
            let reader = owner.map_or(Reader::Kernel, |_| Reader::Program);
            self.tree.read(fh.0, offset, size as usize, reader, give);
            self.interrupts.heed(request.pid(), Heeds::Ending, answer);
        });
    }

    fn write(
        &self,
        request: &Request,
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
            let answer = Pending::new(move |done| match done {
                Ok(()) => reply.written(length),
                Err(error) => reply.error(failure("write", ino, &error)),
            });
            let give = self.once_told(&answer);
            self.tree.write(fh.0, data, give);
            self.interrupts.heed(request.pid(), Heeds::Ending, answer);
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
            if let Some(inode) = self.tree.release(fh.0) {
                self.dates.add();
                self.notifier.forget_attributes(inode);
            }
            reply.ok();
        });
    }

    /// The handle tells how much had changed by then.
    fn opendir(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        guard(format_args!("opendir({ino})"), || {
            self.tree.opendir(ino.0);
            let handle = FileHandle(self.notifier.changes());
            let anew = ino.0 == ROOT && self.dates.are_many(self.tree.statfs().files);
            reply.opened(handle, directory_flags(ino, anew));
        });
    }

    /// What was read before a change, the kernel may have begun to keep after it was told of it.
    fn releasedir(
        &self,
        _: &Request,
        ino: INodeNo,
        fh: FileHandle,
        _: OpenFlags,
        reply: ReplyEmpty,
    ) {
        guard(format_args!("releasedir({ino})"), || {
            if fh.0 != self.notifier.changes() {
                self.notifier.forget_file(ino.0);
            }
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
            let listed = self.tree.readdir(ino.0, offset, &mut |item| {
                let attr = file_attr(&item.attributes);
                stop_if(reply.add(
                    attr.ino,
                    item.offset,
                    item.name,
                    &lifetime(&item.attributes).min(lifetime_of_names(ino)),
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

    fn unlink(&self, request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        guard(format_args!("unlink({parent}, {name:?})"), || {
            if self.herald.is(request.pid()) {
                return self.unlink_for_herald(parent, name, reply);
            }
            let answer = move |done| answer_change("unlink", parent, done, reply);
            self.tree.unlink(parent.0, name, answer);
        });
    }

    fn rename(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let what = format_args!("rename({parent}, {name:?}, {newparent}, {newname:?})");
        guard(what, || {
            let asked = Rename {
                parent: parent.0,
                name,
                new_parent: newparent.0,
                new_name: newname,
                flags: flags.bits(),
            };
            let notifier = self.notifier.clone();
            let names = [(parent.0, name), (newparent.0, newname)];
            let names = names.map(|(directory, name)| (directory, name.to_owned()));
            let answer = Pending::new(move |done| {
                // The kernel moves the name with the lifetime it had, which may be too long there; or not
                // at all, where the program does not wait until the move outlives a loss of power.
                for (directory, name) in &names {
                    notifier.forget_name(*directory, name);
                }
                answer_change("rename", parent, done, reply);
            });
            let moved = answer.clone();
            self.tree.rename(asked, move |done| drop(moved.give(done)));
            self.interrupts.heed(request.pid(), Heeds::Ending, answer);
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

    /// Only `events` is ever not ready. ENOSYS here would be for the whole mount.
    fn poll(
        &self,
        _: &Request,
        ino: INodeNo,
        fh: FileHandle,
        notifier: PollNotifier,
        _: PollEvents,
        flags: PollFlags,
        reply: ReplyPoll,
    ) {
        guard(format_args!("poll({ino})"), || {
            let awaited = flags.contains(PollFlags::FUSE_POLL_SCHEDULE_NOTIFY);
            let poller: Option<Box<dyn FnOnce() + Send>> = match awaited {
                // It fails only if nobody waits any longer.
                true => Some(Box::new(move || drop(notifier.notify()))),
                false => None,
            };
            let is_ready = self.tree.poll(fh.0, poller);
            reply.poll(poll_events(ino, is_ready));
        });
    }

    /// No program can make a message.
    fn mknod(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        _: u32,
        _: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
        guard(format_args!("mknod({parent}, {name:?})"), || {
            if self.herald.is(request.pid()) {
                return self.make_for_herald(parent, name, reply);
            }
            reply.error(self.refuse("mknod", parent));
        });
    }

    // What a mailbox cannot do, whoever asks.

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

    /// Many programs ask any file whether it is a terminal.
    fn ioctl(
        &self,
        request: &Request,
        ino: INodeNo,
        _: FileHandle,
        _: IoctlFlags,
        cmd: u32,
        _: &[u8],
        _: u32,
        reply: ReplyIoctl,
    ) {
        if ino.0 != STATUS {
            return reply.error(Errno::ENOTTY);
        }
        guard(format_args!("ioctl({ino}, {cmd:#x})"), || {
            let answer = Pending::new(move |done| match done {
                Ok(()) => reply.ioctl(0, &[]),
                Err(error) => reply.error(failure("ioctl", ino, &error)),
            });
            let give = self.once_told(&answer);
            self.tree.ioctl(ino.0, cmd, give);
            self.interrupts.heed(request.pid(), Heeds::Ending, answer);
        });
    }
}

/// Asks the kernel for a capability; an older one does without.
fn ask(config: &mut KernelConfig, capability: InitFlags) {
    if config.add_capabilities(capability).is_err() {
        log::debug!("the kernel has no {capability:?}");
    }
}
