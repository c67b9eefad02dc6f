//! What tells a message from another one that the server gives for it: its header, as its sender
//! wrote it.
//!
//! Servers and what stands before them add lines to headers, change those that they have added, and
//! fold lines anew, between two sessions of one client (`Status`, `X-UIDL`, `X-Mozilla-Status`,
//! `Received`). So only fields count that are the sender's own, and that any two messages of one
//! sender differ in; and of those no white space, which is what folding changes (RFC 5322 section
//! 2.2.3). One of them would do most of the time. But there are senders whose `Message-ID` is always
//! the same, and those who write none; and to take one message for two only takes a mark off.

use std::fmt;
use std::str::FromStr;

use memchr::memchr_iter;
use sha2::{Digest, Sha256};

/// The fields that count (RFC 5322 section 3.6).
const FIELDS: [&[u8]; 4] = [b"message-id", b"date", b"from", b"subject"];

/// A header longer than this tells nothing more; it bounds the search in a message without an end to
/// its header.
pub(super) const HEADER_MAX: usize = 256 * 1024;

/// A digest of the fields that a message's sender wrote, the same for as long as it is this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeaderDigest(u128);

impl HeaderDigest {
    /// The digest of a message of which at least the header is here; none where it has no such field.
    pub fn of(message: &[u8]) -> Option<Self> {
        let mut found = FIELDS.map(|name| (name, None));
        for (name, value) in fields(message.get(..HEADER_MAX).unwrap_or(message)) {
            let mut same = found.iter_mut();
            if let Some((_, first)) = same.find(|(it, _)| name.eq_ignore_ascii_case(it)) {
                first.get_or_insert(value);
            }
        }
        let mut digest = None;
        for (name, value) in found {
            if let Some(value) = value {
                add(digest.get_or_insert_default(), name, value);
            }
        }
        digest.map(Self::from)
    }
}

impl From<Sha256> for HeaderDigest {
    fn from(digest: Sha256) -> Self {
        let octets = digest.finalize();
        let (half, _) = octets.split_first_chunk().unwrap_or((&[0; 16], &[]));
        Self(u128::from_be_bytes(*half))
    }
}

/// In hexadecimal digits.
impl fmt::Display for HeaderDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for HeaderDigest {
    type Err = ();

    fn from_str(digits: &str) -> Result<Self, ()> {
        u128::from_str_radix(digits, 16).map(Self).map_err(drop)
    }
}

/// No white space is in it, so a line's end ends it.
fn add(digest: &mut Sha256, name: &[u8], value: &[u8]) {
    digest.update(name);
    digest.update(b":");
    value
        .split(u8::is_ascii_whitespace)
        .for_each(|word| digest.update(word));
    digest.update(b"\n");
}

/// The fields of a header, name and body, each with all of its lines.
fn fields(message: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = message;
    let lines = std::iter::from_fn(move || {
        let is_over = matches!(rest, [] | [b'\n', ..] | [b'\r', b'\n', ..]);
        let field;
        (field, rest) = rest.split_at_checked(end_of_field(rest))?;
        (!is_over).then_some(field)
    });
    lines.filter_map(|field| {
        let colon = field.iter().position(|&octet| octet == b':')?;
        let (name, value) = field.split_at(colon);
        Some((name.trim_ascii_end(), value.get(1..)?))
    })
}

/// A line that begins with white space belongs to the one before.
fn end_of_field(header: &[u8]) -> usize {
    let goes_on = |at: usize| matches!(header.get(at + 1), Some(b' ' | b'\t'));
    let end = memchr_iter(b'\n', header).find(|&at| !goes_on(at));
    end.map_or(header.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: &str = "Received: from a\r\n\tby b\r\nFrom: Ann <ann@example.org>\r\n\
        Subject: a long\r\n story\r\nDATE : Thu, 1 Jan 2004 00:00:00 +0000\r\nMessage-Id: <1@a>\r\n\r\n";

    fn digest(message: &str) -> Option<HeaderDigest> {
        HeaderDigest::of(message.as_bytes())
    }

    /// The digest of the header when one part of it is another.
    fn digest_with(from: &str, to: &str) -> Option<HeaderDigest> {
        let changed = HEADER.replace(from, to);
        assert_ne!(changed, HEADER);
        digest(&changed)
    }

    #[test]
    fn what_servers_add_move_and_fold_changes_nothing() {
        let known = digest(HEADER);
        assert!(known.is_some());
        for (from, to) in [
            ("Received: from a\r\n\tby b\r\n", ""),
            ("Received", "Status: RO\r\nX-UIDL: 7\r\nReceived"),
            ("a long\r\n story", "a\r\n long story"),
            ("Ann <ann", "Ann\r\n\t<ann"),
            ("DATE : ", "Date:"),
            ("\r\n", "\n"),
            ("\r\n\r\n", "\r\n\r\nSubject: in the text\r\n"),
            ("\r\n\r\n", "\r\nX-Mozilla-Status: 0001\r\n\r\n text"),
            ("\r\n\r\n", "\r\n"),
        ] {
            assert_eq!(digest_with(from, to), known, "{to:?}");
        }
    }

    #[test]
    fn another_message_has_another() {
        let known = digest(HEADER);
        for (from, to) in [
            ("<1@a>", "<2@a>"),
            ("2004", "2005"),
            ("Ann", "Bob"),
            ("long", "short"),
            ("Message-Id: <1@a>\r\n", ""),
            ("Subject: a long\r\n story", "X: a"),
            ("Subject: a long\r\n story\r\n", "Subject: along\r\n\r\n"),
        ] {
            assert_ne!(digest_with(from, to), known, "{to:?}");
        }
    }

    #[test]
    fn a_message_without_such_a_field_has_none() {
        for message in [
            "",
            "\r\n",
            "\r\nSubject: x\r\n",
            " Subject: x\r\n",
            "To: ann\r\n\r\nDate: now\r\n",
            "Subject\r\n: x\r\n",
        ] {
            assert_eq!(digest(message), None, "{message:?}");
        }
    }

    #[test]
    fn a_header_without_an_end_is_not_searched_to_its_end() {
        let long = format!(
            "To: ann\r\n{}Subject: x\r\n",
            "X:\r\n".repeat(HEADER_MAX / 4)
        );
        assert_eq!(digest(&long), None);
    }

    #[test]
    fn it_is_the_same_in_any_run() {
        let words = digest("Subject: x\r\n\r\n").map(|digest| digest.to_string());
        assert_eq!(words.as_deref(), Some("af88de71357db31f9b19a5c8092d1ecf"));
    }

    proptest! {
        #[test]
        fn no_message_is_too_odd_and_what_is_written_is_read_back(
            message: Vec<u8>, subject in "[ -~]{0,9}", digest: u128
        ) {
            HeaderDigest::of(&message);
            let with_subject = [format!("Subject:{subject}\r\n").as_bytes(), &message].concat();
            prop_assert!(HeaderDigest::of(&with_subject).is_some());
            let digest = HeaderDigest(digest);
            prop_assert_eq!(digest.to_string().parse(), Ok(digest));
        }
    }
}
