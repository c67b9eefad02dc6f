//! The mailbox as a tree of files, in plain types.
//!
//! ```text
//! /                      Root       messages, by name
//!   u1 u2 u3 ...         Message
//!   .pop3fs/             Control    can be entered, is never listed
//!     status             Status     made when it is opened
//!     ctl                Ctl        takes verbs
//!     last-commit        LastCommit made when it is opened
//!     deleted/           Deleted    marked messages, by name
//!     events             Events     what happens, line by line; is never listed
//! ```
//!
//! Nothing here knows how the kernel is spoken to, and nothing waits: what must come from the
//! server is answered later, on the thread that has it. That is why such operations take their
//! reply as a closure.

mod attributes;
mod directory;
mod error;
mod events;
mod file;
mod handle;
mod inode;
mod names;
mod notice;
mod obedience;
mod pending;
mod tree;
mod verb;

pub use attributes::{Attributes, Kind, Settings};
pub use directory::Item;
pub use error::Error;
pub use events::Events;
pub use file::{Access, Correction, Opened, Reader};
pub use inode::{EVENTS, ROOT, STATUS};
pub use names::Rename;
pub use notice::{Notice, RootChange};
pub use pending::{Interruptible, Pending};
pub use tree::{Statistics, Tree};

pub use crate::maildrop::{Change, Octets};
