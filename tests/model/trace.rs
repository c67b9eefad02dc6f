//! What happens in a run, told where one run is replayed.

use std::sync::atomic::{AtomicBool, Ordering};

static ON: AtomicBool = AtomicBool::new(false);

/// Tells from now on, and shows the program's own log.
pub fn start() {
    ON.store(true, Ordering::Relaxed);
    // Another test may have done it.
    let _ = env_logger::Builder::from_default_env()
        .format_timestamp(None)
        .try_init();
}

pub fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// Tells one thing that happens, if anybody listens.
macro_rules! tell {
    ($($words:tt)*) => {
        if crate::trace::is_on() {
            println!($($words)*);
        }
    };
}

pub(crate) use tell;
