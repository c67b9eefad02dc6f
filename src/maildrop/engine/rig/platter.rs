//! A disk without a thread.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::super::super::disk::Task;
use super::super::super::locked;

/// A disk that does at once what it is asked for, unless it hangs.
#[derive(Clone, Default)]
pub(in crate::maildrop) struct Platter(Arc<Mutex<(bool, VecDeque<Task>)>>);

impl Platter {
    pub fn ask(&self, task: Task) {
        let hangs = {
            let (hangs, tasks) = &mut *locked(&self.0);
            tasks.push_back(task);
            *hangs
        };
        if !hangs {
            self.turn();
        }
    }

    /// Does nothing from now on.
    pub fn hang(&self) {
        locked(&self.0).0 = true;
    }

    /// Does all that it was asked for, and what it is asked for from now on.
    pub fn go_on(&self) {
        locked(&self.0).0 = false;
        self.turn();
    }

    fn turn(&self) {
        while let Some(task) = self.next() {
            task();
        }
    }

    fn next(&self) -> Option<Task> {
        locked(&self.0).1.pop_front()
    }
}
