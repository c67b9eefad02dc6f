//! From a host's name to a TCP connection.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::deadline::Deadline;
use super::{Endpoint, NetError, Step};

/// The least time an address is given: the standard library refuses to wait for none at all.
const SHORTEST_SHARE: Duration = Duration::from_millis(1);

/// Makes a TCP connection that does not block. The time that the name takes to resolve comes on top
/// of the deadline's, which is made when it is known: the system's resolver has time-outs of its
/// own and cannot be cut short.
///
/// # Errors
///
/// [`NetError::Resolve`], [`NetError::Connect`], [`NetError::TimedOut`], [`NetError::Io`].
pub(super) fn reach(
    endpoint: &Endpoint,
    timeout: Duration,
) -> Result<(TcpStream, Deadline), NetError> {
    let addresses = resolve(endpoint)?;
    let deadline = Deadline::after(timeout);
    let socket = try_each(endpoint, &addresses, &deadline)?;
    tune(&socket)?;
    Ok((socket, deadline))
}

fn resolve(endpoint: &Endpoint) -> Result<Vec<SocketAddr>, NetError> {
    let failure = |source| NetError::Resolve {
        endpoint: endpoint.clone(),
        source,
    };
    let host = (endpoint.host.as_str(), endpoint.port);
    let addresses: Vec<_> = host.to_socket_addrs().map_err(failure)?.collect();
    if addresses.is_empty() {
        return Err(failure(io::Error::other("the name has no address")));
    }
    Ok(addresses)
}

/// Tries each address in turn. Each may take an even share of the time that is left, so that
/// one that never answers does not use up the others' time.
fn try_each(
    endpoint: &Endpoint,
    addresses: &[SocketAddr],
    deadline: &Deadline,
) -> Result<TcpStream, NetError> {
    let mut failure = io::Error::from(io::ErrorKind::TimedOut);
    for (share, address) in (1..=addresses.len()).rev().zip(addresses) {
        let Some(left) = deadline.remaining() else {
            break;
        };
        let shares = u32::try_from(share).unwrap_or(u32::MAX);
        match TcpStream::connect_timeout(address, (left / shares).max(SHORTEST_SHARE)) {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = error,
        }
        log::debug!("no connection to {address}: {failure}");
    }
    Err(unreachable(endpoint, failure, deadline))
}

fn unreachable(endpoint: &Endpoint, source: io::Error, deadline: &Deadline) -> NetError {
    let endpoint = endpoint.clone();
    if source.kind() != io::ErrorKind::TimedOut {
        return NetError::Connect { endpoint, source };
    }
    NetError::TimedOut {
        endpoint,
        step: Step::Connect,
        bound: deadline.bound(),
    }
}

/// Commands are small and each waits for its answer, so none may be held back (Nagle).
fn tune(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    socket.set_nonblocking(true)
}
