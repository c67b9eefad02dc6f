//! The mailbox as messages.
//!
//! ```text
//!  fs::Tree -> Maildrop --- in memory? ---> answered at once, on the caller's thread
//!                 |
//!                 `-- State (shared): the request waits there, with its answer ----.
//!                                                                                  v
//!  server <-> net::Stream <-> Driver (one thread) <-- orders, octets --> Engine (a step function)
//!                                                                          |-- Session -> pop3::Connection
//!                                                                          |-- schedule (pure)
//!                                                                          `-- Transaction (a commit)
//! ```
//!
//! [`Maildrop`] is the handle for any number of threads; no call of it waits for the network.
//! [`Engine`] decides everything that concerns the server, and touches nothing outside.
//! [`Driver`] has the thread, the stream, and the time. What they share is under one lock, held
//! for moments only.
//!
//! | what | where |
//! |---|---|
//! | what a mount is to do | `settings` |
//! | what programs ask for | `handle`, `errand`, `terms`, `reader`, `marking`, `guard`, `retries`, `presence`, `state` |
//! | what decides, and speaks | `engine`, `session` |
//! | what runs it | `driver`, `attempts`, `alarm`, `clock`, `disk`, `last_resort` |
//! | what is listed | `roll`, `groups`, `unique_id`, `names`, `message`, `catalog`, `reconcile`, `standing`, `date`, `numbering` |
//! | how the server is | `habits`, `coverage`, `candour`, `folder_data` |
//! | what is on its way | `arrival`, `audience`, `growing`, `fingerprint`, `spill`, `prefix` |
//! | what is at hand | `octets`, `cache`, `open`, `disk`, `disk_waiters` |
//! | what to fetch next | `fetch`, `read_ahead`, `name_order`, `pace`, `rate`, `schedule` |
//! | what outlives the mount | `mark`, `header`, `journal`, `register`, `recording` |
//! | what is told | `effects`, `event`, `report`, `status`, `error` |

mod alarm;
mod arrival;
mod attempts;
mod audience;
mod cache;
mod candour;
mod catalog;
mod clock;
mod coverage;
mod date;
mod disk;
mod disk_waiters;
mod driver;
mod effects;
mod engine;
mod errand;
mod error;
mod event;
mod fetch;
mod fingerprint;
mod folder_data;
mod groups;
mod growing;
mod guard;
mod habits;
mod handle;
mod header;
mod journal;
mod last_resort;
mod mark;
mod marking;
mod message;
mod name_order;
mod names;
mod numbering;
mod octets;
mod open;
mod pace;
mod prefix;
mod presence;
mod rate;
mod read_ahead;
mod reader;
mod reconcile;
mod recording;
mod register;
mod report;
mod retries;
mod roll;
mod schedule;
mod session;
mod settings;
mod spill;
mod standing;
mod state;
mod status;
mod terms;
mod unique_id;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use crate::pop3::sasl::Mechanism;
pub use clock::{Clock, Moment};
pub use disk::{Disk, Task};
pub use driver::{Credentials, Driver};
pub use engine::{Engine, Input, Order, Step};
pub use error::{Error, Outage, OutageKind};
pub use event::{Event, EventKind, Subject};
pub use handle::{Maildrop, Surroundings};
pub use header::HeaderDigest;
pub use journal::{
    Drafting, Drafts, Journal, JournalError, JournalFile, JournalLock, StateDirectory,
};
pub use mark::{Mark, Record};
pub use message::{Correction, Entry, MessageId, Place, Size};
pub use octets::{Body, Octets};
pub use open::{Holding, OpenMessage};
pub use presence::Presence;
pub use reader::Answer;
pub use report::{CommitReport, MessageReport, Outcome};
pub use session::{Channel, Credential, Method, Proof};
pub use settings::{IN_MEMORY, LONG, Settings};
pub use spill::Storage;
pub use standing::Standing;
pub use status::{CacheStatus, LinkStatus, SessionStatus, Status, TransferStatus};
pub use terms::Terms;

/// Messages and octets in the maildrop, marked ones included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Messages.
    pub messages: u64,
    /// Their octets, as far as is known.
    pub octets: u64,
}

/// What changed without the kernel having asked for it, so that it must be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A name appeared in a place: it may be held for missing.
    Appeared {
        /// Where.
        place: Place,
        /// The file name.
        name: Arc<str>,
    },
    /// A name left a place.
    Vanished {
        /// Where.
        place: Place,
        /// The file name.
        name: Arc<str>,
    },
    /// The message's bytes are others than before: pages and attributes are void.
    Changed {
        /// Which message.
        id: MessageId,
    },
}

/// The lock, whoever panicked with it: no state is left half changed across a panic that matters
/// more than going on.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
