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
    pub connections: Guarded<HashMap<ConnectionId, TcpStream>>,
    pub door_open: AtomicBool,
}

/// A connection; rises from the first one on.
pub(crate) type ConnectionId = u64;

impl Shared {
    /// Ends every connection at once, as a link does that breaks.
    pub(crate) fn cut_all(&self) {
        for socket in self.connections.lock().values() {
            // One that is cut already is as it should be.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// Whether the connection has ended, or its client has left it.
    pub(crate) fn is_left(&self, connection: ConnectionId) -> bool {
        self.connections
            .lock()
            .get(&connection)
            .is_none_or(|socket| is_hung_up(socket, Duration::ZERO))
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
