//! What the connections and the test share.

use crate::builder::Config;
use crate::guarded::Guarded;
use crate::occupancy::Occupancy;
use crate::record::Record;
use crate::script::Script;
use crate::store::Store;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// What the connections and the test share. No lock is held while another one is waited for,
/// except that the script's may be taken last.
pub(crate) struct Shared {
    pub config: Config,
    pub store: Guarded<Box<dyn Store>>,
    pub script: Guarded<Script>,
    pub record: Guarded<Record>,
    pub occupancy: Occupancy,
    connections: Guarded<Connections>,
    pub door_open: AtomicBool,
}

/// A connection; rises from the first one on.
pub(crate) type ConnectionId = u64;

/// Those that have not ended.
#[derive(Default)]
struct Connections {
    /// None where a conversation stands in for the socket.
    sockets: HashMap<ConnectionId, Option<TcpStream>>,
    so_far: ConnectionId,
}

impl Shared {
    pub(crate) fn new(config: Config, store: Box<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            config,
            store: Guarded::new(store),
            script: Guarded::default(),
            record: Guarded::default(),
            occupancy: Occupancy::default(),
            connections: Guarded::default(),
            door_open: AtomicBool::new(true),
        })
    }

    /// A connection begins, over a socket or none.
    pub(crate) fn admit(&self, socket: Option<TcpStream>) -> ConnectionId {
        let mut connections = self.connections.lock();
        connections.so_far += 1;
        let id = connections.so_far;
        connections.sockets.insert(id, socket);
        id
    }

    /// How many have begun.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.lock().so_far
    }

    /// A connection has ended.
    pub(crate) fn dismiss(&self, id: ConnectionId) {
        self.connections.lock().sockets.remove(&id);
    }

    /// Ends every connection at once, as a link does that breaks.
    pub(crate) fn cut_all(&self) {
        for socket in self.connections.lock().sockets.values().flatten() {
            // One that is cut already is as it should be.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// Whether the connection has ended, or its client has left it.
    pub(crate) fn is_left(&self, connection: ConnectionId) -> bool {
        match self.connections.lock().sockets.get(&connection) {
            Some(Some(socket)) => is_hung_up(socket, Duration::ZERO),
            Some(None) => false,
            None => true,
        }
    }
}

/// Whether the other end hangs up, or has, within this time.
pub(crate) fn is_hung_up(socket: &TcpStream, within: Duration) -> bool {
    let mut socket = [PollFd::new(
        socket.as_fd(),
        PollFlags::from_bits_retain(libc::POLLRDHUP),
    )];
    let timeout = PollTimeout::try_from(within).unwrap_or(PollTimeout::MAX);
    poll(&mut socket, timeout).is_ok_and(|ready| ready > 0)
}
