//! Who serves the mail.

use std::io;
use std::path::Path;

use pop3fs_server::Fault;

use crate::account::Account;
use crate::dovecot::Dovecot;

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Software {
    /// Real Dovecot.
    Dovecot,
    /// Our own server, like those that do not announce PIPELINING and send a reply in several parts,
    /// each only when the one before is acknowledged (Nagle's algorithm). In clear only.
    OneAtATime,
}

/// A server with one mailbox; it ends when dropped.
pub enum Server {
    Dovecot(Dovecot),
    OneAtATime(pop3fs_server::Server),
}

/// Octets that are written at once by a server that sends a reply in parts: a buffer of stdio's.
const PART: usize = 1024;

impl Server {
    /// Serves a Maildir, which stays as it is but for what is deleted from it.
    pub fn start(software: Software, maildir: &Path) -> io::Result<Server> {
        match software {
            Software::Dovecot => Dovecot::start(maildir).map(Server::Dovecot),
            Software::OneAtATime => one_at_a_time(maildir).map(Server::OneAtATime),
        }
    }

    /// The mailbox, in clear or over TLS.
    pub fn account(&self, tls: bool) -> io::Result<Account> {
        match self {
            Server::Dovecot(dovecot) => dovecot.account(tls),
            Server::OneAtATime(server) => Ok(Account {
                port: server.port(),
                trust: None,
            }),
        }
    }
}

fn one_at_a_time(maildir: &Path) -> io::Result<pop3fs_server::Server> {
    let server = pop3fs_server::Server::with_maildir(maildir)
        .login(Account::USER, Account::PASSWORD)
        .without("PIPELINING")
        .coalescing(true)
        .start()?;
    server.fault(Fault::Pieces(PART));
    Ok(server)
}
