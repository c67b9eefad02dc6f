//! A long way on loopback: a relay that delays what it carries and never waits for one part to
//! arrive before it takes the next, so that pipelining works through it as on a real line.

mod lane;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::prctl::set_timerslack;
use nix::sys::time::TimeSpec;

use lane::Lane;

/// While answers are held back, how often to look whether they still are.
const HOLD_CHECK: Duration = Duration::from_millis(5);

/// How far away the server is, and how wide the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distance {
    /// What one question and its answer take on the way, together.
    pub round_trip: Duration,
    /// Bits a second, in each direction.
    pub bandwidth: Option<u64>,
}

impl Distance {
    /// None at all.
    pub const NONE: Distance = Distance {
        round_trip: Duration::ZERO,
        bandwidth: None,
    };

    /// Whether the server may as well be asked directly.
    pub fn is_none(self) -> bool {
        self.round_trip.is_zero() && self.bandwidth.is_none()
    }
}

/// A port on loopback behind which the server is some distance away. It lives as long as the process.
pub struct Relay {
    port: u16,
    held: Arc<AtomicBool>,
}

impl Relay {
    /// Stands between its own port and the server's.
    pub fn start(server: u16, distance: Distance) -> io::Result<Relay> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let held = Arc::new(AtomicBool::new(false));
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, server));
        let carried = Arc::clone(&held);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let held = Arc::clone(&carried);
                thread::spawn(move || carry(client, server, distance, &held));
            }
        });
        Ok(Relay { port, held })
    }

    /// Where clients connect.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Lets nothing of the server's through until the guard is dropped.
    pub fn hold(&self) -> Hold<'_> {
        self.held.store(true, Ordering::Release);
        Hold { relay: self }
    }
}

/// While it lives, the server seems to be silent.
pub struct Hold<'a> {
    relay: &'a Relay,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.relay.held.store(false, Ordering::Release);
    }
}

/// Carries one connection until both sides have closed it.
fn carry(
    client: TcpStream,
    server: SocketAddr,
    distance: Distance,
    held: &AtomicBool,
) -> io::Result<()> {
    // The kernel may wake a sleeper 50 µs late unless told not to.
    set_timerslack(1)?;
    // The call has to travel, too, before the server can greet.
    thread::sleep(distance.round_trip / 2);
    let server = TcpStream::connect(server)?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
    }
    let mut up = Lane::new(&client, &server, distance);
    let mut down = Lane::new(&server, &client, distance);
    while !(up.is_finished() && down.is_finished()) {
        wait(&up, &down, held.load(Ordering::Acquire))?;
        up.collect()?;
        down.collect()?;
        up.deliver()?;
        if !held.load(Ordering::Acquire) {
            down.deliver()?;
        }
    }
    Ok(())
}

/// Sleeps until there is something to collect, or something is due.
fn wait(up: &Lane, down: &Lane, held: bool) -> io::Result<()> {
    let now = Instant::now();
    let delivering = [Some(up), Some(down).filter(|_| !held)];
    let due = delivering
        .iter()
        .flatten()
        .filter_map(|lane| lane.due(now))
        .min();
    let check = held.then(|| now + HOLD_CHECK);
    let until = due.into_iter().chain(check).min();
    let mut wanted = Vec::new();
    for (source, sink) in [(up, delivering[1]), (down, delivering[0])] {
        let mut events = PollFlags::empty();
        events.set(PollFlags::POLLIN, source.has_room());
        events.set(
            PollFlags::POLLOUT,
            sink.is_some_and(|lane| lane.is_due(now)),
        );
        // A socket that has hung up would wake us for ever.
        if !events.is_empty() {
            wanted.push(PollFd::new(source.source().as_fd(), events));
        }
    }
    let timeout = until.map(|until| TimeSpec::from_duration(until.saturating_duration_since(now)));
    ppoll(&mut wanted, timeout, None)?;
    Ok(())
}
