//! Programs that are made for downloading mail, where they are installed.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::account::Account;
use crate::mailbox::Mailbox;
use crate::process;

/// A program, and how it is told to download everything and to delete nothing.
pub struct Peer {
    pub name: &'static str,
    program: &'static str,
    /// Before the name of the configuration file.
    arguments: &'static [&'static str],
    configuration: fn(&Account, usize, &str) -> String,
    /// Whether it writes a file for each message, below `mail`.
    files: bool,
}

const ALL: [Peer; 4] = [
    Peer {
        name: "mpop",
        program: "mpop",
        arguments: &["--quiet", "-C"],
        configuration: mpop,
        files: true,
    },
    Peer {
        name: "getmail6",
        program: "getmail",
        arguments: &["--rcfile"],
        configuration: getmail,
        files: true,
    },
    Peer {
        name: "fetchmail",
        program: "fetchmail",
        arguments: &["--silent", "-f"],
        configuration: fetchmail,
        files: false,
    },
    Peer {
        name: "curl",
        program: "curl",
        arguments: &["--silent", "-K"],
        configuration: curl,
        files: true,
    },
];

/// Those at hand.
pub fn installed() -> impl Iterator<Item = &'static Peer> {
    ALL.iter()
        .filter(|peer| process::installed(peer.program).is_some())
}

/// The names of those that are not.
pub fn missing() -> Vec<&'static str> {
    let missing = ALL
        .iter()
        .filter(|peer| process::installed(peer.program).is_none());
    missing.map(|peer| peer.name).collect()
}

impl Peer {
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

fn mpop(account: &Account, _: usize, directory: &str) -> String {
    let tls = match &account.authority {
        Some(authority) => format!(
            "tls on\ntls_starttls off\ntls_trust_file {}",
            authority.display()
        ),
        None => "tls off".to_string(),
    };
    format!(
        "account default\nhost 127.0.0.1\nport {}\n{tls}\nauth plain\nuser {}\npassword {}\nkeep on\n\
         received_header off\ndelivery maildir {directory}/mail\nuidls_file {directory}/uidls\n",
        account.port,
        Account::USER,
        Account::PASSWORD
    )
}

fn getmail(account: &Account, _: usize, directory: &str) -> String {
    let (kind, authority) = match &account.authority {
        Some(authority) => (
            "SimplePOP3SSLRetriever",
            format!("ca_certs = {}", authority.display()),
        ),
        None => ("SimplePOP3Retriever", String::new()),
    };
    format!(
        "[retriever]\ntype = {kind}\nserver = 127.0.0.1\nport = {}\nusername = {}\npassword = {}\n{authority}\n\
         [destination]\ntype = Maildir\npath = {directory}/mail/\n\
         [options]\nverbose = 0\ndelete = false\ndelivered_to = false\nreceived = false\n",
        account.port,
        Account::USER,
        Account::PASSWORD
    )
}

/// Into one file of SMTP, so that no delivery agent is started for each message.
fn fetchmail(account: &Account, _: usize, directory: &str) -> String {
    let tls = match &account.authority {
        Some(authority) => format!("ssl sslcertfile {}", authority.display()),
        None => "sslproto ''".to_string(),
    };
    format!(
        "poll 127.0.0.1 protocol pop3 port {} user {} password {} is ann here keep fetchall {tls} bsmtp {directory}/batch\n",
        account.port,
        Account::USER,
        Account::PASSWORD
    )
}

fn curl(account: &Account, count: usize, directory: &str) -> String {
    let (scheme, authority) = match &account.authority {
        Some(authority) => ("pop3s", format!("cacert = {}", authority.display())),
        None => ("pop3", String::new()),
    };
    format!(
        "url = \"{scheme}://127.0.0.1:{}/[1-{count}]\"\noutput = \"{directory}/mail/#1\"\nuser = \"{}:{}\"\n{authority}\n",
        account.port,
        Account::USER,
        Account::PASSWORD
    )
}
