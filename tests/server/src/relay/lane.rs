//! One direction of a line: bytes go in as they come, and out when their time has come.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::Distance;

/// The most that is read at once.
const PORTION: usize = 256 * 1024;

/// On a line of limited width, how long a portion may occupy it: the grain of the delay.
const GRAIN: Duration = Duration::from_micros(500);

/// The least that is read at once: about one packet.
const PACKET: usize = 1500;

/// What waits before a line that is busy: the buffer of a modest router.
const BACKLOG: usize = 256 * 1024;

/// The width, in bits a second, of a line without a limit. More than the server sends here, so it
/// bounds the memory and nothing else.
const UNLIMITED: u64 = 8_000_000_000;

/// One direction of a connection.
pub struct Lane<'a> {
    source: &'a TcpStream,
    sink: &'a TcpStream,
    delay: Duration,
    bandwidth: Option<u64>,
    /// What is under way, never more than `room`.
    bytes: VecDeque<u8>,
    portions: VecDeque<Portion>,
    room: usize,
    scratch: Box<[u8]>,
    /// When the line has taken all that was put on it.
    idle_at: Instant,
    ended: bool,
}

/// Bytes that arrive together; none at all is the end of the stream.
struct Portion {
    due: Instant,
    length: usize,
}

impl<'a> Lane<'a> {
    /// A lane from one socket to the other; both must be non-blocking.
    pub fn new(source: &'a TcpStream, sink: &'a TcpStream, distance: Distance) -> Lane<'a> {
        let delay = distance.round_trip / 2;
        let width = distance.bandwidth.unwrap_or(UNLIMITED);
        let portion = octets(width, GRAIN).clamp(PACKET, PORTION);
        Lane {
            source,
            sink,
            delay,
            bandwidth: distance.bandwidth,
            bytes: VecDeque::new(),
            portions: VecDeque::new(),
            room: octets(width, delay) + BACKLOG + portion,
            scratch: vec![0; portion].into_boxed_slice(),
            idle_at: Instant::now(),
            ended: false,
        }
    }

    /// Where the bytes come from.
    pub fn source(&self) -> &'a TcpStream {
        self.source
    }

    /// Whether more may be collected.
    pub fn has_room(&self) -> bool {
        !self.ended && self.bytes.len() + self.scratch.len() <= self.room
    }

    /// Whether something should be delivered now.
    pub fn is_due(&self, now: Instant) -> bool {
        self.portions
            .front()
            .is_some_and(|portion| portion.due <= now)
    }

    /// When something will be due that is not yet.
    pub fn due(&self, now: Instant) -> Option<Instant> {
        self.portions
            .front()
            .map(|portion| portion.due)
            .filter(|due| *due > now)
    }

    /// Whether the end of the stream has been delivered.
    pub fn is_finished(&self) -> bool {
        self.ended && self.portions.is_empty()
    }

    /// Takes what the source has, as far as there is room.
    pub fn collect(&mut self) -> io::Result<()> {
        while self.has_room() {
            let mut source = self.source;
            let Some(length) = unless_blocked(source.read(&mut self.scratch))? else {
                break;
            };
            let due = self.put_on_the_line(length) + self.delay;
            self.bytes.extend(&self.scratch[..length]);
            self.portions.push_back(Portion { due, length });
            self.ended = length == 0;
        }
        Ok(())
    }

    /// Gives the sink what is due, as far as it takes it and no more than `max` bytes; how many it
    /// has taken.
    pub fn deliver(&mut self, max: usize) -> io::Result<usize> {
        let now = Instant::now();
        let due = self
            .portions
            .iter()
            .take_while(|portion| portion.due <= now);
        let length = max.min(due.map(|portion| portion.length).sum());
        let mut delivered = 0;
        while delivered < length {
            let Some(sent) = unless_blocked(self.send(length - delivered))? else {
                return Ok(delivered);
            };
            self.forget(sent);
            delivered += sent;
        }
        if self.is_due(now) && self.bytes.is_empty() {
            self.portions.clear();
            self.sink.shutdown(Shutdown::Write)?;
        }
        Ok(delivered)
    }

    /// Writes up to so many of the first bytes.
    fn send(&self, length: usize) -> io::Result<usize> {
        let (front, back) = self.bytes.as_slices();
        let front = &front[..front.len().min(length)];
        let back = &back[..back.len().min(length - front.len())];
        let mut sink = self.sink;
        sink.write_vectored(&[IoSlice::new(front), IoSlice::new(back)])
    }

    /// Drops the first bytes and the portions they were.
    fn forget(&mut self, mut length: usize) {
        self.bytes.drain(..length);
        while let Some(portion) = self.portions.front_mut().filter(|_| length > 0) {
            let part = portion.length.min(length);
            portion.length -= part;
            length -= part;
            if portion.length == 0 {
                self.portions.pop_front();
            }
        }
    }

    /// When the last of these bytes has entered the line.
    fn put_on_the_line(&mut self, length: usize) -> Instant {
        let now = Instant::now();
        let Some(bandwidth) = self.bandwidth else {
            return now;
        };
        let occupied = Duration::from_secs_f64(length as f64 * 8.0 / bandwidth as f64);
        self.idle_at = self.idle_at.max(now) + occupied;
        self.idle_at
    }
}

/// How many octets a line takes in a time.
fn octets(bandwidth: u64, time: Duration) -> usize {
    (bandwidth as f64 / 8.0 * time.as_secs_f64()) as usize
}

/// None when the socket has nothing to give or take now.
fn unless_blocked(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(length) => Ok(Some(length)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
