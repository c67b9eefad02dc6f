//! The date of a message: its `Date:` field (RFC 5322 section 3.6.1).

use mailparse::dateparse;

/// A header longer than this has no date for us; it bounds the search in a message without one.
const HEADER_MAX: usize = 256 * 1024;

/// Seconds since 1970, or none where the message does not say or says what cannot be.
pub fn date(message: &[u8]) -> Option<i64> {
    let header = message.get(..HEADER_MAX).unwrap_or(message);
    let field = header
        .split(|&octet| octet == b'\n')
        .take_while(|line| !matches!(line, [] | [b'\r']))
        .find_map(|line| value(line, b"date:"))?;
    dateparse(str::from_utf8(field).ok()?.trim())
        .ok()
        .filter(|&date| date > 0)
}

fn value<'a>(line: &'a [u8], field: &[u8]) -> Option<&'a [u8]> {
    let (name, value) = line.split_at_checked(field.len())?;
    name.eq_ignore_ascii_case(field).then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_date_field_is_found_in_any_case() {
        let message = b"Subject: x\r\nDATE: Thu, 1 Jan 2004 00:00:00 +0100\r\n\r\nDate: now";
        assert_eq!(date(message), Some(1_072_911_600));
    }

    #[test]
    fn a_date_in_the_text_is_not_the_message_s() {
        assert_eq!(
            date(b"Subject: x\r\n\r\nDate: Thu, 1 Jan 2004 00:00:00 +0000\r\n"),
            None
        );
        assert_eq!(date(b"Date: yesterday\r\n\r\n"), None);
        assert_eq!(date(b""), None);
    }

    proptest! {
        #[test]
        fn no_message_is_too_odd(message: Vec<u8>, value in "\\PC*") {
            date(&message);
            date(format!("Date:{value}\r\n").as_bytes());
        }
    }
}
