//! One connection, clear or in TLS, that never blocks.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use openssl::ssl::{ErrorCode, SslStream};

use super::ChannelBinding;
use super::socket::Socket;

/// What came of one try to read or to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// This many octets were moved; at least one, unless there was no room or nothing to write.
    Octets(usize),
    /// Nothing can be moved now: poll, then try again.
    WouldBlock,
    /// The server has ended the connection in good order. Only a read finds this.
    Closed,
}

/// A connection to the server.
///
/// Poll its descriptor (it is [`AsFd`]), then call [`read`](Self::read) **until it says
/// [`Progress::WouldBlock`]**: TLS takes whole records off the socket, so octets may wait inside
/// the stream while the descriptor has nothing to read.
#[derive(Debug)]
pub struct Stream(Channel);

#[derive(Debug)]
enum Channel {
    Clear(Socket),
    Tls(Box<SslStream<Wire>>),
}

impl Stream {
    /// A connection in clear over a socket that does not block.
    pub(super) fn clear(socket: Socket) -> Self {
        Self(Channel::Clear(socket))
    }

    /// A connection whose TLS handshake is done.
    pub(super) fn tls(stream: SslStream<Wire>) -> Self {
        Self(Channel::Tls(Box::new(stream)))
    }

    /// The socket, where the connection is in clear.
    pub(super) fn into_clear_socket(self) -> Option<Socket> {
        match self.0 {
            Channel::Clear(socket) => Some(socket),
            Channel::Tls(_) => None,
        }
    }

    /// Whether what is sent is encrypted.
    pub fn is_tls(&self) -> bool {
        matches!(self.0, Channel::Tls(_))
    }

    /// The version of TLS, as OpenSSL writes it; nothing in clear.
    pub fn tls_version(&self) -> Option<&'static str> {
        match &self.0 {
            Channel::Clear(_) => None,
            Channel::Tls(stream) => Some(stream.ssl().version_str()),
        }
    }

    /// What a login can be bound to; nothing in clear.
    pub fn channel_binding(&self) -> Option<ChannelBinding> {
        match &self.0 {
            Channel::Clear(_) => None,
            Channel::Tls(stream) => ChannelBinding::of(stream.ssl()),
        }
    }

    /// Takes what has arrived, as much as `buffer` has room for.
    ///
    /// An end without TLS's farewell is [`Progress::Closed`] too: several servers leave so after
    /// QUIT, and POP3's own framing shows whether anything was cut off.
    ///
    /// # Errors
    ///
    /// The link broke (such as `ECONNRESET`), or what came is not TLS.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<Progress> {
        let room = buffer.len();
        let outcome = loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome,
            }
        };
        match outcome {
            Ok(0) if room > 0 => Ok(Progress::Closed),
            Err(_) if self.0.ended_without_farewell() => Ok(Progress::Closed),
            outcome => progress(outcome),
        }
    }

    /// Whether a read of so many octets into a buffer of this size has left nothing behind that
    /// poll(2) does not know of: one in clear takes all there is.
    pub fn is_empty_after(&self, octets: usize, room: usize) -> bool {
        octets < room && !self.is_tls()
    }

    /// Hands over as many of `octets` as there is room for. After [`Progress::WouldBlock`] the
    /// next write must begin with the same octets, as TLS may have encrypted some already.
    ///
    /// # Errors
    ///
    /// The link broke (such as `EPIPE`).
    pub fn write(&mut self, octets: &[u8]) -> io::Result<Progress> {
        loop {
            match self.0.write(octets) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => return progress(outcome),
            }
        }
    }

    /// Acknowledges at once what arrives next. It wears off, so it is asked for around each read
    /// where commands go out one by one: a server that waits for our acknowledgement before its
    /// next segment (Nagle) otherwise costs 40 ms a message. Only speed is lost where it fails.
    pub fn quick_ack(&self) {
        if let Err(error) = self.0.socket().quick_ack() {
            log::debug!("cannot ask for quick acknowledgements: {error}");
        }
    }

    /// Why it has ended, where something on the way to the server knows. May take half a second.
    pub fn last_words(&self) -> Option<String> {
        self.0.socket().program()?.last_words()
    }

    /// Says farewell, as far as that goes without waiting, and closes.
    pub fn shutdown(mut self) {
        if let Channel::Tls(stream) = &mut self.0
            && let Err(error) = stream.shutdown()
            && error.code() != ErrorCode::ZERO_RETURN
        {
            log::debug!("TLS ended without farewell: {error}");
        }
        if let Err(error) = self.0.socket().shutdown() {
            log::debug!("the connection was closed already: {error}");
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.socket().as_fd()
    }
}

impl Channel {
    fn socket(&self) -> &Socket {
        match self {
            Self::Clear(socket) => socket,
            Self::Tls(stream) => &stream.get_ref().socket,
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Clear(socket) => socket.write(octets),
            Self::Tls(stream) => stream.write(octets),
        }
    }

    fn ended_without_farewell(&self) -> bool {
        matches!(self, Self::Tls(stream) if stream.get_ref().ended)
    }
}

fn progress(outcome: io::Result<usize>) -> io::Result<Progress> {
    match outcome {
        Ok(count) => Ok(Progress::Octets(count)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Progress::WouldBlock),
        Err(error) => Err(error),
    }
}

/// The socket under TLS. It remembers whether the server's side has ended, because TLS reports
/// that like any other error.
#[derive(Debug)]
pub(super) struct Wire {
    socket: Socket,
    ended: bool,
}

impl Wire {
    /// A socket whose end has not been seen.
    pub(super) fn new(socket: Socket) -> Self {
        Self {
            socket,
            ended: false,
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.socket.read(buffer)?;
        self.ended |= count == 0 && !buffer.is_empty();
        Ok(count)
    }
}

impl Write for Wire {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.socket.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Security;
    use super::super::deadline::Deadline;
    use super::super::test_server::{AMPLE, Authority, accept_tls, connector, serve};
    use super::*;
    use native_tls::TlsStream;
    use std::net::TcpStream;

    fn connect(port: u16, security: Security, authority: Option<&Authority>) -> Stream {
        let connector = connector(port, security, authority);
        connector.connect(AMPLE).unwrap()
    }

    /// Polls and reads, as the documentation says, until the stream ends.
    fn read_to_end(stream: &mut Stream) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        let mut buffer = [0; 1000];
        loop {
            match stream.read(&mut buffer)? {
                Progress::Octets(count) => {
                    text.extend_from_slice(&buffer[..count]);
                    if stream.is_empty_after(count, buffer.len()) {
                        assert!(Deadline::after(AMPLE).wait_readable(&*stream)?);
                    }
                }
                Progress::WouldBlock => assert!(Deadline::after(AMPLE).wait_readable(&*stream)?),
                Progress::Closed => return Ok(text),
            }
        }
    }

    /// A text longer than the largest TLS record.
    fn long_text() -> Vec<u8> {
        (0..=u8::MAX).cycle().take(50_000).collect()
    }

    #[test]
    fn a_clear_stream_carries_octets_both_ways_and_closes() {
        let (port, server) = serve(|mut socket| {
            let mut command = [0; 6];
            socket.read_exact(&mut command).unwrap();
            socket.write_all(&long_text()).unwrap();
            command
        });
        let mut stream = connect(port, Security::Cleartext, None);
        assert_eq!(stream.read(&mut [0; 9]).unwrap(), Progress::WouldBlock);
        assert_eq!(stream.write(b"QUIT\r\n").unwrap(), Progress::Octets(6));
        stream.quick_ack();
        assert_eq!(read_to_end(&mut stream).unwrap(), long_text());
        assert_eq!(&server.join().unwrap(), b"QUIT\r\n");
    }

    /// What a client reads when the server sends a long text over TLS and then leaves.
    fn read_over_tls(leave: fn(TlsStream<TcpStream>)) -> io::Result<Vec<u8>> {
        let authority = Authority::new();
        let identity = authority.identity("DNS:localhost");
        let (port, server) = serve(move |socket| {
            let mut stream = accept_tls(socket, identity).unwrap();
            let mut command = [0; 6];
            stream.read_exact(&mut command).unwrap();
            stream.write_all(&long_text()).unwrap();
            leave(stream);
            command
        });
        let mut stream = connect(port, Security::ImplicitTls, Some(&authority));
        assert_eq!(stream.read(&mut [0; 9]).unwrap(), Progress::WouldBlock);
        assert_eq!(stream.write(b"QUIT\r\n").unwrap(), Progress::Octets(6));
        let text = read_to_end(&mut stream);
        assert_eq!(&server.join().unwrap(), b"QUIT\r\n");
        text
    }

    #[test]
    fn a_tls_stream_carries_octets_both_ways_and_closes() {
        let text = read_over_tls(|mut stream| stream.shutdown().unwrap());
        assert_eq!(text.unwrap(), long_text());
    }

    #[test]
    fn tls_that_ends_without_farewell_is_closed_all_the_same() {
        assert_eq!(read_over_tls(drop).unwrap(), long_text());
    }

    #[test]
    fn a_reset_connection_is_an_error() {
        let (port, server) = serve(|socket| {
            // An end with unread octets is a reset.
            socket.peek(&mut [0; 1]).unwrap();
        });
        let mut stream = connect(port, Security::Cleartext, None);
        stream.write(b"QUIT\r\n").unwrap();
        server.join().unwrap();
        let error = read_to_end(&mut stream).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    #[test]
    fn writing_stops_when_there_is_no_more_room() {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (port, server) = serve(move |socket| (held.recv().is_err(), socket));
        let mut stream = connect(port, Security::Cleartext, None);
        let block = vec![0; 1 << 20];
        while stream.write(&block).unwrap() != Progress::WouldBlock {}
        drop(release);
        assert!(server.join().unwrap().0);
    }

    #[test]
    fn shutdown_says_farewell() {
        let authority = Authority::new();
        let identity = authority.identity("DNS:localhost");
        let (port, server) = serve(|socket| {
            let mut stream = accept_tls(socket, identity).unwrap();
            stream.read_to_end(&mut Vec::new())
        });
        connect(port, Security::ImplicitTls, Some(&authority)).shutdown();
        assert_eq!(server.join().unwrap().unwrap(), 0);
    }
}
