//! What Dovecot is told, in the language of its version.

use std::path::Path;

use nix::unistd::{Group, User, getuid};

use super::Ports;
use crate::account::Account;
use crate::machine;

/// What there is to say.
pub struct Configuration<'a> {
    pub home: &'a Path,
    pub maildir: &'a Path,
    pub ports: Ports,
    /// Who owns the mail.
    pub user: &'a User,
}

impl Configuration<'_> {
    /// The contents of `dovecot.conf`.
    pub fn text(&self) -> String {
        let newer = !machine::dovecot().starts_with("2.3");
        let own = if newer {
            self.since_2_4()
        } else {
            self.until_2_3()
        };
        // A version's own settings begin with its number.
        [own, self.in_any_version(), self.without_root()].concat()
    }

    fn until_2_3(&self) -> String {
        let (home, maildir) = (self.home.display(), self.maildir.display());
        let (uid, gid) = (self.user.uid, self.user.gid);
        let password = Account::PASSWORD;
        format!(
            "\
disable_plaintext_auth = no
ssl_cert = <{home}/server.pem
ssl_key = <{home}/server.key
mail_location = maildir:{maildir}:INDEX={home}/indexes:CONTROL={home}/indexes
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/indexes
}}
"
        )
    }

    fn since_2_4(&self) -> String {
        let (home, maildir) = (self.home.display(), self.maildir.display());
        let (uid, gid) = (self.user.uid, self.user.gid);
        let password = Account::PASSWORD;
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
passdb static {{
  password = {password}
}}
userdb static {{
  fields {{
    uid = {uid}
    gid = {gid}
    home = {home}/indexes
  }}
}}
"
        )
    }

    /// The directory is ours alone, so nothing needs a chroot, which only root could do.
    fn in_any_version(&self) -> String {
        let home = self.home.display();
        let Ports { clear, tls } = self.ports;
        format!(
            "\
protocols = pop3
listen = 127.0.0.1
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
ssl = yes
first_valid_uid = 1
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

    /// Without root all its processes run as us.
    fn without_root(&self) -> String {
        let group = Group::from_gid(self.user.gid).ok().flatten();
        match group.filter(|_| !getuid().is_root()) {
            None => String::new(),
            Some(group) => format!(
                "\
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
",
                user = self.user.name,
                group = group.name
            ),
        }
    }
}
