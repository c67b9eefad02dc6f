//! The way to the server.

use std::path::PathBuf;

use clap::Args;

use super::Misuse;
use super::mount_request::absolute;
use super::source::{Authority, SourceError};

/// RFC 1928 section 3.
const PORT_OF_SOCKS: u16 = 1080;

/// The options about the way to the server, as they are typed.
#[derive(Args, Debug)]
pub(super) struct RouteOptions {
    /// Connect through this proxy: socks5://[LOGIN@]HOST[:PORT]
    #[arg(long, value_name = "PROXY", conflicts_with = "connect_command")]
    proxy: Option<String>,
    /// Take the first line of this file, which nobody else may read, as the proxy's password
    #[arg(long, value_name = "FILE")]
    proxy_password_file: Option<PathBuf>,
    /// Connect by this program's input and output; %h is the host, %p the port
    #[arg(long, value_name = "COMMAND")]
    connect_command: Option<String>,
}

impl RouteOptions {
    /// Whether the server's localhost may be another than ours: a proxy's, or a program's.
    pub(super) fn leads_elsewhere(&self) -> bool {
        self.proxy.is_some() || self.connect_command.is_some()
    }
}

/// The way to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteRequest {
    /// A connection to the server.
    Direct,
    /// A connection to a proxy.
    Proxy(ProxyRequest),
    /// A program, with its arguments.
    Program(String),
}

/// A proxy that speaks SOCKS 5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyRequest {
    /// A name or an address; an IPv6 address without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// The name to log in with.
    pub login: Option<String>,
    /// A file that holds the password; an absolute path.
    pub password_file: Option<PathBuf>,
}

impl TryFrom<RouteOptions> for RouteRequest {
    type Error = Misuse;

    fn try_from(options: RouteOptions) -> Result<Self, Misuse> {
        let password_file = options.proxy_password_file.map(absolute).transpose()?;
        match (options.proxy, options.connect_command) {
            (Some(proxy), _) => Ok(Self::Proxy(proxy_request(&proxy, password_file)?)),
            (None, _) if password_file.is_some() => Err(Misuse::PasswordWithoutProxy),
            (None, Some(command)) => Ok(Self::Program(command)),
            (None, None) => Ok(Self::Direct),
        }
    }
}

/// `socks5://[login@]host[:port]`; with `socks5h` for the scheme, curl(1) says that the proxy looks
/// up names, as it does here in any case.
fn proxy_request(text: &str, password_file: Option<PathBuf>) -> Result<ProxyRequest, Misuse> {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    if !["socks5", "socks5h"].contains(&scheme.to_ascii_lowercase().as_str()) {
        return Err(Misuse::Proxy(SourceError::Scheme));
    }
    let Authority { login, host, port } = Authority::parse(rest).map_err(Misuse::Proxy)?;
    Ok(ProxyRequest {
        host,
        port: port.unwrap_or(PORT_OF_SOCKS),
        login,
        password_file,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<ProxyRequest, String> {
        proxy_request(text, None).map_err(|misuse| misuse.to_string())
    }

    #[test]
    fn a_proxy_is_a_host_and_maybe_a_port_and_a_login() {
        let proxy = parsed("socks5://localhost").unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("localhost", 1080));
        let proxy = parsed("SOCKS5h://a%40b@[::1]:9050/").unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("::1", 9050));
        assert_eq!(proxy.login.as_deref(), Some("a@b"));
    }

    #[test]
    fn what_is_no_proxy_is_not_repeated() {
        for text in [
            "",
            "localhost:1080",
            "http://localhost",
            "socks5://",
            "socks5://h:0",
        ] {
            assert!(parsed(text).unwrap_err().contains("socks5://"), "{text}");
        }
        let refused = parsed("socks5://ann:sesame@h").unwrap_err();
        assert!(!refused.contains("sesame") && refused.contains("--proxy-password-file"));
    }
}
