//! A value shared between threads.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A mutex that survives a thread's panic: one broken test must not hang or break the others.
#[derive(Default)]
pub(crate) struct Guarded<T>(Mutex<T>);

impl<T> Guarded<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
