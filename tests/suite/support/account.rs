//! A mailbox as the command line names it.

use std::path::Path;

use super::authority::Certificate;
use super::proxy::Proxy;

/// Where a mailbox is, and how to get into it.
#[derive(Clone, Debug)]
pub struct Account {
    source: String,
    password: String,
    options: Vec<String>,
}

impl Account {
    /// Over implicit TLS.
    pub fn implicit_tls(user: &str, password: &str, port: u16, ca_file: &Path) -> Self {
        Self::over_tls("pop3s", user, password, port, ca_file)
    }

    /// Over TLS begun with STLS.
    pub fn stls(user: &str, password: &str, port: u16, ca_file: &Path) -> Self {
        Self::over_tls("pop3", user, password, port, ca_file)
    }

    /// In clear.
    pub fn in_clear(user: &str, password: &str, port: u16) -> Self {
        Self {
            source: format!("pop3://{user}@127.0.0.1:{port}"),
            password: password.to_owned(),
            options: vec!["--tls".to_owned(), "off".to_owned()],
        }
    }

    /// The same without its options, so without the CA's certificate.
    pub fn without_options(self) -> Self {
        Self {
            options: Vec::new(),
            ..self
        }
    }

    /// The same at another host.
    pub fn at_host(self, host: &str) -> Self {
        Self {
            source: self.source.replace("127.0.0.1", host),
            ..self
        }
    }

    /// The same through a proxy, by this login; in clear, which has to be insisted on then.
    pub fn through(self, proxy: &Proxy, login: &str) -> Self {
        let proxy = format!("socks5://{login}@127.0.0.1:{}", proxy.port());
        self.at_host("localhost")
            .with_options(&["--insecure-cleartext", "--proxy", &proxy])
    }

    /// The port.
    pub fn port(&self) -> u16 {
        let (_, port) = self.source.rsplit_once(':').expect("a source with a port");
        port.parse().expect("a port")
    }

    /// The same at another port.
    pub fn at_port(self, port: u16) -> Self {
        let (host, _) = self.source.rsplit_once(':').expect("a source with a port");
        Self {
            source: format!("{host}:{port}"),
            ..self
        }
    }

    /// The same with a client certificate.
    pub fn showing(&self, certificate: &Certificate) -> Self {
        let path = |path: &Path| path.display().to_string();
        let (chain, key) = (path(&certificate.chain), path(&certificate.key));
        self.clone()
            .with_options(&["--tls-client-certificate", &chain, "--tls-client-key", &key])
    }

    /// The same with more options.
    pub fn with_options(mut self, options: &[&str]) -> Self {
        self.options.extend(options.iter().map(ToString::to_string));
        self
    }

    /// The same with one more option.
    pub fn with_option(mut self, option: &str) -> Self {
        self.options.push(option.to_owned());
        self
    }

    /// The same with another password.
    pub fn with_password(self, password: &str) -> Self {
        Self {
            password: password.to_owned(),
            ..self
        }
    }

    /// The URL, `pop3s://user@host:port` or the like.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The password.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The options that belong to the account: about TLS.
    pub fn options(&self) -> &[String] {
        &self.options
    }

    fn over_tls(scheme: &str, user: &str, password: &str, port: u16, ca_file: &Path) -> Self {
        Self {
            source: format!("{scheme}://{user}@localhost:{port}"),
            password: password.to_owned(),
            options: vec!["--ca-file".to_owned(), ca_file.display().to_string()],
        }
    }
}
