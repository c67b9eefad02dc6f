//! POP3 servers out of Debian's packages, each in a namespace of its own, where it is as if it were
//! installed, and alone.
//!
//! Installed, most of them would shut each other out.

mod cyrus;
mod inetd;
mod make;
mod spool;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

pub use self::cyrus::{CYRUS, Cyrus};
use self::inetd::Inetd;
pub use self::make::Make;
use self::spool::Spool;
pub use self::spool::without_own_fields;
use super::account::Account;
use super::corpus::Letter;
use super::package::Package;

/// Any password is right.
const PASSWORD: &str = "secret";

/// Who has the mail: nobody, by another name.
const USER: &str = "ann";
const UID: u32 = 65_534;

/// A server with one mailbox; stopped when dropped.
pub struct Packaged {
    inetd: Inetd,
    spool: Spool,
    home: TempDir,
}

impl Packaged {
    /// Starts one whose mailbox holds these messages.
    pub fn with_letters(make: Make, letters: &[Letter]) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        // The server's unprivileged processes must get through to the mail.
        let passage = fs::Permissions::from_mode(0o711);
        fs::set_permissions(home.path(), passage).expect("our own directory");
        lay_out(home.path());
        let spool = Spool::new(make.store(), home.path(), letters);
        let command = namespace(make.package(), home.path(), make.script());
        Self {
            inetd: Inetd::start(command, &home.path().join("errors")),
            spool,
            home,
        }
    }

    /// The mailbox in clear.
    pub fn in_clear(&self) -> Account {
        Account::in_clear(USER, PASSWORD, self.inetd.port())
    }

    /// The messages that the mailbox holds now, without what the server has written into them.
    pub fn letters(&self) -> Vec<Vec<u8>> {
        self.spool.letters()
    }
}

impl Drop for Packaged {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let errors = fs::read_to_string(self.home.path().join("errors"));
            eprintln!("the server said: {}", errors.unwrap_or_default());
        }
    }
}

/// The users that the servers want, and leave for everybody to log in.
fn lay_out(home: &Path) {
    let etc = home.join("etc");
    fs::create_dir_all(etc.join("pam.d")).expect("a directory to create");
    fs::create_dir_all(etc.join("courier")).expect("a directory to create");
    let users = fs::read_to_string("/etc/passwd").expect("a list of users");
    let home = home.display();
    // The first of a name counts, and the system may have some of them.
    let users = format!(
        "{USER}:x:{UID}:{UID}::{home}/{USER}:/bin/sh\n\
         cyrus:x:65530:65530::/:/bin/sh\n\
         popa3d:x:65531:65531::/:/bin/false\n\
         spop3d:x:65532:65532::/:/bin/false\n\
         {users}"
    );
    fs::write(etc.join("passwd"), users).expect("a file to write");
    for service in ["popa3d", "solid-pop3d", "gnu-mailutils", "pop3"] {
        let permit = "auth required pam_permit.so\naccount required pam_permit.so\n";
        fs::write(etc.join("pam.d").join(service), permit).expect("a file to write");
    }
    for (file, text) in make::FILES {
        fs::write(etc.join(file), text).expect("a file to write");
    }
}

/// A script that runs where a package is installed, with its home as `$home`.
fn namespace(package: Package, home: &Path, script: &str) -> Command {
    let unpacked = package.unpacked().unwrap_or_default();
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c"])
        .args([NAMESPACE, "sh"])
        .args([unpacked.as_path(), home])
        .arg(script);
    command
}

/// Makes it look as if the server were installed, with our own users and mail, and runs it.
const NAMESPACE: &str = r#"
unpacked=$1 home=$2
ulimit -n 64
{
  # Copies of our own mounts would keep them busy.
  umount --all --lazy --types fuse.pop3fs
  if [ -n "$unpacked" ]; then mount -t overlay overlay -o "lowerdir=$unpacked/usr:/usr" /usr || exit; fi
  mount -t overlay overlay -o "lowerdir=$home/etc:/etc" /etc &&
  mount --bind "$home/mail" /var/mail &&
  mount -t tmpfs tmpfs /var/lib &&
  mount -t tmpfs tmpfs /run &&
  mkdir -p /var/lib/popa3d /var/lib/solid-pop3d/bulletins /run/courier/authdaemon || exit
} </dev/null >&2
eval "$3"
"#;
