//! Programs that are made for downloading mail, where they are installed.

mod configuration;

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use pop3fs_server::Distance;

use crate::account::Account;
use crate::dovecot::{mail_user, own};
use crate::mailbox::Mailbox;
use crate::process::path_of;

/// A program, and how it is told to download everything and to delete nothing.
pub struct Peer {
    pub name: &'static str,
    program: &'static str,
    /// Before the name of the configuration file.
    arguments: &'static [&'static str],
    configuration: fn(&Account, usize, &str) -> String,
    /// Whether it writes a file for each message, below `mail`.
    files: bool,
    /// Whether it asks for a message before it has the one before.
    pipelines: bool,
}

/// How long one may take, in seconds: those that flush each message to a slow disk take hours.
const PATIENCE: &str = "300";

const ALL: [Peer; 4] = [
    Peer {
        name: "mpop",
        program: "mpop",
        arguments: &["--quiet", "-C"],
        configuration: configuration::mpop,
        files: true,
        pipelines: true,
    },
    Peer {
        name: "getmail6",
        program: "getmail",
        arguments: &["--rcfile"],
        configuration: configuration::getmail,
        files: true,
        pipelines: false,
    },
    Peer {
        name: "fetchmail",
        program: "fetchmail",
        arguments: &["--silent", "-f"],
        configuration: configuration::fetchmail,
        files: false,
        pipelines: false,
    },
    Peer {
        name: "curl",
        program: "curl",
        arguments: &["--silent", "-K"],
        configuration: configuration::curl,
        files: true,
        pipelines: false,
    },
];

/// What they find in their home: a Maildir, and where one of them remembers what it has seen.
const DIRECTORIES: [&str; 6] = [
    "mail",
    "mail/cur",
    "mail/new",
    "mail/tmp",
    ".config",
    ".config/getmail",
];

/// Those that can take part at a distance; a round trip for each message would take too long.
pub fn present(distance: Distance) -> impl Iterator<Item = &'static Peer> {
    let installed = ALL.iter().filter(|peer| peer.is_installed());
    installed.filter(move |peer| peer.pipelines || distance.is_none())
}

/// Who does not take part, and who not everywhere.
pub fn remark() -> String {
    let names = |those: &dyn Fn(&Peer) -> bool| {
        let names: Vec<&str> = ALL
            .iter()
            .filter(|peer| those(peer))
            .map(|peer| peer.name)
            .collect();
        match names.is_empty() {
            true => "none".to_string(),
            false => names.join(", "),
        }
    };
    format!(
        "Not installed: {}. With RTT 0 only, as they wait for each message: {}.",
        names(&|peer| !peer.is_installed()),
        names(&|peer| peer.is_installed() && !peer.pipelines)
    )
}

impl Peer {
    fn is_installed(&self) -> bool {
        path_of(self.program).is_some()
    }

    /// The command that downloads so many messages into a directory. It runs as the owner of the
    /// mail: some deliver nothing as root.
    pub fn command(
        &self,
        account: &Account,
        count: usize,
        directory: &Path,
    ) -> io::Result<Command> {
        let user = mail_user()?;
        own(directory, &user)?;
        for part in DIRECTORIES {
            fs::create_dir_all(directory.join(part))?;
            own(&directory.join(part), &user)?;
        }
        let configuration = directory.join("configuration");
        let text = (self.configuration)(account, count, &directory.to_string_lossy());
        fs::write(&configuration, text)?;
        own(&configuration, &user)?;
        // It holds a password, and some insist.
        fs::set_permissions(&configuration, Permissions::from_mode(0o600))?;
        let mut command = Command::new("timeout");
        command
            .args([PATIENCE, self.program])
            .args(self.arguments)
            .arg(configuration)
            .current_dir(directory)
            .env("HOME", directory)
            .env("FETCHMAILHOME", directory)
            .uid(user.uid.as_raw())
            .gid(user.gid.as_raw())
            .stdout(Stdio::null());
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
