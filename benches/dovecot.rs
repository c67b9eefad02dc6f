//! Real Dovecot on loopback, with its configuration and state in a temporary directory.

#[path = "../tests/suite/support/dovecot/configuration.rs"]
mod configuration;

use std::fs::{self, Permissions};
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, getuid};
use pop3fs_server::Identity;
use tempfile::TempDir;

use crate::account::{Account, Trust};
use crate::machine;
use crate::process::path_of;
use configuration::{Configuration, Dialect, Ports};

/// A server that does not listen by now will not.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often to try.
const GLANCE: Duration = Duration::from_millis(10);

/// A running server with one mailbox; it ends when dropped.
pub struct Dovecot {
    master: Child,
    home: TempDir,
    ports: Ports,
}

impl Dovecot {
    /// Serves a Maildir, which stays as it is but for what is deleted from it.
    pub fn start(maildir: &Path) -> io::Result<Dovecot> {
        let home = tempfile::Builder::new().prefix("pop3fs-bench-").tempdir()?;
        // The server's unprivileged processes must get through.
        fs::set_permissions(home.path(), Permissions::from_mode(0o711))?;
        let ports = Ports {
            clear: free_port()?,
            tls: free_port()?,
        };
        let user = mail_user()?;
        let indexes = home.path().join("indexes");
        fs::create_dir(&indexes)?;
        own(&indexes, &user)?;
        let configuration = Configuration {
            home: home.path(),
            maildir,
            ports,
            logins: String::new(),
        };
        fs::write(home.path().join("users"), account_of(&user, &indexes))?;
        let file = home.path().join("dovecot.conf");
        fs::write(&file, configuration.text(Dialect::of(&machine::dovecot())))?;
        Identity::temporary(home.path())?;
        let program = path_of("dovecot").ok_or_else(|| io::Error::other("there is no Dovecot"))?;
        let master = Command::new(program)
            .arg("-F")
            .arg("-c")
            .arg(file)
            .spawn()?;
        let dovecot = Dovecot {
            master,
            home,
            ports,
        };
        dovecot.wait_until_it_listens()?;
        Ok(dovecot)
    }

    /// The mailbox, in clear or over TLS.
    pub fn account(&self, tls: bool) -> io::Result<Account> {
        Ok(if tls {
            Account {
                port: self.ports.tls,
                trust: Some(Trust::of(&self.home.path().join("ca.pem"))?),
            }
        } else {
            Account {
                port: self.ports.clear,
                trust: None,
            }
        })
    }

    fn wait_until_it_listens(&self) -> io::Result<()> {
        let start = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.ports.tls)).is_err() {
            if start.elapsed() > PATIENCE {
                let log =
                    fs::read_to_string(self.home.path().join("dovecot.log")).unwrap_or_default();
                return Err(io::Error::other(format!("Dovecot does not start: {log}")));
            }
            thread::sleep(GLANCE);
        }
        Ok(())
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // It takes its children along, which a kill would not.
        let _ = kill(
            Pid::from_raw(self.master.id().cast_signed()),
            Signal::SIGTERM,
        );
        let _ = self.master.wait();
    }
}

/// The line of the one account, as in passwd(5).
fn account_of(user: &User, home: &Path) -> String {
    let (name, password) = (Account::USER, Account::PASSWORD);
    let (uid, gid) = (user.uid, user.gid);
    format!(
        "{name}:{{PLAIN}}{password}:{uid}:{gid}::{}::\n",
        home.display()
    )
}

/// Who owns the mail: us, or, as Dovecot serves no mail as root, nobody.
pub fn mail_user() -> io::Result<User> {
    let user = if getuid().is_root() {
        User::from_name("nobody")
    } else {
        User::from_uid(getuid())
    };
    user?.ok_or_else(|| io::Error::other("there is no user to own the mail"))
}

/// Gives a file to the owner of the mail.
pub fn own(path: &Path, user: &User) -> io::Result<()> {
    std::os::unix::fs::chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
}

/// A port that was free a moment ago.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}
