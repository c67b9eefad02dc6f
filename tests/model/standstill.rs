//! Who writes to a disk that is late stands still in the middle of that, and goes on with it.
//!
//! Each of them has a thread, of which the run's own waits for the other: never do two go on at a time.

use std::cell::RefCell;
use std::panic::resume_unwind;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

/// Somebody who stands still.
pub struct Writer {
    stage: Arc<Stage>,
    thread: Option<JoinHandle<()>>,
}

/// What becomes of what was to be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Written,
    /// The process has died before.
    Lost,
    /// The process has died in the meantime.
    WrittenInVain,
}

#[derive(Default)]
struct Stage {
    act: Mutex<Act>,
    turned: Condvar,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Act {
    #[default]
    Going,
    Still,
    Fated(Fate),
    Over,
}

thread_local! {
    /// Where the one of this thread stands still, if it does.
    static STAGE: RefCell<Option<Arc<Stage>>> = const { RefCell::new(None) };
}

/// Something is to be written, which takes time for those who stand still.
pub fn write() -> Fate {
    let stage = STAGE.with_borrow(Option::clone);
    stage.map_or(Fate::Written, |stage| stage.stand_still())
}

impl Writer {
    /// Has somebody do something, up to where something is to be written; none if it is done.
    pub fn start(deed: impl FnOnce() + Send + 'static) -> Option<Self> {
        let stage = Arc::<Stage>::default();
        let theirs = stage.clone();
        let thread = thread::spawn(move || {
            let _over = Over(theirs.clone());
            STAGE.set(Some(theirs));
            deed();
        });
        let writer = Self {
            stage,
            thread: Some(thread),
        };
        match writer.stage.wait() {
            Act::Still => Some(writer),
            _ => None,
        }
    }

    /// Goes on to the end.
    pub fn go_on(mut self, fate: Fate) {
        self.end(fate);
    }

    fn end(&mut self, fate: Fate) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        self.stage.turn(Act::Fated(fate));
        let ended = thread.join();
        if !thread::panicking() {
            ended.unwrap_or_else(|panic| resume_unwind(panic));
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end(Fate::Lost);
    }
}

impl Stage {
    fn act(&self) -> MutexGuard<'_, Act> {
        self.act.lock().unwrap()
    }

    fn turn(&self, act: Act) {
        *self.act() = act;
        self.turned.notify_all();
    }

    /// Waits until the other stands still, or has come to its end.
    fn wait(&self) -> Act {
        let going = |act: &mut Act| matches!(act, Act::Going | Act::Fated(_));
        *self.turned.wait_while(self.act(), going).unwrap()
    }

    /// Only once: what is decided holds for all that it has still to write.
    fn stand_still(&self) -> Fate {
        if *self.act() == Act::Going {
            self.turn(Act::Still);
        }
        let still = |act: &mut Act| *act == Act::Still;
        match *self.turned.wait_while(self.act(), still).unwrap() {
            Act::Fated(fate) => fate,
            _ => Fate::Lost,
        }
    }
}

/// Has the other go on, also after a panic.
struct Over(Arc<Stage>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.turn(Act::Over);
    }
}
