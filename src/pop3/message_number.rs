//! The number by which a session knows a message.

use std::fmt;
use std::num::NonZeroU32;

/// A message-number (RFC 1939 section 5): it names a message in one session, and another one, or
/// none, in the next.
///
/// So it can be neither copied nor made from an integer. Only the parsers of
/// [`listing`](super::listing) make one; it belongs to the session's map and is dropped with it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageNumber(NonZeroU32);

impl MessageNumber {
    /// Parses one or more digits, giving a number from 1 on.
    pub(super) fn parse(digits: &[u8]) -> Option<Self> {
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        str::from_utf8(digits).ok()?.parse().ok().map(Self)
    }
}

impl fmt::Display for MessageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_start_at_one() {
        let parsed = |digits| MessageNumber::parse(digits).map(|number| number.0.get());
        assert_eq!(parsed(b"1"), Some(1));
        assert_eq!(parsed(b"4294967295"), Some(u32::MAX));
        assert_eq!(parsed(b"0"), None);
    }

    #[test]
    fn anything_but_digits_is_no_number() {
        for text in [&b""[..], b"+1", b"-1", b"1a", b" 1", b"4294967296", b"\xff"] {
            assert_eq!(MessageNumber::parse(text), None);
        }
    }
}
