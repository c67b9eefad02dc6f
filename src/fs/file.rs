//! Opening, reading and writing files.

use std::sync::Arc;

use serde::Serialize;

use super::error::Error;
use super::handle::Handle;
use super::inode::Node;
use super::pending::Pending;
use super::tree::Tree;
use super::verb::Verb;
use crate::maildrop::{self, Body, MessageId, Octets, OpenMessage};

/// How the kernel may treat an open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The bytes never change: they may stay in the page cache.
    Cached,
    /// The size is not known beforehand, and each open sees something new: every read is asked.
    Direct,
    /// It has no places: what is read once does not come again.
    Stream,
}

/// Who reads from an open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// A program, which sees how much it gets.
    Program,
    /// The kernel, for pages that programs map into memory or hand on: they see as much as the size
    /// lets them.
    Kernel,
}

/// An open file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its number, to be given back with every read, write, and release.
    pub handle: u64,
    /// How the kernel may treat it.
    pub access: Access,
    /// What the kernel must be told before the program goes on.
    pub correction: Option<Correction>,
}

/// The kernel may have a wrong size of a file: it must take in the last octet where there is one, which
/// makes its size grow, and forget the attributes; then [`Tree::settle`] is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// Which file.
    pub inode: u64,
    /// The last octet and its offset, if the file may be longer than the kernel believes.
    pub last: Option<(u64, u8)>,
    /// Whether it is as long as it was shown: the kernel keeps the attributes until it is closed, for
    /// who reads to the end would be made to wait for them.
    pub as_shown: bool,
    /// All of it, if it is short and as long as it was shown: the kernel may take it in, and need not
    /// ask for it.
    pub whole: Option<Body>,
}

impl Correction {
    /// The kernel takes in no page that somebody just reads. What was shown as long may be read as it
    /// comes, and its page be waiting for whoever gives us this one.
    /// Nor any where it matters what is read.
    fn of(open: &OpenMessage, correction: maildrop::Correction, is_guarded: bool) -> Self {
        let may_give = correction.as_shown && !is_guarded;
        let short = |body: &&Body| may_give && (1..=WHOLE_MAX).contains(&body.len());
        Self {
            inode: Node::Message(open.id).inode(),
            last: correction.last,
            as_shown: correction.as_shown,
            whole: open.body.get().filter(short).cloned(),
        }
    }
}

/// What a program reads at once; a longer message may not be read to its end.
const WHOLE_MAX: usize = 128 * 1024;

impl Tree {
    /// Opens a file. `flags` are those of open(2).
    ///
    /// Answered at once if the size is exact already, else when the message has been fetched.
    pub fn open(
        &self,
        inode: u64,
        flags: i32,
        reply: impl FnOnce(Result<Opened, Error>) + Send + 'static,
    ) {
        let node = match self.openable(inode, flags) {
            Ok(node) => node,
            Err(error) => return reply(Err(error)),
        };
        match node {
            Node::Message(id) => self.open_message(id, reply),
            node => reply(self.open_control(node)),
        }
    }

    /// Reads from an open file; fewer octets than asked for mean its end.
    ///
    /// Answered at once if the octets are in memory, else when they have arrived.
    pub fn read(
        &self,
        handle: u64,
        offset: u64,
        length: usize,
        reader: Reader,
        reply: impl FnOnce(Result<Octets, Error>) + Send + 'static,
    ) {
        match self.handles.find(handle).as_deref() {
            Some(Handle::Message { open, .. }) => {
                let length = match reader {
                    Reader::Program => length,
                    Reader::Kernel => open.shown(offset, length),
                };
                let answer = move |octets: Result<_, _>| reply(octets.map_err(Error::from));
                self.maildrop.read(open, offset, length, Box::new(answer));
            }
            Some(Handle::Report(body)) => reply(Ok(Octets::Shared {
                body: body.clone(),
                offset,
                length,
            })),
            Some(Handle::Ctl | Handle::Events(_)) => reply(Err(Error::AccessDenied)),
            None => reply(Err(Error::BadHandle)),
        }
    }

    /// Reads from the open `events`, and waits where it may until something happens.
    pub fn read_events(&self, handle: u64, length: usize, may_wait: bool, reply: Pending<Octets>) {
        match self.handles.find(handle).as_deref() {
            Some(Handle::Events(watcher)) => watcher.read(length, may_wait, reply),
            _ => drop(reply.give(Err(Error::BadHandle))),
        }
    }

    /// Whether a read of an open file would be answered at once; if not, `poller` is called when it
    /// would.
    pub fn poll(&self, handle: u64, poller: Option<Box<dyn FnOnce() + Send>>) -> bool {
        match self.handles.find(handle).as_deref() {
            Some(Handle::Events(watcher)) => watcher.poll(poller),
            _ => true,
        }
    }

    /// Writes to an open file, which can only be `ctl`: does what the verb says.
    ///
    /// Answered when it is done, or at once if the verb says so.
    pub fn write(
        &self,
        handle: u64,
        written: &[u8],
        reply: impl FnOnce(Result<(), Error>) + Send + 'static,
    ) {
        match self.handles.find(handle).as_deref() {
            Some(Handle::Ctl) => self.obey(Verb::parse(written), reply),
            Some(_) => reply(Err(Error::AccessDenied)),
            None => reply(Err(Error::BadHandle)),
        }
    }

    /// Does what ioctl(2) asks an open file for, which only `status` knows: verbs, for those who may read
    /// it, in a mount where `ctl` cannot be opened for writing.
    pub fn ioctl(
        &self,
        inode: u64,
        request: u32,
        reply: impl FnOnce(Result<(), Error>) + Send + 'static,
    ) {
        match Node::at(inode) {
            Some(Node::Status) => self.obey(Verb::requested(request), reply),
            _ => reply(Err(Error::UnknownRequest)),
        }
    }

    /// Closes an open file; the inode number of a message whose date the kernel must ask for now.
    pub fn release(&self, handle: u64) -> Option<u64> {
        match self.handles.remove(handle).as_deref() {
            Some(Handle::Message {
                open,
                is_date_due: true,
            }) => Some(Node::Message(open.id).inode()),
            _ => None,
        }
    }

    fn openable(&self, inode: u64, flags: i32) -> Result<Node, Error> {
        let node = Node::at(inode).ok_or(Error::NoEntry)?;
        let mode = flags & nix::libc::O_ACCMODE;
        match node {
            Node::Root | Node::Control | Node::Deleted => Err(Error::IsDirectory),
            Node::Ctl if mode == nix::libc::O_WRONLY => Ok(node),
            Node::Ctl => Err(Error::AccessDenied),
            _ if mode == nix::libc::O_RDONLY => Ok(node),
            _ if self.settings.read_only => Err(self.refusal()),
            _ => Err(Error::AccessDenied),
        }
    }

    fn open_message(
        &self,
        id: MessageId,
        reply: impl FnOnce(Result<Opened, Error>) + Send + 'static,
    ) {
        let handles = Arc::clone(&self.handles);
        let presence = self.maildrop.presence();
        let is_guarded = self.maildrop.is_guarded();
        let answer = move |opened: Result<(OpenMessage, Option<maildrop::Correction>), _>| {
            reply(opened.map_err(Error::from).map(|(open, correction)| {
                let is_date_due = correction.is_some_and(|it| it.as_shown);
                Opened {
                    access: access(&open, is_guarded),
                    correction: correction.map(|it| Correction::of(&open, it, is_guarded)),
                    handle: handles.insert(Handle::Message { open, is_date_due }, presence),
                }
            }));
        };
        self.maildrop.open(id, Box::new(answer));
    }

    fn open_control(&self, node: Node) -> Result<Opened, Error> {
        let access = match node {
            Node::Events => Access::Stream,
            _ => Access::Direct,
        };
        let handle = match node {
            Node::Events => Handle::Events(self.events.watch()),
            Node::Status => Handle::Report(report(&self.maildrop.status())?),
            Node::LastCommit => Handle::Report(self.last_commit()?),
            _ => Handle::Ctl,
        };
        Ok(Opened {
            handle: self.handles.insert(handle, self.maildrop.presence()),
            access,
            correction: None,
        })
    }

    /// The last commit, or an empty object where there was none, so that it is always JSON.
    fn last_commit(&self) -> Result<Body, Error> {
        match self.maildrop.last_commit() {
            Some(commit) => report(&*commit),
            None => Ok(Body::from(b"{}\n".to_vec())),
        }
    }
}

/// Where the size is not exact, the kernel must not decide by it what there is to read. Where it matters
/// what is read, it must ask for no more than programs do, and each time.
///
/// A size that was shown too large stays with the kernel until somebody asks for it, which not every
/// program does: reading ahead, it would take the end of whichever answer comes first for that of the
/// file, and fill up what is before it with zeros.
fn access(open: &OpenMessage, is_guarded: bool) -> Access {
    if open.listed.is_some() || open.is_overstated || is_guarded {
        Access::Direct
    } else {
        Access::Cached
    }
}

/// A report as a file: JSON for people.
fn report(contents: &impl Serialize) -> Result<Body, Error> {
    let mut text =
        serde_json::to_vec_pretty(contents).map_err(|error| Error::Contents(error.to_string()))?;
    text.push(b'\n');
    Ok(Body::from(text))
}

#[cfg(test)]
mod tests {
    use crate::maildrop::Holding;

    use super::*;

    #[test]
    fn the_kernel_keeps_no_pages_of_a_message_that_it_may_think_is_longer() {
        let exact = OpenMessage {
            id: MessageId::from_index(0),
            version: 0,
            listed: None,
            is_overstated: false,
            body: Holding::default(),
        };
        let overstated = OpenMessage {
            is_overstated: true,
            ..exact.clone()
        };
        let begun = OpenMessage {
            listed: Some(9),
            ..exact.clone()
        };
        assert_eq!(access(&exact, false), Access::Cached);
        for (open, is_guarded) in [(&overstated, false), (&begun, false), (&exact, true)] {
            assert_eq!(access(open, is_guarded), Access::Direct);
        }
    }

    #[test]
    fn a_report_is_json_for_people() {
        let text = report(&serde_json::json!({"messages": 3}));
        assert_eq!(text.as_deref(), Ok(&b"{\n  \"messages\": 3\n}\n"[..]));
    }
}
