//! Where the server is.

use std::fmt;

/// A server's address and how to speak to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A name or an address; an IPv6 address without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// When TLS begins.
    pub security: Security,
}

/// When TLS begins on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// With the first octet (RFC 8314 section 3.3).
    ImplicitTls,
    /// After the STLS command (RFC 2595 section 4).
    StartTls,
    /// Never.
    Cleartext,
}

/// `host:port`, with an IPv6 address in brackets.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(host: &str) -> String {
        let endpoint = Endpoint {
            host: host.into(),
            port: 995,
            security: Security::ImplicitTls,
        };
        endpoint.to_string()
    }

    #[test]
    fn is_shown_as_host_and_port() {
        assert_eq!(shown("pop.example.org"), "pop.example.org:995");
    }

    #[test]
    fn an_ipv6_address_is_shown_in_brackets() {
        assert_eq!(shown("::1"), "[::1]:995");
    }
}
