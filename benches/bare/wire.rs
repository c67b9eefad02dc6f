//! The connection of the bare client: it always reads while it writes, in large pieces.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::AsFd;
use std::os::linux::net::TcpStreamExt;

use native_tls::TlsStream;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::replies::{Replies, Shape, Tally};
use crate::account::{Account, Trust};

/// Large enough that system calls cost little, small enough to stay in the processor's cache.
const BUFFER: usize = 256 * 1024;

/// A connection and what has come but is not yet understood.
pub struct Wire {
    stream: Stream,
    buffer: Box<[u8]>,
    filled: usize,
    acknowledges_at_once: bool,
}

enum Stream {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    /// Connects, with TLS from the start where the account says so.
    pub fn connect(account: &Account) -> io::Result<Wire> {
        let tcp = TcpStream::connect((Ipv4Addr::LOCALHOST, account.port))?;
        tcp.set_nodelay(true)?;
        let stream = match &account.trust {
            None => Stream::Clear(tcp),
            Some(trust) => Stream::Tls(Box::new(handshake(tcp, trust)?)),
        };
        stream.tcp().set_nonblocking(true)?;
        Ok(Wire {
            stream,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            filled: 0,
            acknowledges_at_once: false,
        })
    }

    /// Has the kernel acknowledge without delay from now on.
    pub fn acknowledge_at_once(&mut self) {
        self.acknowledges_at_once = true;
    }

    /// Sends commands and reads their replies to the end of the last.
    pub fn exchange(&mut self, commands: &str, shapes: &[Shape]) -> io::Result<Tally> {
        let mut unsent = commands.as_bytes();
        let mut replies = Replies::new(shapes);
        loop {
            self.send(&mut unsent)?;
            self.wait(!unsent.is_empty())?;
            if let Some(tally) = self.receive(&mut replies)? {
                return Ok(tally);
            }
        }
    }

    /// Writes until the socket takes no more.
    fn send(&mut self, unsent: &mut &[u8]) -> io::Result<()> {
        while !unsent.is_empty() {
            match self.stream.write(unsent) {
                Ok(length) => *unsent = &unsent[length..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads until the last reply has ended or the socket has no more; TLS may hold bytes that
    /// the socket knows nothing of, so less would not do.
    fn receive(&mut self, replies: &mut Replies) -> io::Result<Option<Tally>> {
        while replies.outcome().is_none() {
            if self.acknowledges_at_once {
                // It wears off.
                self.stream.tcp().set_quickack(true)?;
            }
            match self.stream.read(&mut self.buffer[self.filled..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.understand(length, replies)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(replies.outcome())
    }

    /// Looks at what has come, and keeps the part of a line at its end.
    fn understand(&mut self, length: usize, replies: &mut Replies) -> io::Result<()> {
        let known = self.filled + length;
        let taken = replies.take(&self.buffer[..known])?;
        self.buffer.copy_within(taken..known, 0);
        self.filled = known - taken;
        if replies.outcome().is_some() && self.filled > 0 {
            return Err(io::Error::other("the server said more than it was asked"));
        }
        Ok(())
    }

    /// Waits until the socket has something, or takes something.
    fn wait(&self, unsent: bool) -> io::Result<()> {
        let mut events = PollFlags::POLLIN;
        events.set(PollFlags::POLLOUT, unsent);
        poll(
            &mut [PollFd::new(self.stream.tcp().as_fd(), events)],
            PollTimeout::NONE,
        )?;
        Ok(())
    }
}

/// Begins TLS with a server that its authority vouches for.
fn handshake(tcp: TcpStream, trust: &Trust) -> io::Result<TlsStream<TcpStream>> {
    let stream = trust.connector.connect("localhost", tcp);
    stream.map_err(io::Error::other)
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Stream::Clear(tcp) => tcp,
            Stream::Tls(tls) => tls.get_ref(),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Clear(tcp) => tcp.read(buffer),
            Stream::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Clear(tcp) => tcp.write(bytes),
            Stream::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
