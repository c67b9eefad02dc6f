//! What a task plays on: a mailbox, real Dovecot serving it, and the way there.

use std::fs;
use std::io;

use pop3fs_server::{Distance, Relay};
use tempfile::TempDir;

use crate::account::Account;
use crate::bare::Bare;
use crate::mailbox::Mailbox;
use crate::options::Options;
use crate::server::{Server, Software};

/// A mailbox at a distance.
pub struct Stage {
    pub mailbox: Mailbox,
    /// The account, by way of a relay if there is a distance.
    pub account: Account,
    /// Whether other downloaders take part.
    pub peers: bool,
    /// How often each entrant does the task.
    pub runs: usize,
    pub distance: Distance,
    server: Server,
}

/// A copy of a stage's mailbox, to delete from.
pub struct Spare {
    pub mailbox: Mailbox,
    /// The account, at the stage's distance.
    pub account: Account,
    maildir: TempDir,
    _server: Server,
}

impl Stage {
    /// Starts a server for a mailbox, and lets it read everything once that will be asked for.
    pub fn set(
        software: Software,
        mailbox: Mailbox,
        distance: Distance,
        options: &Options,
    ) -> io::Result<Stage> {
        let server = Server::start(software, &mailbox.maildir()?)?;
        let direct = server.account(options.tls)?;
        let mut warming = Bare::connect(&direct)?;
        warming.list()?;
        if mailbox.is_read() {
            warming.retrieve(mailbox.numbers())?;
        }
        warming.quit()?;
        let account = at_a_distance(direct, distance)?;
        Ok(Stage {
            mailbox,
            account,
            peers: !options.alone,
            runs: options.runs,
            distance,
            server,
        })
    }

    /// The account at the same distance, by a relay of the caller's own that can hold answers back.
    pub fn relayed(&self) -> io::Result<(Relay, Account)> {
        let direct = self.server.account(self.account.over_tls())?;
        relayed(&direct, self.distance)
    }

    /// The same with a mailbox and a server of the caller's own.
    pub fn spare(&self) -> io::Result<Spare> {
        let maildir = self.mailbox.spare()?;
        let server = Server::start(Software::Dovecot, maildir.path())?;
        let direct = server.account(self.account.over_tls())?;
        let mut warming = Bare::connect(&direct)?;
        warming.list()?;
        warming.quit()?;
        let account = at_a_distance(direct, self.distance)?;
        Ok(Spare {
            mailbox: self.mailbox,
            account,
            maildir,
            _server: server,
        })
    }
}

impl Spare {
    /// How many messages are left.
    pub fn remaining(&self) -> io::Result<usize> {
        Ok(fs::read_dir(self.maildir.path().join("cur"))?.count())
    }
}

/// The account by the shortest way that has the distance.
fn at_a_distance(direct: Account, distance: Distance) -> io::Result<Account> {
    if distance.is_none() {
        Ok(direct)
    } else {
        Ok(relayed(&direct, distance)?.1)
    }
}

fn relayed(direct: &Account, distance: Distance) -> io::Result<(Relay, Account)> {
    let relay = Relay::start(direct.port, distance)?;
    let account = Account {
        port: relay.port(),
        ..direct.clone()
    };
    Ok((relay, account))
}
