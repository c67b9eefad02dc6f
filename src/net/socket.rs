//! What octets go over, below TLS.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::linux::net::TcpStreamExt;
use std::os::unix::net::UnixStream;

use super::launcher::Program;

/// A connected socket that does not block.
#[derive(Debug)]
pub(super) enum Socket {
    /// To the server, or to a proxy that passes everything on.
    Tcp(TcpStream),
    /// To a program that does.
    Program(UnixStream, Program),
}

impl Socket {
    /// Acknowledges at once what arrives next; nothing but TCP has to be told so.
    pub(super) fn quick_ack(&self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.set_quickack(true),
            Self::Program(..) => Ok(()),
        }
    }

    /// Ends both directions.
    pub(super) fn shutdown(&self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.shutdown(Shutdown::Both),
            Self::Program(socket, _) => socket.shutdown(Shutdown::Both),
        }
    }

    /// The program at the other end, if it is one.
    pub(super) fn program(&self) -> Option<&Program> {
        match self {
            Self::Tcp(_) => None,
            Self::Program(_, program) => Some(program),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.read(buffer),
            Self::Program(socket, _) => socket.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.write(octets),
            Self::Program(socket, _) => socket.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(socket) => socket.as_fd(),
            Self::Program(socket, _) => socket.as_fd(),
        }
    }
}
