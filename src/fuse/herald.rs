//! inotify events for what comes and goes without a program's doing.
//!
//! Nothing that the kernel can be told makes one. So the name is made, or removed, through our own
//! mount, as a program would do it, by a [deputy](super::deputy) whose requests are known by its
//! thread's number: to it a
//! name that came is not there yet, and one that went still is, and what it asks changes nothing.
//! What the kernel remembers of the name is put right by that, too.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use nix::errno::Errno;

use super::deputy::Deputy;
use super::notifier::{GoOn, Notifier};
use crate::fs::{ROOT, RootChange};

/// Changes that may wait to be heralded: as many events as the kernel keeps for a program by itself
/// (`max_queued_events`), so that what is left out would have been lost on it too.
const QUEUE: usize = 16_384;

/// The thread, and what those who answer its requests need to know of it.
#[derive(Clone, Default)]
pub(super) struct Herald(Arc<Stage>);

#[derive(Default)]
struct Stage {
    queue: OnceLock<SyncSender<Deed>>,
    /// Deeds that are not done.
    undone: AtomicUsize,
    /// The number of the deputy's thread; 0 until it is known.
    thread: AtomicU32,
    doing: Mutex<Option<RootChange>>,
    /// Names that went, and of which that has still to be heralded.
    leaving: Mutex<HashSet<OsString>>,
}

/// What the thread is to do.
enum Deed {
    /// Herald a change; whether that was tried before.
    Herald { change: RootChange, again: bool },
    /// Have the notifier go on.
    GoOn(GoOn),
}

impl Herald {
    /// Starts the thread; without it nothing is heralded. What it cannot do is left to the notifier, and
    /// so is all where it gets no deputy: nobody waits for that one, as for the mount.
    pub(super) fn start(
        &self,
        deputy: impl FnOnce() -> io::Result<Deputy> + Send + 'static,
        notifier: Notifier,
    ) -> io::Result<()> {
        let (queue, deeds) = sync_channel(QUEUE);
        let herald = self.clone();
        thread::Builder::new()
            .name("herald".to_owned())
            .spawn(move || herald.herald_all(herald.meet(deputy()), &notifier, &deeds))?;
        let _ = self.0.queue.set(queue);
        Ok(())
    }

    fn meet(&self, deputy: io::Result<Deputy>) -> Option<Deputy> {
        match deputy {
            Ok(deputy) => {
                // Set before the first request, and so before anybody compares it.
                self.0.thread.store(deputy.thread(), Ordering::Relaxed);
                Some(deputy)
            }
            Err(error) => {
                log::warn!("programs that watch by inotify will not be told: {error}");
                None
            }
        }
    }

    /// Heralds a change, soon. False if that is too much, or cannot be.
    pub(super) fn herald(&self, change: RootChange) -> bool {
        if let RootChange::Went(name) = &change {
            self.0.leaving().insert(name.clone());
        }
        self.try_to(change, false)
    }

    /// Has the notifier go on when all before it is heralded; gives it back if nothing is.
    pub(super) fn then(&self, go_on: GoOn) -> Option<GoOn> {
        if self.0.undone.load(Ordering::Acquire) == 0 {
            return Some(go_on);
        }
        match self.0.send(Deed::GoOn(go_on)) {
            Err(Deed::GoOn(go_on)) => Some(go_on),
            _ => None,
        }
    }

    /// Whether a name is to be removed once more. The kernel must not remember until then that it
    /// stands for nothing: it would not ask.
    pub(super) fn is_leaving(&self, parent: u64, name: &OsStr) -> bool {
        parent == ROOT && self.0.leaving().contains(name)
    }

    /// Whether this is the deputy's thread. Whoever is in no pid namespace that this process sees has
    /// the number 0, and is not.
    pub(super) fn is(&self, thread: u32) -> bool {
        thread != 0 && self.0.thread.load(Ordering::Relaxed) == thread
    }

    /// What the thread is doing to a name, if anything.
    pub(super) fn deed(&self, parent: u64, name: &OsStr) -> Option<RootChange> {
        let doing = self.0.doing().clone();
        doing.filter(|change| parent == ROOT && change.name() == name)
    }

    fn try_to(&self, change: RootChange, again: bool) -> bool {
        match self.0.send(Deed::Herald { change, again }) {
            Err(Deed::Herald { change, .. }) => {
                self.0.leaving().remove(change.name());
                false
            }
            _ => true,
        }
    }

    fn herald_all(&self, mut deputy: Option<Deputy>, notifier: &Notifier, deeds: &Receiver<Deed>) {
        for deed in deeds {
            match deed {
                Deed::Herald { change, again } => {
                    let done = self.perform(&change, deputy.as_ref());
                    if done.is_err_and(is_final) {
                        // A program's thread may get its number after it.
                        self.0.thread.store(0, Ordering::Relaxed);
                        deputy = None;
                    }
                    self.conclude(change, again, done, notifier);
                }
                Deed::GoOn(go_on) => notifier.go_on(go_on),
            }
            self.0.undone.fetch_sub(1, Ordering::Release);
        }
    }

    /// One who has no deputy any more still passes on to the notifier what was sent to it.
    fn perform(&self, change: &RootChange, deputy: Option<&Deputy>) -> nix::Result<()> {
        let deputy = deputy.ok_or(Errno::EPIPE)?;
        *self.0.doing() = Some(change.clone());
        let done = deputy.perform(change);
        *self.0.doing() = None;
        done
    }

    fn conclude(
        &self,
        change: RootChange,
        again: bool,
        done: nix::Result<()>,
        notifier: &Notifier,
    ) {
        if done.is_err() {
            notifier.forget_name(ROOT, change.name());
        }
        match (done, &change) {
            // Somebody had looked for it when it was gone, and before it was leaving.
            (Err(Errno::ENOENT), RootChange::Went(_)) if !again => {
                let herald = self.clone();
                notifier.go_on(Box::new(move || {
                    herald.try_to(change, true);
                }));
            }
            _ => drop(self.0.leaving().remove(change.name())),
        }
    }
}

impl Stage {
    /// Gives it back where there is no thread, or too much for it.
    fn send(&self, deed: Deed) -> Result<(), Deed> {
        let Some(queue) = self.queue.get() else {
            return Err(deed);
        };
        self.undone.fetch_add(1, Ordering::AcqRel);
        queue.try_send(deed).map_err(|error| {
            self.undone.fetch_sub(1, Ordering::Release);
            match error {
                TrySendError::Full(deed) | TrySendError::Disconnected(deed) => deed,
            }
        })
    }

    /// Nothing can be half done inside, so a poisoned lock is as good as any.
    fn doing(&self) -> MutexGuard<'_, Option<RootChange>> {
        self.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leaving(&self) -> MutexGuard<'_, HashSet<OsString>> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether there is no use in trying again: the mount is read-only, the mounter may not write to
/// it, or the keeper is gone.
fn is_final(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::EROFS | Errno::EACCES | Errno::EPERM | Errno::EPIPE
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuse::deputy::tests::{deputy, gone};
    use std::path::Path;

    fn came(name: &str) -> RootChange {
        RootChange::Came(name.into())
    }

    #[test]
    fn only_the_name_in_hand_is_its_business() {
        let herald = Herald::default();
        *herald.0.doing() = Some(came("a"));
        assert_eq!(herald.deed(ROOT, OsStr::new("a")), Some(came("a")));
        assert_eq!(herald.deed(ROOT, OsStr::new("b")), None);
        assert_eq!(herald.deed(ROOT + 1, OsStr::new("a")), None);
    }

    #[test]
    fn nobody_is_the_thread_before_it_runs() {
        let herald = Herald::default();
        assert!(!herald.is(nix::unistd::gettid().as_raw().cast_unsigned()));
        let of_another_namespace = 0;
        assert!(!herald.is(of_another_namespace));
    }

    #[test]
    fn a_name_is_leaving_until_that_is_heralded() {
        let herald = Herald::default();
        let went = || RootChange::Went("a".into());
        let is_leaving = || herald.is_leaving(ROOT, OsStr::new("a"));
        assert!(!herald.herald(went()), "nobody heralds");
        assert!(!is_leaving());
        let elsewhere = deputy(Path::new("/"), "0:0".into());
        herald.start(|| Ok(elsewhere), Notifier::new()).unwrap();
        assert!(herald.herald(went()));
        assert!(!herald.is_leaving(ROOT + 1, OsStr::new("a")));
        while is_leaving() {
            thread::yield_now();
        }
    }

    #[test]
    fn without_its_deputy_it_claims_no_name_and_no_thread() {
        let herald = Herald::default();
        let gone = gone();
        let number = gone.thread();
        herald.start(|| Ok(gone), Notifier::new()).unwrap();
        while !herald.is(number) {
            thread::yield_now();
        }
        for name in ["a", "b"] {
            assert!(herald.herald(RootChange::Went(name.into())));
            while herald.is_leaving(ROOT, OsStr::new(name)) {
                thread::yield_now();
            }
            assert!(!herald.is(number));
        }
    }

    #[test]
    fn where_it_gets_no_deputy_it_claims_no_name_either() {
        let herald = Herald::default();
        let none = || Err(io::ErrorKind::NotFound.into());
        herald.start(none, Notifier::new()).unwrap();
        assert!(herald.herald(RootChange::Went("a".into())));
        while herald.is_leaving(ROOT, OsStr::new("a")) {
            thread::yield_now();
        }
        assert_eq!(herald.0.thread.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn nobody_waits_for_a_herald_that_has_nothing_to_do() {
        let herald = Herald::default();
        assert!(herald.then(Box::new(|| {})).is_some());
        herald.herald(came("a"));
        assert!(herald.then(Box::new(|| {})).is_some());
    }
}
