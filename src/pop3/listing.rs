//! Lines of LIST and UIDL, and STAT's reply.
//!
//! These are the server's to choose, and a UIDL can even be the sender's (some servers take it
//! from the message). Nothing here is trusted: a sloppy line loses its value, not its message.

use super::MessageNumber;

/// The largest size a file can be shown with (`off_t`).
const MAX_SIZE: u64 = i64::MAX as u64;

/// A scan listing (RFC 1939 section 5, LIST).
#[derive(Debug, PartialEq, Eq)]
pub struct ScanLine {
    /// Which message, in this session.
    pub number: MessageNumber,
    /// Its size in octets, an estimate: 0 where the server's is none, 2^63 - 1 at most.
    pub size: u64,
}

/// A unique-id listing (RFC 1939 section 7, UIDL).
#[derive(Debug, PartialEq, Eq)]
pub struct UniqueIdLine<'a> {
    /// Which message, in this session.
    pub number: MessageNumber,
    /// The rest of the line: any octets but LF, maybe none, maybe not unique.
    pub unique_id: &'a [u8],
}

/// Parses a line of LIST's reply; none if it names no message.
///
/// ```abnf
/// scan-listing = number 1*blank size [rest]
/// ```
pub fn scan_line(line: &[u8]) -> Option<ScanLine> {
    let (number, rest) = numbered(line)?;
    let size = word(rest).and_then(saturated).unwrap_or(0);
    Some(ScanLine { number, size })
}

/// Parses a line of UIDL's reply; none if it names no message.
///
/// ```abnf
/// unique-id-listing = number 1*blank unique-id
/// ```
///
/// Blanks within the unique-id belong to it, those around it do not.
pub fn unique_id_line(line: &[u8]) -> Option<UniqueIdLine<'_>> {
    let (number, unique_id) = numbered(line)?;
    Some(UniqueIdLine { number, unique_id })
}

/// Parses the text of STAT's reply: how many messages, and their octets together.
pub fn drop_listing(text: &str) -> Option<(u64, u64)> {
    let mut words = text.split_ascii_whitespace();
    let messages = saturated(words.next()?.as_bytes())?;
    let octets = words
        .next()
        .and_then(|word| saturated(word.as_bytes()))
        .unwrap_or(0);
    Some((messages, octets))
}

/// The message-number, and what stands behind the blanks that follow it.
fn numbered(line: &[u8]) -> Option<(MessageNumber, &[u8])> {
    let line = line.trim_ascii();
    let digits = word(line)?;
    let rest = line.get(digits.len()..)?;
    Some((MessageNumber::parse(digits)?, rest.trim_ascii_start()))
}

fn word(text: &[u8]) -> Option<&[u8]> {
    text.split(u8::is_ascii_whitespace)
        .next()
        .filter(|word| !word.is_empty())
}

/// A decimal number, however long; `None` if it is anything else.
fn saturated(digits: &[u8]) -> Option<u64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = str::from_utf8(digits).ok()?.parse().unwrap_or(MAX_SIZE);
    Some(number.min(MAX_SIZE))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scan(line: &str) -> Option<(String, u64)> {
        scan_line(line.as_bytes()).map(|it| (it.number.to_string(), it.size))
    }

    fn unique_id(line: &str) -> Option<(String, String)> {
        unique_id_line(line.as_bytes()).map(|it| {
            let id = String::from_utf8_lossy(it.unique_id).into_owned();
            (it.number.to_string(), id)
        })
    }

    #[test]
    fn a_scan_listing_is_a_number_and_a_size() {
        assert_eq!(scan("3 1205"), Some(("3".into(), 1205)));
        assert_eq!(scan("3 \t 1205 more"), Some(("3".into(), 1205)));
    }

    #[test]
    fn a_senseless_size_does_not_hide_the_message() {
        for line in ["7", "7 ", "7 -1", "7 many", "7 1e3"] {
            assert_eq!(scan(line), Some(("7".into(), 0)), "{line}");
        }
        for line in ["7 9223372036854775808", "7 99999999999999999999999"] {
            assert_eq!(scan(line), Some(("7".into(), MAX_SIZE)), "{line}");
        }
    }

    #[test]
    fn a_line_without_a_number_names_no_message() {
        for line in ["", " ", "x 1", "0 1", "-1 5", "1x 5", "99999999999 5"] {
            assert_eq!(scan(line), None, "{line}");
            assert_eq!(unique_id(line), None, "{line}");
        }
    }

    #[test]
    fn a_unique_id_is_the_rest_of_the_line() {
        for (line, id) in [
            ("1 whqtswO00WBw418f9t5JxYwZ", "whqtswO00WBw418f9t5JxYwZ"),
            ("1    spaced", "spaced"),
            ("1 two words \r", "two words"),
            ("1 ../../../tmp/evil", "../../../tmp/evil"),
            ("1", ""),
            ("1 ", ""),
        ] {
            assert_eq!(unique_id(line), Some(("1".into(), id.into())), "{line}");
        }
    }

    #[test]
    fn a_drop_listing_is_two_numbers() {
        assert_eq!(drop_listing("2 320"), Some((2, 320)));
        assert_eq!(drop_listing("2 320 octets"), Some((2, 320)));
        assert_eq!(drop_listing("2 lots"), Some((2, 0)));
        assert_eq!(drop_listing("none"), None);
        assert_eq!(drop_listing(""), None);
    }

    proptest! {
        #[test]
        fn a_printed_scan_listing_parses_to_itself(number in 1_u32.., size in 0..=MAX_SIZE) {
            prop_assert_eq!(scan(&format!("{number} {size}")), Some((number.to_string(), size)));
        }

        #[test]
        fn a_printed_unique_id_parses_to_itself(
            number in 1_u32..,
            id in "[\\x21-\\x7e]([\\x20-\\x7e]{0,80}[\\x21-\\x7e])?",
        ) {
            prop_assert_eq!(unique_id(&format!("{number} {id}")), Some((number.to_string(), id)));
        }

        #[test]
        fn no_line_panics(line: Vec<u8>) {
            let _ = scan_line(&line);
            let _ = unique_id_line(&line);
            let _ = drop_listing(&String::from_utf8_lossy(&line));
        }
    }
}
