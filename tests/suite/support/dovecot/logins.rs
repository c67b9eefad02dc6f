//! How Dovecot lets people in, beyond a password in PLAIN.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::configuration::Dialect;
use crate::support::introspection::Introspection;

/// The ways to log in that a server is to have.
#[derive(Clone, Debug, Default)]
pub struct Logins {
    /// SASL mechanisms, and APOP, as `auth_mechanisms` has them; nothing for PLAIN alone.
    mechanisms: &'static str,
    /// The token that XOAUTH2 and OAUTHBEARER take.
    token: Option<&'static str>,
    introspection: Option<Arc<Introspection>>,
    /// The authority of client certificates, for EXTERNAL.
    client_authority: Option<PathBuf>,
    /// The newest version of TLS.
    newest_tls: Option<&'static str>,
}

impl Logins {
    /// These mechanisms, with the account's password.
    pub fn by(mechanisms: &'static str) -> Self {
        Self {
            mechanisms,
            ..Self::default()
        }
    }

    /// The same, and this token for XOAUTH2 and OAUTHBEARER.
    pub fn with_token(self, token: &'static str) -> Self {
        Self {
            token: Some(token),
            ..self
        }
    }

    /// The same, and client certificates by this authority for EXTERNAL.
    pub fn with_certificates_by(self, authority: PathBuf) -> Self {
        Self {
            client_authority: Some(authority),
            ..self
        }
    }

    /// The same with no newer version of TLS, in OpenSSL's words; from 2.4 on.
    pub fn with_tls_up_to(self, version: &'static str) -> Self {
        Self {
            newest_tls: Some(version),
            ..self
        }
    }

    /// The same for this user, where somebody has to know.
    pub(super) fn of(&self, user: &str) -> Self {
        let introspection = |token| Arc::new(Introspection::of(token, user));
        Self {
            introspection: self.token.map(introspection),
            ..self.clone()
        }
    }

    /// The part of the configuration file that comes before the database of passwords.
    pub fn text(&self, dialect: Dialect, home: &Path) -> String {
        let mut text = String::new();
        if !self.mechanisms.is_empty() {
            text += &format!("auth_mechanisms = {}\n", self.mechanisms);
        }
        if let Some(introspection) = &self.introspection {
            text += &tokens(dialect, home, introspection.port());
        }
        if let Some(authority) = &self.client_authority {
            text += &certificates(dialect, authority);
        }
        if self.newest_tls.is_some() {
            text += &format!(
                "import_environment {{\n  OPENSSL_CONF = {}/openssl.cnf\n}}\n",
                home.display()
            );
        }
        text
    }

    /// What a file beside the configuration must hold: Dovecot has no such limit itself.
    pub fn openssl_settings(&self) -> Option<String> {
        let newest = self.newest_tls?;
        Some(format!(
            "\
openssl_conf = all
[all]
ssl_conf = tls
[tls]
system_default = limits
[limits]
MaxProtocol = {newest}
"
        ))
    }

    /// What a file beside the configuration must hold.
    pub fn token_settings(&self) -> Option<String> {
        let port = self.introspection.as_ref()?.port();
        Some(format!(
            "\
introspection_mode = get
introspection_url = http://127.0.0.1:{port}/introspect?token=
username_attribute = username
active_attribute = active
active_value = true
"
        ))
    }
}

fn tokens(dialect: Dialect, home: &Path, port: u16) -> String {
    match dialect {
        Dialect::Old => format!(
            "\
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {}/tokens.conf
}}
",
            home.display()
        ),
        Dialect::New => format!(
            "\
oauth2 {{
  introspection_mode = get
  introspection_url = http://127.0.0.1:{port}/introspect?token=
  username_attribute = username
  active_attribute = active
  active_value = true
}}
passdb oauth2 {{
  mechanisms_filter = xoauth2 oauthbearer
}}
"
        ),
    }
}

fn certificates(dialect: Dialect, authority: &Path) -> String {
    let authority = authority.display();
    match dialect {
        Dialect::Old => format!(
            "\
ssl_ca = <{authority}
ssl_verify_client_cert = yes
ssl_require_crl = no
auth_ssl_username_from_cert = yes
ssl_cert_username_field = commonName
passdb {{
  driver = static
  mechanisms = external
  args = nopassword=yes
}}
"
        ),
        Dialect::New => format!(
            "\
ssl_server_ca_file = {authority}
ssl_server_request_client_cert = yes
ssl_server_require_crl = no
auth_ssl_username_from_cert = yes
ssl_server_cert_username_field = commonName
passdb static {{
  mechanisms_filter = external
  fields {{
    nopassword = yes
  }}
}}
"
        ),
    }
}
