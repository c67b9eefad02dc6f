//! Notices that the keeper is gone, before there is an errand for it.

use std::io;
use std::sync::{Arc, OnceLock};
use std::thread;

use super::channel::Channel;

/// The way to a keeper that has begun, to be watched.
#[must_use = "nobody else notices at once that the keeper is gone"]
pub struct Vigil(pub(super) Arc<OnceLock<Channel>>);

impl Vigil {
    /// Starts a thread that tells when the keeper is gone.
    ///
    /// # Errors
    ///
    /// No thread could be made.
    pub fn start(self, gone: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let watch = move || match self.0.get().map(Channel::wait_for_end) {
            Some(Ok(())) => gone(),
            Some(Err(error)) => log::error!("cannot watch the keeper: {error}"),
            None => {}
        };
        thread::Builder::new()
            .name("vigil".to_owned())
            .spawn(watch)
            .map(drop)
    }
}
