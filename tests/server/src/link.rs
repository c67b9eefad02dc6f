//! The connection to one client: lines in, octets out.

use crate::shared::{Shared, is_hung_up};
use native_tls::{HandshakeError, TlsAcceptor, TlsStream};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// Longer than any command; an AUTH line may be longer than RFC 2449's 255 octets.
const LONGEST_LINE: usize = 4096;

/// RFC 1939 section 3: a server may end a session after 10 minutes' silence.
const SILENCE: Duration = Duration::from_secs(600);

/// Replies to pipelined commands are sent together, up to about this many octets.
const BATCH: usize = 64 * 1024;

/// The connection to one client.
pub(crate) struct Link {
    shared: Arc<Shared>,
    stream: Stream,
    /// The same socket, for what TLS has no part in.
    socket: TcpStream,
    input: Vec<u8>,
    /// How much of `input` has been taken.
    taken: usize,
    output: Vec<u8>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Link {
    pub(crate) fn new(shared: Arc<Shared>, socket: TcpStream) -> io::Result<Self> {
        socket.set_nodelay(!shared.config.coalesces)?;
        socket.set_read_timeout(Some(shared.config.idle.unwrap_or(SILENCE)))?;
        socket.set_write_timeout(Some(SILENCE))?;
        Ok(Self {
            shared,
            stream: Stream::Plain(socket.try_clone()?),
            socket,
            input: Vec::new(),
            taken: 0,
            output: Vec::new(),
        })
    }

    /// The next line without its line end, or `None` at the end. All replies are sent before it waits.
    pub(crate) fn read_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let unread = &self.input[self.taken..];
            if let Some(end) = unread.iter().position(|&octet| octet == b'\n') {
                let line = unread[..end]
                    .strip_suffix(b"\r")
                    .unwrap_or(&unread[..end])
                    .to_vec();
                self.taken += end + 1;
                return Ok(Some(line));
            }
            if unread.len() > LONGEST_LINE {
                return Err(ErrorKind::InvalidData.into());
            }
            self.flush()?;
            if self.fill()? == 0 {
                return Ok(None);
            }
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        self.input.drain(..self.taken);
        self.taken = 0;
        let mut octets = [0; LONGEST_LINE];
        let length = self.stream.as_dyn().read(&mut octets)?;
        self.input.extend_from_slice(&octets[..length]);
        Ok(length)
    }

    /// Whether the client has sent more than was read.
    pub(crate) fn has_input(&self) -> bool {
        self.taken < self.input.len()
    }

    /// Forgets what the client has sent.
    pub(crate) fn discard_input(&mut self) {
        self.input.clear();
        self.taken = 0;
    }

    /// Sends octets, soon.
    pub(crate) fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.output.extend_from_slice(octets);
        if self.output.len() > BATCH {
            self.flush()?;
        }
        Ok(())
    }

    /// Sends what is to be sent, in pieces if so told.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let output = std::mem::take(&mut self.output);
        let piece = self.shared.script.lock().piece();
        for octets in output.chunks(piece) {
            let cut = self.shared.script.lock().octets_before_cut(octets.len());
            let allowed = octets.get(..cut.unwrap_or(usize::MAX)).unwrap_or(octets);
            self.stream.as_dyn().write_all(allowed)?;
            self.stream.as_dyn().flush()?;
            if cut.is_some() {
                return Err(self.cut());
            }
        }
        Ok(())
    }

    /// Ends the connection as a link does that breaks: no farewell from TLS. Gives the error to pass up.
    pub(crate) fn cut(&mut self) -> io::Error {
        // One that is gone already is as it should be.
        let _ = self.socket.shutdown(Shutdown::Both);
        ErrorKind::ConnectionAborted.into()
    }

    /// Lets time pass; an error if the client hangs up meanwhile.
    pub(crate) fn wait(&mut self, time: Duration) -> io::Result<()> {
        match is_hung_up(&self.socket, time) {
            true => Err(ErrorKind::ConnectionAborted.into()),
            false => Ok(()),
        }
    }

    /// Goes on in TLS. What the client sent in clear before is forgotten (RFC 2595 section 4).
    pub(crate) fn start_tls(&mut self, acceptor: &TlsAcceptor) -> io::Result<()> {
        self.discard_input();
        let socket = self.socket.try_clone()?;
        match acceptor.accept(socket) {
            Ok(stream) => self.stream = Stream::Tls(Box::new(stream)),
            Err(HandshakeError::Failure(error)) => return Err(io::Error::other(error)),
            Err(HandshakeError::WouldBlock(_)) => return Err(ErrorKind::TimedOut.into()),
        }
        Ok(())
    }

    /// Ends the connection in good order.
    pub(crate) fn close(mut self) -> io::Result<()> {
        self.flush()?;
        match &mut self.stream {
            Stream::Tls(stream) => stream.shutdown(),
            Stream::Plain(stream) => stream.shutdown(Shutdown::Write),
        }
    }
}

impl Stream {
    fn as_dyn(&mut self) -> &mut dyn ReadWrite {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream,
        }
    }
}

trait ReadWrite: Read + Write {}

impl<T: Read + Write> ReadWrite for T {}
