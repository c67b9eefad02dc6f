//! APOP (RFC 1939 section 7).

use md5::{Digest, Md5};
use zeroize::Zeroizing;

use super::{Secret, text};

/// The longest timestamp that is taken, in octets: a greeting has 512 (RFC 2449 section 4).
const MAX_TIMESTAMP: usize = 256;

/// The timestamp in a greeting that offers APOP.
///
/// ```abnf
/// timestamp = "<" local "@" domain ">"
/// local     = dot-atom                    ; RFC 5322 section 3.2.3
/// domain    = dot-atom / "[" 1*dtext "]"  ; RFC 5322 section 3.4.1
/// ```
///
/// Nothing else is taken. Whoever can choose what is digested, and so make two texts with the same
/// digest, learns the password octet by octet (CVE-2007-1558); those texts are not of this form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Timestamp(String);

impl Timestamp {
    /// The one in a greeting's line.
    pub(super) fn find(greeting: &[u8]) -> Option<Self> {
        let start = memchr::memchr(b'<', greeting)?;
        let text = greeting.get(start..)?;
        let end = memchr::memchr(b'>', text)?;
        let text = str::from_utf8(text.get(..=end)?).ok()?;
        let (local, domain) = text.get(1..end)?.rsplit_once('@')?;
        let right = is_dot_atom(local) && is_domain(domain) && text.len() <= MAX_TIMESTAMP;
        right.then(|| Self(text.to_owned()))
    }

    /// The digest that proves the password.
    pub(super) fn digest(&self, password: &Secret) -> String {
        let octets = Zeroizing::new([self.0.as_bytes(), password.expose().as_bytes()].concat());
        text::hexadecimal(&Md5::digest(&*octets))
    }
}

fn is_dot_atom(text: &str) -> bool {
    text.split('.')
        .all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
}

/// RFC 5322 section 3.2.3.
fn is_atext(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet)
}

fn is_domain(text: &str) -> bool {
    let literal = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    literal.map_or_else(
        || is_dot_atom(text),
        |literal| !literal.is_empty() && literal.bytes().all(is_dtext),
    )
}

/// RFC 5322 section 3.4.1.
fn is_dtext(octet: u8) -> bool {
    octet.is_ascii_graphic() && !b"[]\\".contains(&octet)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_the_rfc() {
        let greeting = b"+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>";
        let timestamp = Timestamp::find(greeting).unwrap();
        let password = Secret::new("tanstaaf".to_owned());
        assert_eq!(
            timestamp.digest(&password),
            "c4c9334bac560ecc979e58001b3e22fb"
        );
    }

    #[test]
    fn what_servers_say_is_taken() {
        for timestamp in [
            "<1f5c.1.5b0a8c1a.XQ1sHGAyWKhVQKV4hOa3RA==@host>",
            "<12345.1700000000@pop.example.org>",
            "<1.2@[127.0.0.1]>",
            "<a@b>",
        ] {
            let greeting = format!("+OK ready {timestamp} behind");
            let found = Timestamp::find(greeting.as_bytes());
            assert_eq!(found, Some(Timestamp(timestamp.to_owned())));
        }
    }

    #[test]
    fn what_could_be_made_to_break_the_digest_is_not() {
        for greeting in [
            &b"+OK ready"[..],
            b"+OK <>",
            b"+OK <@>",
            b"+OK <a@>",
            b"+OK <@b>",
            b"+OK <a.b>",
            b"+OK <a b@c>",
            b"+OK <a..b@c>",
            b"+OK <a@b",
            b"+OK <a\x80b@c>",
            b"+OK <a@b\xff>",
            b"+OK <a\x01b@c>",
            b"+OK <<a@b>",
            b"+OK <a@b@c>",
            b"+OK <\"a\"@b>",
        ] {
            assert_eq!(
                Timestamp::find(greeting),
                None,
                "{}",
                greeting.escape_ascii()
            );
        }
        let long = format!("+OK <{}@b>", "a".repeat(MAX_TIMESTAMP));
        assert_eq!(Timestamp::find(long.as_bytes()), None);
    }

    proptest! {
        #[test]
        fn a_timestamp_is_printable_whatever_the_greeting(greeting: Vec<u8>) {
            if let Some(Timestamp(text)) = Timestamp::find(&greeting) {
                prop_assert!(text.bytes().all(|octet| octet.is_ascii_graphic()));
            }
        }
    }
}
