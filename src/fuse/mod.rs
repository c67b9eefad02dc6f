//! The tree as a FUSE filesystem: the kernel's requests, what the kernel must be told, mounting
//! and unmounting.
//!
//! Each request is answered on the thread that has the answer; the dispatch threads never wait.
//! What the kernel must be told goes through one thread of its own, the [`Notifier`]'s, or, where it
//! concerns the root, is brought about by another one through our own mount, so that programs that
//! watch the directory hear of it too.
//!
//! The crate that speaks to the kernel has its own idea of unmounting, which can lose the commit:
//! it may return before the end, unmount somebody else's filesystem, or fail while a file is open.
//! Here it is given what the keeper has mounted; [`Mounted::detach`] unmounts, and [`Ended`] says
//! when the filesystem has come to its end.

mod adapter;
mod answer;
mod convert;
mod dates;
mod deputy;
mod device;
mod error;
mod herald;
mod heralded;
mod holders;
mod interrupts;
mod mount_point;
mod mountinfo;
mod notifier;
mod options;
mod rights;
mod server;
mod session;
mod unmount;
mod watcher;

pub use error::MountError;
pub use holders::{Held, Holder, holders};
pub use mount_point::prepare;
pub use mountinfo::{MountInfo, mounted_at};
pub use notifier::Notifier;
pub use options::MountOptions;
pub use rights::Rights;
pub use server::server_of;
pub use session::{Ended, Mounted, OnEnd, mount};
pub use unmount::{Manner, unmount};
