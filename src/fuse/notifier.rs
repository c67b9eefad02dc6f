//! What the kernel must be told without having asked.

use std::ffi::OsStr;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use fuser::INodeNo;

use super::herald::Herald;
use crate::fs::{Change, Correction, Notice, RootChange};

/// Tells the kernel what changed, from a thread of its own.
///
/// The kernel may hold a directory locked for a program that waits for us, and telling it of a name
/// there waits for that lock: told from anywhere else, both would wait for ever, unkillably. So
/// the thread holds no lock, and nobody waits for it who could be waited for.
///
/// What concerns no name and no page of a file waits for nothing, and is told at once.
///
/// The queue has no bound, because neither a dispatch thread nor the maildrop may wait for it. It
/// cannot grow without bound either: corrections are as many as programs that wait in open(2), and
/// changes as many as messages that came or went.
#[derive(Clone, Default)]
pub struct Notifier {
    line: Arc<OnceLock<Line>>,
    changes: Arc<AtomicU64>,
}

/// The way to the kernel.
struct Line {
    queue: Sender<Message>,
    kernel: fuser::Notifier,
    herald: Herald,
    filling: Mutex<()>,
}

impl Line {
    /// Gives the kernel all of a message, which spares it the question. It is as well to leave it
    /// out: storing a page waits for whoever reads it just now, and while two dispatch threads
    /// waited so, nobody would be there to answer. So there is only one at a time.
    fn fill(&self, correction: &Correction) {
        let (Some(body), Ok(_alone)) = (&correction.whole, self.filling.try_lock()) else {
            return;
        };
        if let Err(error) = self.kernel.store(INodeNo(correction.inode), 0, body) {
            log::debug!("the kernel did not take a message in: {error}");
        }
    }
}

/// What waits to be told.
enum Message {
    Forget(Notice),
    Correct(Correction, Told),
    GoOn(GoOn),
}

/// Goes on when the kernel has taken in a correction, or could not.
type Told = Box<dyn FnOnce(io::Result<()>) + Send>;

/// Goes on when all before it has been told.
pub(super) type GoOn = Box<dyn FnOnce() + Send>;

impl Notifier {
    /// A notifier without a kernel to tell yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells the kernel of a change in the maildrop, soon. Before the mount exists, the kernel knows
    /// nothing that could have changed, so there is nothing to tell.
    pub fn tell(&self, change: &Change) {
        let Some(notice) = Notice::of(change) else {
            return;
        };
        self.changes.fetch_add(1, Ordering::Relaxed);
        let herald = self.line.get().map(|line| &line.herald);
        let is_heralded = herald
            .zip(RootChange::of(change))
            .is_some_and(|(herald, change)| herald.herald(change));
        if !is_heralded {
            self.send(Message::Forget(notice));
        }
    }

    /// Goes on when the kernel has been told of all changes so far, so that whoever is answered
    /// then sees them.
    pub fn then(&self, go_on: impl FnOnce() + Send + 'static) {
        match self.line.get() {
            Some(line) => {
                let rest = line.herald.then(Box::new(go_on));
                rest.into_iter().for_each(|go_on| self.go_on(go_on));
            }
            None => go_on(),
        }
    }

    /// Goes on when this thread has told all that it was to tell.
    pub(super) fn go_on(&self, go_on: GoOn) {
        self.send(Message::GoOn(go_on));
    }

    /// How many changes there were.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Makes the kernel forget what it keeps of a file or of a directory's listing, soon.
    pub(super) fn forget_file(&self, inode: u64) {
        self.send(Message::Forget(Notice::File { inode }));
    }

    /// Makes the kernel forget what a name stands for, soon.
    pub(super) fn forget_name(&self, directory: u64, name: &OsStr) {
        self.send(Message::Forget(Notice::Name {
            directory,
            name: name.to_owned(),
        }));
    }

    /// Tells the kernel a file's true size, at once or soon; then goes on with `told`.
    pub(super) fn correct(&self, correction: Correction, told: Told) {
        match (correction.last, self.line.get()) {
            (None, Some(line)) => {
                line.fill(&correction);
                told(correct(&line.kernel, &correction));
            }
            _ => self.send(Message::Correct(correction, told)),
        }
    }

    /// Makes the kernel ask for a file's attributes again, at once.
    pub(super) fn forget_attributes(&self, inode: u64) {
        let Some(line) = self.line.get() else {
            return;
        };
        if let Err(error) = forget_attributes(&line.kernel, inode) {
            log::debug!("the kernel was not told to forget attributes of {inode}: {error}");
        }
    }

    /// Starts telling a kernel, by way of the herald where that can be. A notifier serves one mount;
    /// another one is ignored.
    pub(super) fn attach(&self, kernel: fuser::Notifier, herald: Herald) -> io::Result<()> {
        let (queue, messages) = channel();
        let line = Line {
            queue,
            kernel: kernel.clone(),
            herald,
            filling: Mutex::new(()),
        };
        thread::Builder::new()
            .name("notifier".to_owned())
            .spawn(move || tell_all(&kernel, &messages))?;
        let _ = self.line.set(line);
        Ok(())
    }

    fn send(&self, message: Message) {
        if let Some(line) = self.line.get() {
            // Fails only if the thread is gone, and with it the process's end.
            let _ = line.queue.send(message);
        }
    }
}

fn tell_all(kernel: &fuser::Notifier, messages: &Receiver<Message>) {
    for message in messages {
        let told = catch_unwind(AssertUnwindSafe(|| match message {
            Message::Forget(notice) => forget(kernel, &notice),
            Message::Correct(correction, told) => told(correct(kernel, &correction)),
            Message::GoOn(go_on) => go_on(),
        }));
        if told.is_err() {
            log::error!("a bug: telling the kernel of a change panicked; going on");
        }
    }
}

fn forget(kernel: &fuser::Notifier, notice: &Notice) {
    let told = match notice {
        // The listing goes first: a name that the kernel does not know does not void it.
        Notice::Name { directory, name } => kernel
            .inval_inode(INodeNo(*directory), 0, 0)
            .and_then(|()| kernel.inval_entry(INodeNo(*directory), name)),
        // All of the file: its pages as well as its attributes.
        Notice::File { inode } => kernel.inval_inode(INodeNo(*inode), 0, 0),
    };
    if let Err(error) = told {
        log::debug!("the kernel was not told to forget {notice:?}: {error}");
    }
}

/// Storing the last octet makes the kernel's size grow even for programs that do not ask for it
/// again (mmap, sendfile, splice); forgetting the attributes makes it shrink where it was too large.
fn correct(kernel: &fuser::Notifier, correction: &Correction) -> io::Result<()> {
    if correction.as_shown {
        return Ok(());
    }
    if let Some((offset, octet)) = correction.last {
        kernel.store(INodeNo(correction.inode), offset, &[octet])?;
    }
    forget_attributes(kernel, correction.inode)
}

fn forget_attributes(kernel: &fuser::Notifier, inode: u64) -> io::Result<()> {
    // A negative offset leaves the pages alone.
    kernel.inval_inode(INodeNo(inode), -1, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_to_tell_before_the_mount_is_dropped() {
        let notifier = Notifier::new();
        notifier.forget_name(1, OsStr::new("u1"));
        assert!(notifier.line.get().is_none());
    }

    #[test]
    fn where_there_is_no_kernel_to_tell_nobody_waits_until_it_is_told() {
        let (gone_on, heard) = channel();
        Notifier::new().then(move || gone_on.send(()).unwrap());
        assert_eq!(heard.recv(), Ok(()));
    }

    /// A program that waits in open(2) gets an error then, instead of waiting for ever.
    #[test]
    fn nobody_waits_for_a_kernel_that_is_not_there() {
        let (told, outcome) = channel();
        let correction = Correction {
            inode: 16,
            last: None,
            as_shown: true,
            whole: None,
        };
        Notifier::new().correct(correction, Box::new(move |result| drop(told.send(result))));
        assert!(outcome.recv().is_err());
    }
}
