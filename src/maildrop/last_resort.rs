//! What is done when a thread ends that nobody can do without.

use std::thread;

/// Ends the process if the thread that holds it panics, which would be a bug. Without that thread
/// those who wait would never have an answer; without a process they have an error at once, and the
/// marks are in the journal.
pub(super) struct LastResort;

impl Drop for LastResort {
    fn drop(&mut self) {
        if thread::panicking() {
            let this = thread::current();
            let name = this.name().unwrap_or_default();
            log::error!("a bug: the {name} thread panicked; the marks are kept in the journal");
            log::logger().flush();
            std::process::abort();
        }
    }
}
