//! The thread that waits for the disk, so that no other has to.
//!
//! Those who answer the kernel, and the one who keeps the session, hand over what may wait. It is done
//! in order of asking; what has still to be written is counted, so that no more is taken from the
//! server than the disk can take.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::last_resort::LastResort;

/// So many octets may wait to be written before the server has to wait: a second of a slow disk.
const BACKLOG_MAX: usize = 8 << 20;

/// Something that may wait for the disk.
pub type Task = Box<dyn FnOnce() + Send>;

/// The way to the thread.
#[derive(Clone, Debug)]
pub struct Disk(Sender<Task>);

impl Disk {
    /// Starts the thread, which ends with the last one who can ask it for something.
    ///
    /// # Errors
    /// No thread could be made.
    pub fn start() -> io::Result<Self> {
        let (sender, tasks) = channel();
        let work = move |tasks: Receiver<Task>| {
            let _last_resort = LastResort;
            tasks.into_iter().for_each(|task| task());
        };
        thread::Builder::new()
            .name("disk".to_owned())
            .spawn(move || work(tasks))?;
        Ok(Self(sender))
    }

    /// Has this done after all that was asked for before.
    pub fn ask(&self, task: Task) {
        // The thread outlives all who can ask.
        let _ = self.0.send(task);
    }
}

/// How many octets wait to be written.
#[derive(Debug, Default)]
pub(super) struct Backlog(AtomicUsize);

impl Backlog {
    /// So many more wait.
    pub fn grow(&self, octets: usize) {
        self.0.fetch_add(octets, Ordering::Relaxed);
    }

    /// So many wait no longer; whether it was too long until now.
    pub fn shrink(&self, octets: usize) -> bool {
        let before = self.0.fetch_sub(octets, Ordering::Relaxed);
        before > BACKLOG_MAX && before.saturating_sub(octets) <= BACKLOG_MAX
    }

    /// Whether no more may be added for now.
    pub fn is_too_long(&self) -> bool {
        self.0.load(Ordering::Relaxed) > BACKLOG_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_done_in_order_and_by_another_thread() {
        let disk = Disk::start().unwrap();
        let (sender, done) = channel();
        for number in 0..10 {
            let sender = sender.clone();
            disk.ask(Box::new(move || {
                sender.send((number, thread::current().id())).unwrap();
            }));
        }
        for number in 0..10 {
            let (first, thread) = done.recv().unwrap();
            assert_eq!(first, number);
            assert_ne!(thread, thread::current().id());
        }
    }

    #[test]
    fn it_is_told_once_that_the_backlog_is_bearable_again() {
        let backlog = Backlog::default();
        for _ in 0..3 {
            backlog.grow(BACKLOG_MAX / 2);
        }
        assert!(backlog.is_too_long());
        assert!(backlog.shrink(BACKLOG_MAX / 2) && !backlog.is_too_long());
        assert!(!backlog.shrink(BACKLOG_MAX / 2));
    }
}
