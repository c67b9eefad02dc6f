//! The number by which a session knows a message.

use std::fmt;

/// A message-number (RFC 1939 section 5): it names a message in one session, and another one, or
/// none, in the next.
///
/// So it can be neither copied nor made from an integer. Only the parsers of
/// [`listing`](super::listing) make one; it belongs to the session's map and is dropped with it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageNumber(u32);

impl MessageNumber {
    /// Parses one or more digits, giving a number from 1 on.
    pub(super) fn parse(digits: &[u8]) -> Option<Self> {
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let number = str::from_utf8(digits).ok()?.parse().ok()?;
        (number > 0).then_some(Self(number))
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
        assert_eq!(MessageNumber::parse(b"1"), Some(MessageNumber(1)));
        assert_eq!(
            MessageNumber::parse(b"4294967295"),
            Some(MessageNumber(u32::MAX))
        );
        assert_eq!(MessageNumber::parse(b"0"), None);
    }

    #[test]
    fn anything_but_digits_is_no_number() {
        for text in [&b""[..], b"+1", b"-1", b"1a", b" 1", b"4294967296", b"\xff"] {
            assert_eq!(MessageNumber::parse(text), None);
        }
    }
}
