//! Which servers there are, and how each is run.

use super::spool::Store;
use crate::support::package::Package;

/// A server.
#[derive(Clone, Copy, Debug)]
pub enum Make {
    /// Courier's, with its login and its daemon that judges it.
    Courier,
    /// That of GNU mailutils.
    Mailutils,
    /// popa3d.
    Popa3d,
    /// Solid POP3.
    Solid,
}

/// Their configurations, below /etc.
pub const FILES: [(&str, &str); 3] = [
    (
        "courier/authdaemonrc",
        "authmodulelist=\"authpam\"\nauthmodulelistorig=\"authpam\"\ndaemons=1\n\
         authdaemonvar=/run/courier/authdaemon\nDEBUG_LOGIN=0\nDEFAULTOPTIONS=\"\"\n",
    ),
    (
        "pop3d.conf",
        "pam { service pop3; };\nauth { authentication pam; authorization system; };\n",
    ),
    (
        "spop3d.conf",
        "<Global>\nMailDropName \"Maildir\"\nMailDropType maildir\nLogStatistics no\n</Global>\n",
    ),
];

impl Make {
    /// What is needed of it.
    pub fn package(self) -> Package {
        match self {
            Self::Courier => Package::new("courier", &["usr/lib/courier/courier/courierpop3login"]),
            // Others have a program of the name pop3d.
            Self::Mailutils => Package::new("mailutils", &["usr/share/doc/mailutils-pop3d"]),
            Self::Popa3d => Package::new("popa3d", &["usr/sbin/popa3d"]),
            Self::Solid => Package::new("solid", &["usr/sbin/solid-pop3d"]),
        }
    }

    /// How its mail is stored.
    pub(super) fn store(self) -> Store {
        match self {
            Self::Courier | Self::Solid => Store::Maildir,
            Self::Mailutils | Self::Popa3d => Store::Mbox,
        }
    }

    /// Serves one client on standard input and output.
    pub(super) fn script(self) -> &'static str {
        match self {
            Self::Courier => COURIER,
            Self::Mailutils => "exec /usr/sbin/pop3d --inetd --config-file /etc/pop3d.conf",
            Self::Popa3d => "exec /usr/sbin/popa3d",
            Self::Solid => "exec /usr/sbin/solid-pop3d",
        }
    }
}

/// What couriertcpd(8) tells the login of a connection must be there.
const COURIER: &str = r#"
/usr/lib/courier/courier-authlib/authdaemond </dev/null >&2 &
while [ ! -S /run/courier/authdaemon/socket ]; do sleep 0.01; done
export POP3AUTH= POP3AUTH_TLS= POP3_STARTTLS=NO POP3_TLS=0 POP3_TLS_REQUIRED=0 POP3_PROXY=0
export TCPREMOTEIP=127.0.0.1 TCPREMOTEPORT=1 TCPREMOTEHOST=localhost
export TCPLOCALIP=127.0.0.1 TCPLOCALPORT=110 TCPLOCALHOST=localhost
export MAILDIRPATH=Maildir PORT=110 ADDRESS=0
cd /usr/lib/courier/courier
exec ./courierpop3login "$PWD/courierpop3d" Maildir
"#;
