//! Holding a reply back until the test lets it go.

use crate::guarded::Guarded;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a test waits for its client to come to the gate; long, for busy machines.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often the test looks.
const GLANCE: Duration = Duration::from_millis(1);

/// Holds replies at one place; made by [`Server::hold`](crate::Server::hold). Dropping it releases them.
#[must_use = "a gate that is dropped holds nothing back"]
pub struct Gate(Arc<Barrier>);

impl Gate {
    pub(crate) fn new(barrier: Arc<Barrier>) -> Self {
        Self(barrier)
    }

    /// Waits, at most 30 seconds, until a reply is being held; whether one is or has been.
    ///
    /// All of the reply that comes before the gate has been sent by then.
    pub fn reached(&self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while !self.0.was_reached() {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(GLANCE);
        }
        true
    }

    /// How many replies are being held now.
    pub fn waiting(&self) -> usize {
        self.0.state.lock().waiting
    }

    /// Lets them go on, and those that come later.
    pub fn release(&self) {
        self.0.state.lock().open = true;
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.release();
    }
}

/// The server's side of a gate.
#[derive(Default)]
pub(crate) struct Barrier {
    state: Guarded<State>,
}

#[derive(Default)]
struct State {
    open: bool,
    reached: bool,
    waiting: usize,
}

impl Barrier {
    pub(crate) fn is_open(&self) -> bool {
        self.state.lock().open
    }

    /// Calls `pause` until the gate opens or `pause` fails.
    pub(crate) fn stand<E>(&self, mut pause: impl FnMut() -> Result<(), E>) -> Result<(), E> {
        self.count(|waiting| waiting.saturating_add(1));
        let mut outcome = Ok(());
        while outcome.is_ok() && !self.is_open() {
            outcome = pause();
        }
        self.count(|waiting| waiting.saturating_sub(1));
        outcome
    }

    fn count(&self, change: impl FnOnce(usize) -> usize) {
        let mut state = self.state.lock();
        state.waiting = change(state.waiting);
        state.reached = true;
    }

    fn was_reached(&self) -> bool {
        self.state.lock().reached
    }
}
