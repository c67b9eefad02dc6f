//! What the dispatch threads and the engine share, under one lock that is never held across I/O
//! or an answer.
//!
//! ```text
//!  a program -> serving -- at hand? --> the answer
//!                  |
//!                  `-> demand -> the engine fetches -> supply, or beginning --> the answer
//!                         |
//!                         `-- in vain, or too late? -> refusal
//! ```
//!
//! `foresight` has fetched what nobody has asked for yet; `versions` knows of a message's bytes what
//! must come again; `marks` what is marked, and may be.

mod beginning;
mod demand;
mod foresight;
mod marks;
mod refusal;
mod serving;
#[cfg(test)]
mod stand_in;
mod supply;
mod versions;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::arrival::Arrival;
use super::cache::Cache;
use super::candour::Candour;
use super::catalog::Catalog;
use super::clock::Moment;
use super::disk_waiters::DiskWaiters;
use super::effects::Effects;
use super::errand::Errands;
use super::fetch::Fetch;
use super::fingerprint::Fingerprint;
use super::guard::Guard;
use super::mark::Mark;
use super::message::{MessageId, Place};
use super::open::Holdings;
use super::prefix::Prefixes;
use super::presence::Attendance;
use super::report::CommitReport;
use super::retries::Retries;
use super::settings::Settings;
use super::status::LinkStatus;

use foresight::Foresight;
pub(super) use marks::{Marked, Moved};

/// The mailbox in memory.
pub(super) struct State {
    pub settings: Settings,
    pub catalog: Catalog,
    pub cache: Cache,
    pub link: LinkStatus,
    pub has_lost_keeper: bool,
    pub last_commit: Option<Arc<CommitReport>>,
    /// Marks of messages that are not listed: of a mount that ended without a commit, until there is
    /// a listing to find them in; or of messages that may be there nevertheless.
    pub unlisted: Vec<Mark>,
    pub errands: Errands,
    pub attendance: Attendance,
    /// Messages that commits may have deleted, until a listing tells.
    pub doubtful: BTreeSet<MessageId>,
    /// The longest message that is kept in memory.
    pub in_memory_max: usize,
    pub prefixes: Prefixes,
    pub retries: Retries,
    pub disk_waiters: DiskWaiters,
    pub guard: Guard,
    arrivals: HashMap<Fetch, Arrival>,
    /// What was handed out of messages that never came to their end.
    beginnings: HashMap<MessageId, Fingerprint>,
    holdings: Holdings,
    candour: Candour,
    foresight: Foresight,
    /// What is to be fetched for a reader, in order of asking.
    demand: VecDeque<Fetch>,
    /// No reader's deadline is before this.
    earliest: Option<Moment>,
}

impl State {
    /// An empty mailbox.
    pub fn new(settings: Settings, inherited: Vec<Mark>) -> Self {
        Self {
            catalog: Catalog::default(),
            cache: Cache::new(settings.cache_size),
            link: LinkStatus::default(),
            has_lost_keeper: false,
            last_commit: None,
            unlisted: inherited,
            errands: Errands::default(),
            attendance: Attendance::default(),
            doubtful: BTreeSet::new(),
            in_memory_max: (settings.cache_size / 2).max(settings.in_memory),
            prefixes: Prefixes::default(),
            retries: Retries::default(),
            disk_waiters: DiskWaiters::default(),
            guard: Guard::new(settings.delete_guard),
            arrivals: HashMap::new(),
            beginnings: HashMap::new(),
            holdings: Holdings::default(),
            candour: Candour::default(),
            foresight: Foresight::default(),
            demand: VecDeque::new(),
            earliest: None,
            settings,
        }
    }

    /// Moves a message, and notes what the kernel must be told.
    pub fn place(&mut self, id: MessageId, place: Place, effects: &mut Effects) {
        effects.changes.extend(self.catalog.place(id, place));
        if place == Place::Gone {
            self.left(id);
        }
    }

    /// A message has left the maildrop: nothing will come any more to be held against what was handed
    /// out of it, and nobody will delete it.
    pub fn left(&mut self, id: MessageId) {
        self.beginnings.remove(&id);
        self.prefixes.left(id);
        self.guard.left(id);
    }

    /// Nobody may ask for a message for long, and many have been closed.
    pub fn rest(&mut self) {
        self.cache.shrink();
        self.holdings.let_go();
    }
}
