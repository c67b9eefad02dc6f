//! Where the mailbox is: `pop3s://[LOGIN@]HOST[:PORT]`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// RFC 8314 section 7.1.
const PORT_OF_POP3S: u16 = 995;

/// RFC 1939 section 3.
const PORT_OF_POP3: u16 = 110;

/// When TLS begins on the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// With the first octet.
    ImplicitTls,
    /// After STLS, which the server must offer.
    StartTls,
    /// Never.
    Cleartext,
}

/// A mailbox on a server.
///
/// ```text
/// source = ["pop3fs#"] ("pop3s" / "pop3") "://" [login "@"] host [":" port] ["/"]
/// ```
///
/// The login may have `%XX` in it; an IPv6 address stands in brackets. An unescaped `@` in the
/// login does no harm, since the last one counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The name to log in with, where it is given.
    pub login: Option<String>,
    /// A name or an address; an IPv6 address without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// When TLS begins.
    pub security: Security,
}

/// Why a source cannot be understood. It never repeats the source, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceError {
    /// Not `pop3s://` or `pop3://`.
    Scheme,
    /// There is a password in it.
    Password,
    /// The login is empty, has a `%` without two hexadecimal digits, is not UTF-8, or has
    /// control characters, which would end the command it is sent in.
    Login,
    /// There is no host, or it cannot be one.
    Host,
    /// The IPv6 address has a zone (RFC 4007 section 11).
    Zone,
    /// The port is not a number from 1 to 65535.
    Port,
    /// Something follows the host.
    Path,
}

impl Source {
    /// Reads a source as it is typed.
    ///
    /// # Errors
    ///
    /// [`SourceError`]
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        let text = text.strip_prefix("pop3fs#").unwrap_or(text);
        let (scheme, rest) = text.split_once("://").ok_or(SourceError::Scheme)?;
        let (security, default_port) = scheme_defaults(scheme)?;
        let Authority { login, host, port } = Authority::parse(rest)?;
        Ok(Self {
            login,
            host,
            port: port.unwrap_or(default_port),
            security,
        })
    }

    /// Whether the server is on this machine, going by its name alone.
    pub fn is_loopback(&self) -> bool {
        let name = self.host.strip_suffix('.').unwrap_or(&self.host);
        match name.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => name.eq_ignore_ascii_case("localhost"),
        }
    }
}

/// What stands behind the scheme: `[login "@"] host [":" port] ["/"]`.
pub(super) struct Authority {
    pub(super) login: Option<String>,
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

impl Authority {
    pub(super) fn parse(text: &str) -> Result<Self, SourceError> {
        let (login, place) = match text.rsplit_once('@') {
            Some((login, place)) => (Some(parse_login(login)?), place),
            None => (None, text),
        };
        let (host, port) = parse_place(place)?;
        Ok(Self { login, host, port })
    }
}

fn scheme_defaults(scheme: &str) -> Result<(Security, u16), SourceError> {
    match scheme.to_ascii_lowercase().as_str() {
        "pop3s" => Ok((Security::ImplicitTls, PORT_OF_POP3S)),
        "pop3" => Ok((Security::StartTls, PORT_OF_POP3)),
        _ => Err(SourceError::Scheme),
    }
}

fn parse_login(text: &str) -> Result<String, SourceError> {
    if text.contains(':') {
        return Err(SourceError::Password);
    }
    let login = percent_decoded(text).ok_or(SourceError::Login)?;
    if login.is_empty() || login.contains(char::is_control) {
        return Err(SourceError::Login);
    }
    Ok(login)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => hexadecimal(rest.next()?)? << 4 | hexadecimal(rest.next()?)?,
            _ => octet,
        });
    }
    String::from_utf8(octets).ok()
}

fn hexadecimal(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

/// `host [":" port] ["/"]`
fn parse_place(text: &str) -> Result<(String, Option<u16>), SourceError> {
    let place = text.strip_suffix('/').unwrap_or(text);
    if place.contains(['/', '?', '#']) {
        return Err(SourceError::Path);
    }
    if let Some(rest) = place.strip_prefix('[') {
        let (address, port) = rest.split_once(']').ok_or(SourceError::Host)?;
        check_address(address)?;
        return Ok((address.to_owned(), parse_port(port)?));
    }
    let (host, port) = place.split_at(place.find(':').unwrap_or(place.len()));
    if !is_host(host) {
        return Err(SourceError::Host);
    }
    Ok((host.to_owned(), parse_port(port)?))
}

fn check_address(text: &str) -> Result<(), SourceError> {
    match text.parse::<Ipv6Addr>() {
        Ok(_) => Ok(()),
        Err(_) if text.contains('%') => Err(SourceError::Zone),
        Err(_) => Err(SourceError::Host),
    }
}

/// Names are looked up as they are; this keeps out only what can be part of none.
fn is_host(text: &str) -> bool {
    let is_allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
    !text.is_empty() && text.chars().all(is_allowed)
}

/// Nothing, or a colon and a number.
fn parse_port(text: &str) -> Result<Option<u16>, SourceError> {
    let Some(digits) = text.strip_prefix(':') else {
        return if text.is_empty() {
            Ok(None)
        } else {
            Err(SourceError::Host)
        };
    };
    match digits.parse() {
        Ok(port @ 1..) if digits.bytes().all(|b| b.is_ascii_digit()) => Ok(Some(port)),
        _ => Err(SourceError::Port),
    }
}

/// As it can be typed again, the port always with it.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.security {
            Security::ImplicitTls => "pop3s://",
            Security::StartTls | Security::Cleartext => "pop3://",
        })?;
        if let Some(login) = &self.login {
            write_login(f, login)?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Escapes all but the unreserved characters of RFC 3986 section 2.3, and `@`, which is in many
/// logins and does no harm.
fn write_login(f: &mut fmt::Formatter<'_>, login: &str) -> fmt::Result {
    for octet in login.bytes() {
        match octet {
            b'-' | b'.' | b'_' | b'~' | b'@' => write!(f, "{}", char::from(octet))?,
            _ if octet.is_ascii_alphanumeric() => write!(f, "{}", char::from(octet))?,
            _ => write!(f, "%{octet:02X}")?,
        }
    }
    f.write_str("@")
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => {
                "the source must be pop3s://[LOGIN@]HOST[:PORT] or pop3://[LOGIN@]HOST[:PORT]"
            }
            Self::Password => {
                "a password does not belong in the source, where everybody can see it; use \
                 --password-command, --password-file, POP3FS_PASSWORD, ~/.netrc, or wait to be \
                 asked (a colon that is part of the login is written %3A)"
            }
            Self::Login => {
                "the login in the source is empty, or has a % that is not followed by two \
                 hexadecimal digits, or control characters"
            }
            Self::Host => {
                "the source has no host, or one that cannot be; an IPv6 address needs brackets"
            }
            Self::Zone => {
                "the zone of an IPv6 address (%...) is not supported; use an address that needs \
                 none, or a name"
            }
            Self::Port => "the port in the source is not a number from 1 to 65535",
            Self::Path => "nothing may follow the host and port in the source",
        })
    }
}

impl std::error::Error for SourceError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn source(text: &str) -> Source {
        Source::parse(text).unwrap()
    }

    #[test]
    fn pop3s_is_tls_on_port_995() {
        let expected = Source {
            login: Some("ann".into()),
            host: "pop.example.org".into(),
            port: 995,
            security: Security::ImplicitTls,
        };
        assert_eq!(source("pop3s://ann@pop.example.org"), expected);
        assert_eq!(source("POP3S://ann@pop.example.org/"), expected);
        assert_eq!(source("pop3fs#pop3s://ann@pop.example.org"), expected);
    }

    #[test]
    fn pop3_insists_on_stls_on_port_110() {
        let source = source("pop3://pop.example.org");
        assert_eq!((source.port, source.security), (110, Security::StartTls));
        assert_eq!(source.login, None);
    }

    #[test]
    fn an_ipv6_address_stands_in_brackets() {
        let source = source("pop3s://ann@[2001:db8::1]:9950");
        assert_eq!((source.host.as_str(), source.port), ("2001:db8::1", 9950));
        for wrong in [
            "pop3s://[::1",
            "pop3s://[::1]9",
            "pop3s://[x]",
            "pop3s://[]",
        ] {
            assert_eq!(Source::parse(wrong), Err(SourceError::Host), "{wrong}");
        }
    }

    #[test]
    fn a_login_may_be_an_address_or_be_escaped() {
        let login = |text| source(text).login.unwrap();
        assert_eq!(
            login("pop3s://ann@example.org@pop.example.org"),
            "ann@example.org"
        );
        assert_eq!(
            login("pop3s://recent%3aann%40x@pop.example.org"),
            "recent:ann@x"
        );
        assert_eq!(login("pop3s://J%C3%BCrgen@pop.example.org"), "Jürgen");
    }

    #[test]
    fn a_login_that_could_break_a_command_is_refused() {
        for login in ["", "%", "%4", "%zz", "%+1", "%FF", "a%0D%0ADELE", "a%00"] {
            let text = format!("pop3s://{login}@pop.example.org");
            assert_eq!(Source::parse(&text), Err(SourceError::Login), "{login}");
        }
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        for password in ["sesame", "se/same", "se@same", "", "se:same"] {
            let text = format!("pop3s://ann:{password}@pop.example.org");
            assert_eq!(Source::parse(&text), Err(SourceError::Password));
        }
        assert!(!SourceError::Password.to_string().contains("sesame"));
    }

    #[test]
    fn what_is_no_source_is_refused_for_its_reason() {
        for (text, error) in [
            ("", SourceError::Scheme),
            ("pop.example.org", SourceError::Scheme),
            ("imap://pop.example.org", SourceError::Scheme),
            ("pop3s://", SourceError::Host),
            ("pop3s://ann@", SourceError::Host),
            ("pop3s://two words", SourceError::Host),
            ("pop3s://host:", SourceError::Port),
            ("pop3s://host:0", SourceError::Port),
            ("pop3s://host:+1", SourceError::Port),
            ("pop3s://host:65536", SourceError::Port),
            ("pop3s://::1", SourceError::Host),
            ("pop3s://[fe80::1%lo]", SourceError::Zone),
            ("pop3s://ann@[fe80::1%25lo]:995", SourceError::Zone),
            ("pop3s://host/inbox", SourceError::Path),
        ] {
            assert_eq!(Source::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn loopback_is_known_by_name() {
        for host in [
            "localhost",
            "LocalHost.",
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(source(&format!("pop3://{host}")).is_loopback(), "{host}");
        }
        for host in [
            "localhost.example.org",
            "128.0.0.1",
            "[::2]",
            "127.example.org",
        ] {
            assert!(!source(&format!("pop3://{host}")).is_loopback(), "{host}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = Source::parse(&text);
            let _ = Source::parse(&format!("pop3s://{text}"));
        }

        #[test]
        fn printing_and_reading_gives_the_source_back(
            login in prop::option::of("[^\\p{Cc}]{1,20}"),
            host in prop_oneof!["[a-z0-9.-]{1,20}", Just("2001:db8::1".to_owned())],
            port in 1..=u16::MAX,
            tls in any::<bool>(),
        ) {
            let security = if tls { Security::ImplicitTls } else { Security::StartTls };
            let source = Source { login, host, port, security };
            prop_assert_eq!(Source::parse(&source.to_string()), Ok(source));
        }
    }
}
