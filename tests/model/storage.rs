//! The part of the disk that takes messages which are too long for memory: it may be full, or lose what it is given.

use std::fs::{File, OpenOptions};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::trace::tell;
use crate::world::World;

/// Where files are made; all clones are the same.
#[derive(Clone, Default)]
pub struct Storage(Arc<Mutex<Shelf>>);

#[derive(Default)]
struct Shelf {
    condition: Condition,
    /// How many files were asked for.
    files: u64,
    /// Whether one of them was of no use.
    has_failed: bool,
}

/// What becomes of a file that is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Condition {
    #[default]
    Sound,
    /// There can be none.
    Closed,
    /// Nothing can be written to it.
    Full,
    /// What is written to it is lost.
    Lossy,
}

impl Storage {
    /// Makes a file, as it can be made now.
    pub fn make(&self) -> io::Result<File> {
        let mut shelf = self.shelf();
        shelf.files += 1;
        shelf.has_failed |= shelf.condition != Condition::Sound;
        let device = |path| OpenOptions::new().read(true).write(true).open(path);
        match shelf.condition {
            Condition::Sound => tempfile::tempfile(),
            Condition::Closed => Err(io::ErrorKind::StorageFull.into()),
            Condition::Full => device("/dev/full"),
            Condition::Lossy => device("/dev/null"),
        }
    }

    /// From now on it is so.
    pub fn set(&self, condition: Condition) {
        self.shelf().condition = condition;
    }

    pub fn condition(&self) -> Condition {
        self.shelf().condition
    }

    pub fn files(&self) -> u64 {
        self.shelf().files
    }

    pub fn has_failed(&self) -> bool {
        self.shelf().has_failed
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap()
    }
}

impl World {
    /// What is too long for memory may find no place from now on.
    pub fn trouble_storage(&mut self) {
        let condition = match self.dice.below(4) {
            0 => Condition::Sound,
            1 => Condition::Closed,
            2 => Condition::Full,
            _ => Condition::Lossy,
        };
        tell!("the disk for long messages: {condition:?}");
        self.storage.set(condition);
    }
}
