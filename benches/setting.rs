//! Under which circumstances something is measured.

use std::fmt;

use pop3fs_server::Distance;

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// How far the server is.
    pub distance: Distance,
    /// How many messages there are, if it is not the task's own number.
    pub count: Option<usize>,
}

/// As in the head of a column.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            Some(count) => write!(f, "{count} messages"),
            None => self.distance.fmt(f),
        }
    }
}
