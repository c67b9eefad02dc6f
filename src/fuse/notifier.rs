//! What the kernel must be told without having asked.

use std::ffi::OsStr;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread;

use fuser::INodeNo;

use crate::fs::{Correction, Tree};
use crate::maildrop::{Change, Place};

/// Tells the kernel what changed, from a thread of its own.
///
/// The kernel may hold a directory locked for a program that waits for us, and telling it of a name
/// there waits for that lock: told from anywhere else, both would wait for ever, unkillably. So
/// the thread holds no lock, and nobody waits for it who could be waited for.
///
/// The queue has no bound, because neither a dispatch thread nor the maildrop may wait for it. It
/// cannot grow without bound either: corrections are as many as programs that wait in open(2), and
/// changes as many as messages that came or went.
#[derive(Clone, Default)]
pub struct Notifier {
    queue: Arc<OnceLock<Sender<Notice>>>,
}

/// What waits to be told.
enum Notice {
    Changed(Change),
    Correct(Correction, Told),
}

/// Goes on when the kernel has taken in a correction, or could not.
type Told = Box<dyn FnOnce(io::Result<()>) + Send>;

impl Notifier {
    /// A notifier without a kernel to tell yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells the kernel of a change, soon. Before the mount exists, the kernel knows nothing that
    /// could have changed, so there is nothing to tell.
    pub fn tell(&self, change: Change) {
        self.send(Notice::Changed(change));
    }

    /// Tells the kernel a file's true size, soon; then goes on with `told`.
    pub(super) fn correct(&self, correction: Correction, told: Told) {
        self.send(Notice::Correct(correction, told));
    }

    /// Starts telling a kernel. A notifier serves one mount; another one is ignored.
    pub(super) fn attach(&self, kernel: fuser::Notifier) -> io::Result<()> {
        let (queue, notices) = channel();
        thread::Builder::new()
            .name("notifier".to_owned())
            .spawn(move || tell_all(&kernel, &notices))?;
        let _ = self.queue.set(queue);
        Ok(())
    }

    fn send(&self, notice: Notice) {
        if let Some(queue) = self.queue.get() {
            // Fails only if the thread is gone, and with it the process's end.
            let _ = queue.send(notice);
        }
    }
}

fn tell_all(kernel: &fuser::Notifier, notices: &Receiver<Notice>) {
    for notice in notices {
        let told = catch_unwind(AssertUnwindSafe(|| match notice {
            Notice::Changed(change) => tell_change(kernel, &change),
            Notice::Correct(correction, told) => told(tell_size(kernel, correction)),
        }));
        if told.is_err() {
            log::error!("a bug: telling the kernel of a change panicked; going on");
        }
    }
}

fn tell_change(kernel: &fuser::Notifier, change: &Change) {
    let told = match change {
        Change::Appeared { place, name } | Change::Vanished { place, name } => {
            tell_name(kernel, *place, name)
        }
        // The whole file: its pages as well as its attributes.
        Change::Changed { id } => kernel.inval_inode(INodeNo(Tree::inode_of(*id)), 0, 0),
    };
    if let Err(error) = told {
        log::debug!("the kernel was not told of {change:?}: {error}");
    }
}

fn tell_name(kernel: &fuser::Notifier, place: Place, name: &str) -> io::Result<()> {
    match Tree::directory_of(place) {
        Some(directory) => kernel.inval_entry(INodeNo(directory), OsStr::new(name)),
        None => Ok(()),
    }
}

/// Storing the last octet makes the kernel's size grow even for programs that do not ask for it
/// again (mmap, sendfile, splice); forgetting the attributes makes it shrink where it was too large.
fn tell_size(kernel: &fuser::Notifier, correction: Correction) -> io::Result<()> {
    let inode = INodeNo(correction.inode);
    if let Some((offset, octet)) = correction.last {
        kernel.store(inode, offset, &[octet])?;
    }
    // A negative offset leaves the pages alone.
    kernel.inval_inode(inode, -1, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maildrop::MessageId;

    #[test]
    fn changes_before_the_mount_are_dropped_without_harm() {
        let notifier = Notifier::new();
        notifier.tell(Change::Changed {
            id: MessageId::from_index(0),
        });
        assert!(notifier.queue.get().is_none());
    }
}
