//! A real Dovecot on loopback, with a configuration, a state and a mailbox of its own.

mod configuration;
mod logins;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{User, getegid, geteuid};
use pop3fs_server::Identity;
use tempfile::TempDir;

use self::configuration::{Configuration, Dialect, Ports};
pub use self::logins::Logins;
use super::account::Account;
use super::authority::Certificate;
use super::corpus::Letter;
use super::port;
use super::process::{Running, eventually, run, start};
use super::skip::program;

/// How often to try other ports when somebody else was quicker.
const ATTEMPTS: usize = 5;

const PASSWORD: &str = "a long & winding \"secret\"";

/// A running Dovecot with one mailbox; stopped when dropped.
#[derive(Debug)]
pub struct Dovecot {
    master: Running,
    home: TempDir,
    user: String,
    ports: Ports,
    ca_file: PathBuf,
}

impl Dovecot {
    /// Starts one whose mailbox holds these messages; it lists them in order of name.
    pub fn with_letters(letters: &[Letter]) -> Self {
        Self::with_logins(letters, &Logins::default())
    }

    /// The same with other ways to log in.
    pub fn with_logins(letters: &[Letter], logins: &Logins) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let ca_file = certify(home.path());
        let user = unique_user();
        let logins = &logins.of(&user);
        lay_out(home.path(), &user, letters);
        let (master, ports) = (0..ATTEMPTS)
            .find_map(|_| listening(home.path(), logins))
            .unwrap_or_else(|| panic!("Dovecot does not start: {}", log_of(home.path())));
        Self {
            master,
            home,
            user,
            ports,
            ca_file,
        }
    }

    /// Whether it can bind a login to the TLS channel.
    pub fn binds_logins() -> bool {
        dialect() == Dialect::New
    }

    /// The mailbox in clear.
    pub fn in_clear(&self) -> Account {
        Account::in_clear(&self.user, PASSWORD, self.ports.clear)
    }

    /// The mailbox over implicit TLS.
    pub fn implicit_tls(&self) -> Account {
        Account::implicit_tls(&self.user, PASSWORD, self.ports.tls, &self.ca_file)
    }

    /// The mailbox over TLS begun with STLS.
    pub fn stls(&self) -> Account {
        Account::stls(&self.user, PASSWORD, self.ports.clear, &self.ca_file)
    }

    /// Stops it and starts it again, with something between.
    pub fn restart(&mut self, meanwhile: impl FnOnce()) {
        stop(&mut self.master);
        meanwhile();
        eventually("Dovecot is back", || {
            let master = serving(self.home.path(), self.ports);
            master.map(|master| self.master = master).is_some()
        });
    }

    /// Has it show another certificate from now on.
    pub fn show(&mut self, certificate: &Certificate) {
        let home = self.home.path().to_owned();
        let put =
            |from: &Path, name: &str| fs::copy(from, home.join(name)).expect("a file to copy");
        self.restart(|| {
            put(&certificate.chain, "server.pem");
            put(&certificate.key, "server.key");
        });
    }

    /// Delivers a message.
    pub fn deliver(&self, letter: &Letter) {
        let maildir = self.home.path().join("Maildir");
        let (unfinished, delivered) = (maildir.join("tmp"), maildir.join("new"));
        let file = |directory: PathBuf| directory.join(&letter.name);
        Owner::of_mail().write(&file(unfinished.clone()), &letter.octets);
        fs::rename(file(unfinished), file(delivered)).expect("a message to deliver");
    }

    /// Its log, as far as it is written.
    pub fn log(&self) -> String {
        log_of(self.home.path())
    }

    /// The name of the mailbox.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The names of the messages that the mailbox holds now, as they were given. What is moved
    /// meanwhile from `new` to `cur` is seen in one of them.
    pub fn names(&self) -> BTreeSet<String> {
        let maildir = self.home.path().join("Maildir");
        ["new", "cur"]
            .iter()
            .flat_map(|part| fs::read_dir(maildir.join(part)).expect("a part of the Maildir"))
            .map(|entry| base_name(&entry.expect("a directory entry").file_name()))
            .collect()
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        stop(&mut self.master);
        if thread::panicking() {
            eprintln!("Dovecot's log:\n{}", log_of(self.home.path()));
        }
    }
}

/// A user of its own for each instance, so that no limit per user is shared.
fn unique_user() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("ann{count}.{}", std::process::id())
}

/// A Maildir's file names end in flags, which the server changes.
fn base_name(file_name: &OsStr) -> String {
    let octets = file_name.as_bytes();
    let end = octets.iter().position(|&octet| octet == b':');
    String::from_utf8_lossy(&octets[..end.unwrap_or(octets.len())]).into_owned()
}

/// Makes `server.pem` and `server.key` for localhost; the file of the authority to trust.
fn certify(home: &Path) -> PathBuf {
    let identity = Identity::temporary(home).expect("a certificate");
    identity.ca_file().expect("an authority").to_owned()
}

fn lay_out(home: &Path, user: &str, letters: &[Letter]) {
    // The server's unprivileged processes must get through to the Maildir.
    fs::set_permissions(home, fs::Permissions::from_mode(0o711)).expect("our own directory");
    let owner = Owner::of_mail();
    let maildir = home.join("Maildir");
    owner.create_directory(&home.join("indexes"));
    for part in ["", "cur", "new", "tmp"] {
        owner.create_directory(&maildir.join(part));
    }
    for letter in letters {
        owner.write(&maildir.join("cur").join(&letter.name), &letter.octets);
    }
    let Owner { uid, gid } = owner;
    let users = format!(
        "{user}:{{PLAIN}}{PASSWORD}:{uid}:{gid}::{}::\n",
        home.display()
    );
    fs::write(home.join("users"), users).expect("a file to write");
}

/// Who owns the mail: us, or, as Dovecot serves no mail as root, nobody.
#[derive(Clone, Copy, Debug)]
struct Owner {
    uid: u32,
    gid: u32,
}

impl Owner {
    fn of_mail() -> Self {
        let nobody = User::from_name("nobody").ok().flatten();
        match nobody {
            Some(nobody) if geteuid().is_root() => Self {
                uid: nobody.uid.as_raw(),
                gid: nobody.gid.as_raw(),
            },
            _ => Self {
                uid: geteuid().as_raw(),
                gid: getegid().as_raw(),
            },
        }
    }

    fn create_directory(self, path: &Path) {
        fs::create_dir(path).expect("a directory to create");
        chown(path, Some(self.uid), Some(self.gid)).expect("a directory of ours");
    }

    fn write(self, path: &Path, octets: &[u8]) {
        fs::write(path, octets).expect("a file to write");
        chown(path, Some(self.uid), Some(self.gid)).expect("a file of ours");
    }
}

/// Starts the server on two free ports; none if one of them was taken meanwhile.
fn listening(home: &Path, logins: &Logins) -> Option<(Running, Ports)> {
    let ports = Ports {
        clear: port::free(),
        tls: port::free(),
    };
    let configuration = Configuration {
        home,
        maildir: &home.join("Maildir"),
        ports,
        logins: logins.text(dialect(), home),
    };
    if let Some(settings) = logins.token_settings() {
        fs::write(home.join("tokens.conf"), settings).expect("a file to write");
    }
    if let Some(settings) = logins.openssl_settings() {
        fs::write(home.join("openssl.cnf"), settings).expect("a file to write");
    }
    let text = configuration.text(dialect());
    fs::write(home.join("dovecot.conf"), text).expect("a file to write");
    Some((serving(home, ports)?, ports))
}

/// Starts the server as it is configured; none if one of its ports is taken.
fn serving(home: &Path, ports: Ports) -> Option<Running> {
    let file = home.join("dovecot.conf");
    let mut master = start(dovecot().arg("-F").arg("-c").arg(&file));
    eventually("Dovecot greets", || {
        port::greets(ports.clear) || master.has_ended()
    });
    (!master.has_ended()).then_some(master)
}

/// The language of the installed Dovecot.
fn dialect() -> Dialect {
    Dialect::of(&run(dovecot().arg("--version")).succeeded().text())
}

fn dovecot() -> Command {
    Command::new(program("dovecot").expect("Dovecot"))
}

/// Asks it to end, which takes its children along; a kill would leave them.
fn stop(master: &mut Running) {
    let id = nix::unistd::Pid::from_raw(master.id().cast_signed());
    if kill(id, Signal::SIGTERM).is_ok() {
        eventually("Dovecot ends", || master.has_ended());
    }
}

fn log_of(home: &Path) -> String {
    fs::read_to_string(home.join("dovecot.log")).unwrap_or_else(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::{Ipv4Addr, TcpStream};

    use super::*;
    use crate::support::skip::{Need, lacking};

    #[test]
    fn the_dialect_follows_the_version() {
        assert_eq!(Dialect::of("2.3.19.1 (9b53102964)\n"), Dialect::Old);
        assert_eq!(Dialect::of("2.4.1-4 (7d8c0e5759)\n"), Dialect::New);
        assert_eq!(Dialect::of("3.0.0"), Dialect::New);
    }

    #[test]
    fn the_mailbox_holds_what_it_was_given_under_the_same_names() {
        if lacking(&[Need::Dovecot, Need::Program("openssl")]) {
            return;
        }
        let letter = |name: &str| Letter {
            name: name.to_owned(),
            octets: b"Subject: x\n\nbody".to_vec(),
        };
        let dovecot = Dovecot::with_letters(&[letter("b.eml"), letter("a.eml")]);

        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, dovecot.ports.clear)).unwrap();
        write!(
            stream,
            "USER {}\r\nPASS {PASSWORD}\r\nUIDL\r\nQUIT\r\n",
            dovecot.user
        )
        .unwrap();
        let lines: Vec<String> = BufReader::new(stream).lines().map(Result::unwrap).collect();

        assert!(lines.contains(&"1 a.eml".to_owned()), "{lines:?}");
        assert!(lines.contains(&"2 b.eml".to_owned()), "{lines:?}");
        assert_eq!(
            dovecot.names(),
            ["a.eml", "b.eml"].map(str::to_owned).into()
        );
    }
}
