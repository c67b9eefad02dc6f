//! Accepting connections, a thread for each.

use crate::connection;
use crate::shared::{ConnectionId, Shared};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Each connection has a thread; more are closed without a greeting.
const MOST_CONNECTIONS: usize = 64;

/// How long the listener rests when the system has nothing left for a connection.
const RECOVERY: Duration = Duration::from_millis(20);

/// Accepts connections until the other end of `stop` is dropped; then ends them all.
pub(crate) fn listen(shared: &Arc<Shared>, listener: &TcpListener, stop: &UnixStream) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    while comes_before(listener, stop) {
        threads.retain(|thread| !thread.is_finished());
        let Some(socket) = accept(listener) else {
            continue;
        };
        let admitted = shared.door_open.load(Ordering::Relaxed) && threads.len() < MOST_CONNECTIONS;
        threads.extend(admitted.then(|| spawn(shared, socket)).flatten());
    }
    shared.cut_all();
    for thread in threads {
        // A panic has been reported already.
        let _ = thread.join();
    }
}

/// Waits for a connection; false if the server is to stop.
fn comes_before(listener: &TcpListener, stop: &UnixStream) -> bool {
    let mut both = [listener.as_fd(), stop.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
    let ready = poll(&mut both, PollTimeout::NONE);
    ready.is_err() || !both[1].any().unwrap_or(true)
}

fn accept(listener: &TcpListener) -> Option<TcpStream> {
    match listener.accept() {
        Ok((socket, _)) => Some(socket),
        // The client has gone already.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        // Out of descriptors, most likely: some will be closed.
        Err(_) => {
            thread::sleep(RECOVERY);
            None
        }
    }
}

fn spawn(shared: &Arc<Shared>, socket: TcpStream) -> Option<JoinHandle<()>> {
    let registration = Registration::new(shared, &socket).ok()?;
    Some(thread::spawn(move || {
        // A client that goes away, and a link that is cut, end in an error; that is all there is to it.
        let _ = connection::serve(Arc::clone(&registration.shared), socket, registration.id);
    }))
}

/// A connection's place among those that can be cut. It is taken off even if the thread panics.
struct Registration {
    shared: Arc<Shared>,
    id: ConnectionId,
}

impl Registration {
    fn new(shared: &Arc<Shared>, socket: &TcpStream) -> io::Result<Self> {
        let id = shared.admit(Some(socket.try_clone()?));
        Ok(Self {
            shared: Arc::clone(shared),
            id,
        })
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.shared.dismiss(self.id);
    }
}
