//! Ports on loopback.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below those that the system gives to whoever does not care.
const OWN: std::ops::Range<u32> = 20_000..32_000;

/// A port that was free a moment ago, and that the system may give to somebody else.
pub fn free() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("a bound address").port()
}

/// A port that is free until somebody asks for this one.
pub fn own() -> u16 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let first = process::id().wrapping_mul(97);
    let next = || first.wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed));
    std::iter::repeat_with(next)
        .map(|number| OWN.start + number % (OWN.end - OWN.start))
        .filter_map(|number| u16::try_from(number).ok())
        .find(|&port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
        .expect("a free port")
}

/// Whether a POP3 server greets at a port.
pub fn greets(port: u16) -> bool {
    let Ok(stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
        return false;
    };
    let mut greeting = String::new();
    let read = BufReader::new(stream).read_line(&mut greeting);
    read.is_ok() && greeting.starts_with("+OK")
}
