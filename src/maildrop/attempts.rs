//! Links in the making, each on a thread of its own: the name service and a password command block.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

/// So many attempts may hang at once; more would only pile up.
const HANGING_MAX: usize = 8;

/// What is being made, one attempt at a time; what an attempt comes to that was given up is dropped.
#[derive(Debug)]
pub(super) struct Attempts<T> {
    sender: Sender<(u64, T)>,
    receiver: Receiver<(u64, T)>,
    /// Which attempt counts.
    present: u64,
    /// As many clones are held as there are threads.
    threads: Arc<()>,
}

impl<T: Send + 'static> Attempts<T> {
    /// None yet.
    pub fn new() -> Self {
        let (sender, receiver) = mpsc::channel();
        Self {
            sender,
            receiver,
            present: 0,
            threads: Arc::default(),
        }
    }

    /// Makes something aside, and rings when it is done. Where no thread can be made, or too many
    /// hang, it is what `fail` makes of that.
    pub fn begin(
        &self,
        make: impl FnOnce() -> T + Send + 'static,
        fail: impl FnOnce(io::Error) -> T,
        ring: impl Fn() + Clone + Send + 'static,
    ) {
        if let Err(error) = self.spawn(make, ring.clone()) {
            // The receiver is our own.
            let _ = self.sender.send((self.present, fail(error)));
            ring();
        }
    }

    fn spawn(
        &self,
        make: impl FnOnce() -> T + Send + 'static,
        ring: impl Fn() + Send + 'static,
    ) -> io::Result<()> {
        if Arc::strong_count(&self.threads) > HANGING_MAX {
            return Err(io::Error::other("earlier attempts still hang"));
        }
        let (sender, present) = (self.sender.clone(), self.present);
        let thread = Arc::clone(&self.threads);
        let work = move || {
            let made = make();
            drop(thread);
            // The receiver is gone only when the process ends.
            let _ = sender.send((present, made));
            ring();
        };
        thread::Builder::new()
            .name("connect".to_owned())
            .spawn(work)
            .map(drop)
    }

    /// Gives up what is being made.
    pub fn give_up(&mut self) {
        self.present = self.present.wrapping_add(1);
    }

    /// What has been made and is still wanted.
    pub fn take(&self) -> Option<T> {
        let made = self.receiver.try_iter();
        made.filter(|(attempt, _)| *attempt == self.present)
            .map(|(_, made)| made)
            .next()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    type Outcome = Result<u32, String>;

    fn begin(
        attempts: &Attempts<Outcome>,
        make: impl FnOnce() -> u32 + Send + 'static,
    ) -> Receiver<()> {
        let (ring, bell) = mpsc::channel();
        let fail = |error: io::Error| Err(error.to_string());
        attempts.begin(
            move || Ok(make()),
            fail,
            move || ring.send(()).unwrap_or_default(),
        );
        bell
    }

    #[test]
    fn what_was_given_up_is_dropped() {
        let mut attempts = Attempts::new();
        begin(&attempts, || 1).recv().unwrap();
        attempts.give_up();
        assert_eq!(attempts.take(), None);
        begin(&attempts, || 2).recv().unwrap();
        assert_eq!((attempts.take(), attempts.take()), (Some(Ok(2)), None));
    }

    #[test]
    fn attempts_that_hang_do_not_pile_up() {
        let attempts = Attempts::new();
        let end = Arc::new(Barrier::new(HANGING_MAX + 1));
        let hang = |end: Arc<Barrier>| move || u32::from(end.wait().is_leader());
        let bells: Vec<_> = (0..HANGING_MAX)
            .map(|_| begin(&attempts, hang(Arc::clone(&end))))
            .collect();
        begin(&attempts, || 1).recv().unwrap();
        let hangs = Err("earlier attempts still hang".to_owned());
        assert_eq!(attempts.take(), Some(hangs));
        end.wait();
        bells.iter().for_each(|bell| bell.recv().unwrap());
        begin(&attempts, || 1).recv().unwrap();
        assert!(attempts.take().is_some_and(|made| made.is_ok()));
    }
}
