//! How a link comes to its end before its time.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};

/// What becomes of a link once so much has gone through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// After so many bytes, both directions taken together.
    pub after: usize,
    /// It happens.
    pub mishap: Mishap,
}

/// What can happen to a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// Each side is told that the other has hung up.
    HangUp,
    /// Each side is told that the link is broken.
    Break,
    /// Nothing goes through for so long; then all is well.
    Stall(Duration),
    /// The server is told that the client has hung up; the client hears nothing for so long, and
    /// then that the link is broken.
    HalfOpen(Duration),
}

impl Mishap {
    /// Ends the link in this way.
    pub(super) fn end(self, client: TcpStream, server: TcpStream) -> io::Result<()> {
        match self {
            Self::HangUp | Self::Stall(_) => hang_up(&[client, server]),
            Self::Break => shatter(&[client, server]),
            Self::HalfOpen(span) => {
                hang_up(&[server])?;
                thread::sleep(span);
                shatter(&[client])
            }
        }
    }
}

fn hang_up(streams: &[TcpStream]) -> io::Result<()> {
    streams
        .iter()
        .try_for_each(|stream| stream.shutdown(Shutdown::Both))
}

/// A socket that may not linger is reset when it is closed.
fn shatter(streams: &[TcpStream]) -> io::Result<()> {
    let at_once = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    for stream in streams {
        setsockopt(stream, sockopt::Linger, &at_once)?;
    }
    Ok(())
}
