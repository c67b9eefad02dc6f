//! What Dovecot is told: the same in the two languages that its versions speak. The benchmark tells
//! it the same.

use std::path::Path;

use nix::unistd::{Group, User, getegid, geteuid};

/// The language of a version's configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Up to 2.3.
    Old,
    /// From 2.4 on.
    New,
}

impl Dialect {
    /// The one of a version, as `dovecot --version` tells it.
    pub fn of(version: &str) -> Self {
        let mut numbers = version
            .split(|c: char| !c.is_ascii_digit())
            .map(|number| number.parse::<u32>().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if version < (2, 4) {
            Self::Old
        } else {
            Self::New
        }
    }
}

/// Where it listens.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// In clear, with STLS.
    pub clear: u16,
    /// Over TLS.
    pub tls: u16,
}

/// What is the same in all dialects.
#[derive(Debug)]
pub struct Configuration<'a> {
    /// Where everything else is: users, certificate and key, indexes, log, sockets.
    pub home: &'a Path,
    /// The mailbox.
    pub maildir: &'a Path,
    /// Where to listen.
    pub ports: Ports,
    /// How people log in, if not by a password in PLAIN.
    pub logins: String,
}

impl Configuration<'_> {
    /// The configuration file.
    ///
    /// A message's unique-id is its file name, so that a test can tell them apart. The indexes are
    /// not in the Maildir, which stays as it is but for what is deleted from it.
    pub fn text(&self, dialect: Dialect) -> String {
        let own = match dialect {
            Dialect::Old => self.for_old(),
            Dialect::New => self.for_new(),
        };
        [own, self.shared(), unprivileged()].concat()
    }

    fn for_old(&self) -> String {
        let (home, maildir) = (self.home.display(), self.maildir.display());
        let logins = &self.logins;
        format!(
            "\
disable_plaintext_auth = no
ssl_cert = <{home}/server.pem
ssl_key = <{home}/server.key
mail_location = maildir:{maildir}:INDEX={home}/indexes:CONTROL={home}/indexes
pop3_uidl_format = %f
{logins}passdb {{
  driver = passwd-file
  args = {home}/users
}}
userdb {{
  driver = passwd-file
  args = {home}/users
}}
"
        )
    }

    fn for_new(&self) -> String {
        let (home, maildir) = (self.home.display(), self.maildir.display());
        let logins = &self.logins;
        format!(
            "\
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
auth_allow_cleartext = yes
ssl_server_cert_file = {home}/server.pem
ssl_server_key_file = {home}/server.key
mail_driver = maildir
mail_path = {maildir}
mail_index_path = {home}/indexes
mail_control_path = {home}/indexes
pop3_uidl_format = %{{filename}}
{logins}passdb passwd-file {{
  passwd_file_path = {home}/users
}}
userdb passwd-file {{
  passwd_file_path = {home}/users
}}
"
        )
    }

    fn shared(&self) -> String {
        let home = self.home.display();
        let Ports { clear, tls } = self.ports;
        format!(
            "\
protocols = pop3
listen = 127.0.0.1
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
ssl = yes
first_valid_uid = 1
# A mailbox of a million messages takes more than the 256 MB it allows itself.
default_vsz_limit = 4G
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {clear}
  }}
  inet_listener pop3s {{
    port = {tls}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
"
        )
    }
}

/// Without root all its processes run as us.
fn unprivileged() -> String {
    let user = User::from_uid(geteuid()).ok().flatten();
    let group = Group::from_gid(getegid()).ok().flatten();
    match (user, group) {
        (Some(user), Some(group)) if !geteuid().is_root() => format!(
            "\
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
",
            user = user.name,
            group = group.name
        ),
        _ => String::new(),
    }
}
