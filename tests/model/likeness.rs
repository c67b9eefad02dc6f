//! What tells one state of a run from another: enough to count how many different ones the runs came through.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::discriminant;

use pop3fs::maildrop::{Place, Status};

use crate::daemon::Daemon;
use crate::link::Link;
use crate::world::World;

/// More of a kind than this makes no other state.
const MANY: usize = 4;

impl World {
    /// A digest of the state of the program, which says this of itself, and of all that it deals with; times, names and octets are left out.
    pub fn likeness(&self, status: &Status) -> u64 {
        let mut hasher = DefaultHasher::new();
        let daemon = self.daemon.as_ref();
        daemon.map(|it| daemon_is(it, status)).hash(&mut hasher);
        let (network, now) = (&self.network, self.now());
        network.live.as_ref().map(link_is).hash(&mut hasher);
        let is_ahead = |moment: Option<_>| moment.is_some_and(|moment| moment > now);
        let waits = [
            network.silent_until,
            network.refuses_until,
            network.settles_at,
        ];
        waits.map(is_ahead).hash(&mut hasher);
        let links = [network.connecting, network.securing].map(|link| link.is_some());
        (links, few(network.left.len())).hash(&mut hasher);
        self.paper.likeness().hash(&mut hasher);
        (self.is_disk_late(), self.storage.condition()).hash(&mut hasher);
        let ledger = &self.ledger;
        let (there, marked) = (&ledger.on_server, &ledger.marked);
        few(there.len()).hash(&mut hasher);
        few(marked.difference(there).count()).hash(&mut hasher);
        let commit = ledger.commit.as_ref();
        let commit = commit.map(|commit| (few(commit.targets.len()), commit.doubtful));
        commit.hash(&mut hasher);
        hasher.finish()
    }
}

fn daemon_is(daemon: &Daemon, status: &Status) -> impl Hash + use<> {
    let places = [Place::Root, Place::Deleted].map(|place| few(daemon.entries(place).len()));
    let kinds = daemon
        .requests
        .values()
        .map(|request| discriminant(&request.want));
    let session = (discriminant(&status.link.session), status.link.partial);
    let wishes = (status.committing, status.refreshing, status.parking);
    let engine = (
        daemon.engine.outgoing().is_empty(),
        daemon.engine.wake_at().is_some(),
        few(daemon.disk.backlog()),
    );
    let open = daemon.handles.iter().filter(|handle| handle.open.is_some());
    (
        (daemon.is_mounted, session, wishes, engine, places),
        kinds.take(MANY).collect::<Vec<_>>(),
        (few(open.count()), few(status.cache.messages as usize)),
    )
}

fn link_is(link: &Link) -> impl Hash + use<> {
    (
        (link.is_dead, link.is_cut, link.is_open(), link.is_owing()),
        (link.messages.is_some(), link.is_deleting(), link.quits()),
        (link.is_refused_quit, link.has_deleted),
        (link.on_the_way_up() > 0, link.audible() > 0),
    )
}

fn few(count: usize) -> usize {
    count.min(MANY)
}
