//! The journal: the marks of one account, kept in a file, so that they outlive the daemon.
//!
//! A text file: a heading, then a line for each mark set or taken off. A mark is not flushed to
//! the disk: it survives the daemon, and a mark lost with the power only leaves a message undeleted.
//! A mark taken off is flushed: if it came back, the next commit would delete what somebody kept.

mod directory;
mod drafts;
mod error;
mod file;
mod lock;
mod sheet;
mod text;

use std::io;

pub use directory::StateDirectory;
pub use drafts::{Drafting, Drafts};
pub use error::JournalError;
pub use file::JournalFile;
pub use lock::JournalLock;

use super::mark::{Mark, Record};

/// Where marks are kept. A simulation has one of its own.
///
/// It is written anew in two steps, of which the first takes long and holds up nobody who adds.
pub trait Journal: Send + Sync {
    /// Adds a record; all of it or, on an error, nothing.
    ///
    /// # Errors
    /// The record could not be written.
    fn append(&self, record: &Record) -> io::Result<()>;

    /// Has the journal as it stands outlive a loss of power; takes long.
    ///
    /// # Errors
    /// The system could not promise it.
    fn flush(&self) -> io::Result<()>;

    /// Writes these marks beside the journal, where they outlive a loss of power; takes long.
    ///
    /// # Errors
    /// They could not be written.
    fn draft(&self, marks: &[Mark]) -> io::Result<()>;

    /// Puts the draft in the place of all records; on an error the old ones stand.
    ///
    /// # Errors
    /// The journal could not be replaced.
    fn adopt(&self) -> io::Result<()>;
}
