//! A disk that may be late: what is asked of it waits until it turns.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use pop3fs::maildrop::{Input, Task};

use crate::sightings::Sighting;
use crate::trace::tell;
use crate::world::World;

/// What a process has asked of the disk, in order; all clones are the same.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<VecDeque<Task>>>);

impl Disk {
    pub fn ask(&self, task: Task) {
        self.0.lock().unwrap().push_back(task);
    }

    /// How much it has still to do.
    pub fn backlog(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// The process that has asked is no more.
    pub fn forget(&self) {
        self.0.lock().unwrap().clear();
    }

    fn next(&self) -> Option<Task> {
        self.0.lock().unwrap().pop_front()
    }
}

impl World {
    /// The disk does nothing for a while, maybe for longer than anybody may wait.
    pub fn delay_disk(&mut self) {
        let span = match self.dice.one_in(2) {
            true => self.dice.span(0..200_000),
            false => self.dice.span(0..5000),
        };
        tell!("the disk is late by {span:?}");
        self.disk_late_until = Some(self.now() + span);
        self.see(Sighting::DiskLate);
    }

    pub fn is_disk_late(&self) -> bool {
        self.disk_late_until.is_some_and(|until| self.now() < until)
    }

    /// The disk does the next thing that it was asked for.
    pub fn turn_disk(&mut self) {
        let task = self.daemon.as_ref().and_then(|daemon| daemon.disk.next());
        let files = self.storage.files();
        tell!("the disk turns");
        task.into_iter().for_each(|task| task());
        if self.storage.files() > files {
            self.see(Sighting::Spilled);
        }
        self.take_answers();
        let written = self.daemon.as_ref().map(|daemon| daemon.take_written());
        for written in written.unwrap_or_default() {
            self.step(Input::JournalWritten(written));
        }
    }
}
