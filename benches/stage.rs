//! What a task plays on: a mailbox, real Dovecot serving it, and the way there.

use std::fs;
use std::io;
use std::path::Path;

use tempfile::TempDir;

use crate::account::Account;
use crate::bare::Bare;
use crate::dovecot::Dovecot;
use crate::mailbox::Mailbox;
use crate::options::Options;
use crate::relay::{Distance, Relay};

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
    server: Dovecot,
}

/// A copy of a stage's mailbox, to delete from.
pub struct Spare {
    pub mailbox: Mailbox,
    /// The account, at the stage's distance.
    pub account: Account,
    maildir: TempDir,
    _server: Dovecot,
}

impl Stage {
    /// Starts a server for a mailbox, and lets it read everything once.
    pub fn set(mailbox: Mailbox, distance: Distance, options: &Options) -> io::Result<Stage> {
        let (server, account) = serve(&mailbox.maildir()?, distance, options.tls)?;
        let mut warming = Bare::connect(&server.account(options.tls))?;
        warming.list()?;
        warming.retrieve(mailbox.numbers())?;
        warming.quit()?;
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
        relayed(&self.server.account(self.account.over_tls()), self.distance)
    }

    /// The same with a mailbox and a server of the caller's own.
    pub fn spare(&self) -> io::Result<Spare> {
        let maildir = self.mailbox.spare()?;
        let (server, account) = serve(maildir.path(), self.distance, self.account.over_tls())?;
        let mut warming = Bare::connect(&server.account(self.account.over_tls()))?;
        warming.list()?;
        warming.quit()?;
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

/// A server, and the account by the shortest way that has the distance.
fn serve(maildir: &Path, distance: Distance, tls: bool) -> io::Result<(Dovecot, Account)> {
    let server = Dovecot::start(maildir)?;
    let direct = server.account(tls);
    let account = if distance.is_none() {
        direct
    } else {
        relayed(&direct, distance)?.1
    };
    Ok((server, account))
}

fn relayed(direct: &Account, distance: Distance) -> io::Result<(Relay, Account)> {
    let relay = Relay::start(direct.port, distance)?;
    let account = Account {
        port: relay.port(),
        ..direct.clone()
    };
    Ok((relay, account))
}
