//! The way to a server.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::{Endpoint, Launcher, Security};
use crate::pop3::Secret;

/// The way to a server.
#[derive(Clone, Debug, Default)]
pub enum Route {
    /// A TCP connection.
    #[default]
    Direct,
    /// A TCP connection to a proxy that passes everything on.
    Proxy(Proxy),
    /// A program whose standard input and output are the connection.
    Program(Launcher),
}

/// A proxy that speaks SOCKS 5.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// A name or an address; an IPv6 address without brackets.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// Who we are to it, if it asks.
    pub login: Option<ProxyLogin>,
}

/// Who we are to a proxy.
#[derive(Clone)]
pub struct ProxyLogin {
    /// By what name.
    pub name: String,
    /// Finds the password, anew for each connection.
    pub password: Arc<dyn Fn() -> io::Result<Secret> + Send + Sync>,
}

impl Proxy {
    /// Where it is. TLS is not for it: what goes through is TLS already, where it should be.
    pub(super) fn endpoint(&self) -> Endpoint {
        Endpoint {
            host: self.host.clone(),
            port: self.port,
            security: Security::Cleartext,
        }
    }
}

impl fmt::Debug for ProxyLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyLogin")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
