//! Cyrus, with one mailbox that is empty.

use std::fs;
use std::path::PathBuf;

use pop3fs_server::Identity;
use tempfile::TempDir;

use super::{PASSWORD, USER, lay_out, namespace};
use crate::support::account::Account;
use crate::support::package::Package;
use crate::support::port;
use crate::support::process::{Running, eventually, start};

/// What is needed of it.
pub const CYRUS: Package = Package::new(
    "cyrus",
    &["usr/lib/cyrus/bin/pop3d", "usr/sbin/saslpasswd2"],
);

/// A running Cyrus; stopped when dropped.
pub struct Cyrus {
    _master: Running,
    _home: TempDir,
    ca_file: PathBuf,
    clear: u16,
    tls: u16,
}

impl Cyrus {
    /// Starts one that speaks one version of TLS, as it calls it, and logs people in by SCRAM.
    pub fn start(tls_version: &str) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let identity = Identity::temporary(home.path()).expect("a certificate");
        let (clear, tls) = (port::own(), port::own());
        lay_out(home.path());
        fs::create_dir(home.path().join("mail")).expect("a directory to create");
        let settings = format!("{SETTINGS}tls_versions: {tls_version}\n");
        fs::write(home.path().join("etc/imapd.conf"), settings).expect("a file to write");
        fs::write(home.path().join("etc/cyrus.conf"), services(clear, tls))
            .expect("a file to write");
        let script = SCRIPT.replace("PASSWORD", PASSWORD).replace("USER", USER);
        let master = start(&mut namespace(CYRUS, home.path(), &script));
        eventually("Cyrus greets", || port::greets(clear));
        Self {
            _master: master,
            ca_file: identity.ca_file().expect("an authority").to_owned(),
            _home: home,
            clear,
            tls,
        }
    }

    /// The mailbox over implicit TLS.
    pub fn implicit_tls(&self) -> Account {
        Account::implicit_tls(USER, PASSWORD, self.tls, &self.ca_file)
    }

    /// The mailbox over TLS begun with STLS.
    pub fn stls(&self) -> Account {
        Account::stls(USER, PASSWORD, self.clear, &self.ca_file)
    }
}

const SETTINGS: &str = "\
configdirectory: /var/lib/cyrus
defaultpartition: default
partition-default: /var/lib/cyrus/spool
servername: localhost
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: /var/lib/cyrus/passwords
sasl_mech_list: SCRAM-SHA-256 SCRAM-SHA-1 PLAIN
tls_server_cert: /var/lib/cyrus/server.pem
tls_server_key: /var/lib/cyrus/server.key
failedloginpause: 0
allowstarttls: yes
autocreate_post: yes
autocreate_quota: 0
autocreate_users: anyone
";

fn services(clear: u16, tls: u16) -> String {
    format!(
        "\
START {{
  recover cmd=\"/usr/sbin/cyrus ctl_cyrusdb -r\"
}}
SERVICES {{
  pop3 cmd=\"pop3d\" listen=\"127.0.0.1:{clear}\"
  pop3s cmd=\"pop3d -s\" listen=\"127.0.0.1:{tls}\"
}}
EVENTS {{
}}
"
    )
}

/// Its directories are made by its package. It serves nothing as root, and whoever changes to another
/// user is not killed with its parent: so the shell stays, and takes all of them along.
const SCRIPT: &str = r#"
cd /var/lib && mkdir cyrus && cd cyrus && mkdir db lock log msg proc ptclient quota socket spool sync user
cp "$home"/server.* .
printf %s 'PASSWORD' | saslpasswd2 -p -c -f passwords -u localhost 'USER'
chown -R cyrus:mail .
cyrmaster -D
exit
"#;
