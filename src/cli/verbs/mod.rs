//! The verbs: each speaks to a mount through its `.pop3fs/` directory, as any program can.
//!
//! A verb returns what there is to say; [`show`] says it.

mod answer;
mod commit;
mod control;
mod error;
mod events;
mod exit;
mod force;
mod mounts;
mod park;
mod printable;
mod refresh;
mod report;
mod status;
mod umount;
mod undelete;
mod wait;

pub use answer::{Answer, show};
pub use commit::{Terms, commit};
pub use error::VerbError;
pub use mounts::{Manner, Mounts};
pub use park::park;
pub use refresh::refresh;
pub use status::{status, status_as_json};
pub use umount::umount;
pub use undelete::undelete;
pub use wait::wait;
