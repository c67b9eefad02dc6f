//! A long way on loopback: a relay that delays what it carries and never waits for one part to
//! arrive before it takes the next, so that pipelining works through it as on a real line. Its links
//! can come to a bad end.

mod distance;
mod fate;
mod lane;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::prctl::set_timerslack;
use nix::sys::time::TimeSpec;

pub use distance::Distance;
pub use fate::{Fate, Mishap};
use lane::Lane;

/// While answers are held back, how often to look whether they still are.
const HOLD_CHECK: Duration = Duration::from_millis(5);

/// A port on loopback behind which the server is some distance away. It lives as long as the process.
pub struct Relay {
    port: u16,
    held: Arc<AtomicBool>,
    mishaps: Arc<Mutex<Vec<Mishap>>>,
}

impl Relay {
    /// Stands between its own port and the server's.
    pub fn start(server: u16, distance: Distance) -> io::Result<Relay> {
        Self::with_fates(server, distance, || None)
    }

    /// The same; each link has a fate, or none.
    pub fn with_fates(
        server: u16,
        distance: Distance,
        mut fates: impl FnMut() -> Option<Fate> + Send + 'static,
    ) -> io::Result<Relay> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let held = Arc::new(AtomicBool::new(false));
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, server));
        let mishaps = Arc::default();
        let way = Way {
            distance,
            held: Arc::clone(&held),
            mishaps: Arc::clone(&mishaps),
        };
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (way, fate) = (way.clone(), fates());
                thread::spawn(move || way.join(client, server, fate));
            }
        });
        let relay = Relay {
            port,
            held,
            mishaps,
        };
        Ok(relay)
    }

    /// Where clients connect.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What has happened to links.
    pub fn mishaps(&self) -> Vec<Mishap> {
        self.mishaps.lock().expect("no panic").clone()
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

/// What is between the client and the server.
#[derive(Clone)]
struct Way {
    distance: Distance,
    held: Arc<AtomicBool>,
    mishaps: Arc<Mutex<Vec<Mishap>>>,
}

impl Way {
    /// Connects a client to the server until one of them has enough, or fate is against it.
    fn join(&self, client: TcpStream, server: SocketAddr, fate: Option<Fate>) -> io::Result<()> {
        // The kernel may wake a sleeper 50 µs late unless told not to.
        set_timerslack(1)?;
        // The call has to travel, too, before the server can greet.
        thread::sleep(self.distance.round_trip / 2);
        let server = TcpStream::connect(server)?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
        }
        match self.carry(&client, &server, fate)? {
            Some(mishap) => mishap.end(client, server),
            None => Ok(()),
        }
    }

    /// Carries what there is until both sides have closed the connection; or until something
    /// happens that ends it.
    fn carry(
        &self,
        client: &TcpStream,
        server: &TcpStream,
        fate: Option<Fate>,
    ) -> io::Result<Option<Mishap>> {
        let mut up = Lane::new(client, server, self.distance);
        let mut down = Lane::new(server, client, self.distance);
        let mut left = fate.map_or(usize::MAX, |fate| fate.after);
        while !(up.is_finished() && down.is_finished()) {
            wait(&up, &down, self.is_held())?;
            up.collect()?;
            down.collect()?;
            left -= up.deliver(left)?;
            if !self.is_held() {
                left -= down.deliver(left)?;
            }
            if let (0, Some(Fate { mishap, .. })) = (left, fate) {
                self.mishaps.lock().expect("no panic").push(mishap);
                let Mishap::Stall(span) = mishap else {
                    return Ok(Some(mishap));
                };
                thread::sleep(span);
                left = usize::MAX;
            }
        }
        Ok(None)
    }

    fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }
}

/// Sleeps until there is something to collect, or something is due.
fn wait(up: &Lane, down: &Lane, held: bool) -> io::Result<()> {
    let now = Instant::now();
    let delivering = [Some(up), (!held).then_some(down)];
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
