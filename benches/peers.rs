//! Programs that are made for downloading mail, where they are installed.

mod configuration;

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::getuid;

use crate::account::Account;
use crate::mailbox::Mailbox;
use crate::process::is_installed;
use crate::relay::Distance;

/// A program, and how it is told to download everything and to delete nothing.
pub struct Peer {
    pub name: &'static str,
    program: &'static str,
    /// Before the name of the configuration file.
    arguments: &'static [&'static str],
    configuration: fn(&Account, usize, &str) -> String,
    /// Whether it writes a file for each message, below `mail`.
    files: bool,
    /// Whether it delivers mail as root.
    as_root: bool,
    /// Whether it asks for a message before it has the one before.
    pipelines: bool,
}

const ALL: [Peer; 4] = [
    Peer {
        name: "mpop",
        program: "mpop",
        arguments: &["--quiet", "-C"],
        configuration: configuration::mpop,
        files: true,
        as_root: true,
        pipelines: true,
    },
    Peer {
        name: "getmail6",
        program: "getmail",
        arguments: &["--rcfile"],
        configuration: configuration::getmail,
        files: true,
        as_root: false,
        pipelines: false,
    },
    Peer {
        name: "fetchmail",
        program: "fetchmail",
        arguments: &["--silent", "-f"],
        configuration: configuration::fetchmail,
        files: false,
        as_root: true,
        pipelines: false,
    },
    Peer {
        name: "curl",
        program: "curl",
        arguments: &["--silent", "-K"],
        configuration: configuration::curl,
        files: true,
        as_root: true,
        pipelines: false,
    },
];

/// Those that can take part at a distance; a round trip for each message would take too long.
pub fn present(distance: Distance) -> impl Iterator<Item = &'static Peer> {
    let able = ALL.iter().filter(|peer| peer.obstacle().is_none());
    able.filter(move |peer| peer.pipelines || distance.is_none())
}

/// Who does not take part, and why.
pub fn remark() -> String {
    let slow = ALL
        .iter()
        .filter(|peer| !peer.pipelines && peer.obstacle().is_none());
    let slow = slow.map(|peer| format!("{} takes a round trip for each message", peer.name));
    let absent = ALL
        .iter()
        .filter_map(|peer| Some(format!("{} {}", peer.name, peer.obstacle()?)));
    let reasons: Vec<String> = absent
        .chain(slow.map(|reason| reason + ", so only RTT 0"))
        .collect();
    format!("Left out: {}.", reasons.join("; "))
}

impl Peer {
    /// Why it cannot take part.
    fn obstacle(&self) -> Option<&'static str> {
        if !is_installed(self.program) {
            Some("is not installed")
        } else if getuid().is_root() && !self.as_root {
            Some("delivers nothing as root")
        } else {
            None
        }
    }

    /// The command that downloads so many messages into a directory.
    pub fn command(
        &self,
        account: &Account,
        count: usize,
        directory: &Path,
    ) -> io::Result<Command> {
        for part in ["mail/cur", "mail/new", "mail/tmp", ".config/getmail"] {
            fs::create_dir_all(directory.join(part))?;
        }
        let configuration = directory.join("configuration");
        fs::write(
            &configuration,
            (self.configuration)(account, count, &directory.to_string_lossy()),
        )?;
        // It holds a password, and some insist.
        fs::set_permissions(&configuration, Permissions::from_mode(0o600))?;
        let mut command = Command::new(self.program);
        command
            .args(self.arguments)
            .arg(configuration)
            .env("HOME", directory)
            .env("FETCHMAILHOME", directory);
        command.stdout(Stdio::null());
        Ok(command)
    }

    /// Whether it did what it was to do, as far as that can be seen.
    pub fn check(&self, directory: &Path, mailbox: Mailbox) -> io::Result<()> {
        if !self.files {
            return Ok(());
        }
        let mut count = 0;
        for part in ["mail", "mail/new"] {
            for entry in fs::read_dir(directory.join(part))? {
                count += usize::from(entry?.file_type()?.is_file());
            }
        }
        mailbox.expect_count(count)
    }
}
