//! A disk that may be late: what is asked of it waits until it turns.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use pop3fs::maildrop::{Input, Task};

use crate::daemon::Daemon;
use crate::sightings::Sighting;
use crate::standstill::Fate;
use crate::trace::tell;
use crate::world::World;

/// What a process has asked of the disk, in order; all clones are the same.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<VecDeque<Task>>>);

/// Whether it does at once what is asked of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Promptness {
    Prompt,
    Late,
}

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

impl Daemon {
    /// What stands still is written first: others may wait for it.
    fn turn_disk(&mut self) {
        match self.writer.take() {
            Some((_, writer)) => writer.go_on(Fate::Written),
            None => self.disk.next().into_iter().for_each(|task| task()),
        }
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

    pub fn promptness(&self) -> Promptness {
        match self.is_disk_late() {
            true => Promptness::Late,
            false => Promptness::Prompt,
        }
    }

    /// The disk does the next thing that it was asked for.
    pub fn turn_disk(&mut self) {
        let files = self.storage.files();
        tell!("the disk turns");
        self.change_marks(Daemon::turn_disk);
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
