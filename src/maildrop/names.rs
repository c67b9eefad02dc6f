//! Unique-ids as file names, one to one.
//!
//! A unique-id can be chosen by whoever sent the mail, so it is escaped as if it were hostile:
//!
//! - `%`, `/`, control octets, DEL and everything beyond ASCII are written `%XX`;
//! - so is `|`, at which programs as perl(1) run the rest of the name (`perl -ne ... *`);
//! - a leading `.` is written `%2E` where the name would be `.`, `..` or `.pop3fs`;
//! - a leading `-` is written `%2D`, for `tar c *` would take the name for an option;
//! - the `~` of an ending `~2` is written `%7E`, for `~2` marks the second of two equal unique-ids;
//! - a name that would be too long keeps its beginning and ends in `%~` and a digest: no escape
//!   yields `%~`, so no other name looks like it.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The longest file name that Linux takes (NAME_MAX).
const NAME_MAX: usize = 255;

/// Room kept for `~` and an occurrence.
const OCCURRENCE_MAX: usize = 11;

/// Stands for an empty unique-id. No escape yields `%n`, so no other name looks like it.
const NO_UNIQUE_ID: &str = "%no-unique-id";

/// How many octets of the digest stand in a shortened name; 128 bits do not collide.
const DIGEST_OCTETS: usize = 16;

/// The file name for the `occurrence`-th message (counted from 1) that has this unique-id.
///
/// `suffix` is at most 32 octets long; the command line sees to it.
pub fn file_name(unique_id: &[u8], occurrence: u32, suffix: &str) -> String {
    let mut name = String::new();
    write_file_name(&mut name, unique_id, occurrence, suffix);
    name
}

/// The same, into a string that held another name: a mailbox has a hundred thousand.
pub fn write_file_name(name: &mut String, unique_id: &[u8], occurrence: u32, suffix: &str) {
    name.clear();
    escape(unique_id, name);
    shorten(name, unique_id, suffix.len());
    if occurrence > 1 {
        // Writing to a String cannot fail.
        let _ = write!(name, "~{occurrence}");
    }
    name.push_str(suffix);
}

/// A unique-id as printable ASCII of one line; [`unescaped`] is the way back.
pub(super) fn escaped(unique_id: &[u8]) -> String {
    let mut text = String::new();
    escape(unique_id, &mut text);
    text
}

fn escape(unique_id: &[u8], text: &mut String) {
    if unique_id.is_empty() {
        return text.push_str(NO_UNIQUE_ID);
    }
    let special = matches!(unique_id, b"." | b".." | b".pop3fs" | [b'-', ..]);
    let tilde = occurrence_mark(unique_id);
    match str::from_utf8(unique_id) {
        // Nearly all are.
        Ok(plain) if !special && tilde.is_none() && are_plain(unique_id) => text.push_str(plain),
        _ => escape_one_by_one(unique_id, special, tilde, text),
    }
}

/// Looks at all of them, so that the processor can look at many at once.
fn are_plain(octets: &[u8]) -> bool {
    octets.iter().fold(true, |all, octet| all & is_plain(octet))
}

fn escape_one_by_one(unique_id: &[u8], special: bool, tilde: Option<usize>, text: &mut String) {
    for (at, octet) in unique_id.iter().enumerate() {
        if is_plain(octet) && !(special && at == 0) && tilde != Some(at) {
            text.push(char::from(*octet));
        } else {
            let _ = write!(text, "%{octet:02X}");
        }
    }
}

fn is_plain(octet: &u8) -> bool {
    matches!(octet, b' '..=b'~') && !matches!(octet, b'%' | b'/' | b'|')
}

/// The unique-id that [`escaped`] gave this text for, if any did.
pub(super) fn unescaped(text: &str) -> Option<Vec<u8>> {
    if text == NO_UNIQUE_ID {
        return Some(Vec::new());
    }
    let mut octets = text.bytes();
    let mut unique_id = Vec::with_capacity(text.len());
    while let Some(octet) = octets.next() {
        unique_id.push(match octet {
            b'%' => 16 * hexadecimal(octets.next()?)? + hexadecimal(octets.next()?)?,
            plain => plain,
        });
    }
    (escaped(&unique_id) == text).then_some(unique_id)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

/// Where the `~` stands in a unique-id that ends in `~` and digits.
fn occurrence_mark(unique_id: &[u8]) -> Option<usize> {
    let digits = unique_id
        .iter()
        .rev()
        .take_while(|octet| octet.is_ascii_digit())
        .count();
    let at = unique_id.len().checked_sub(digits + 1)?;
    (digits > 0 && unique_id.get(at) == Some(&b'~')).then_some(at)
}

fn shorten(name: &mut String, unique_id: &[u8], suffix: usize) {
    let room = NAME_MAX.saturating_sub(OCCURRENCE_MAX + suffix);
    if name.len() <= room {
        return;
    }
    name.truncate(room.saturating_sub("%~".len() + 2 * DIGEST_OCTETS));
    name.push_str("%~");
    for octet in Sha256::digest(unique_id).iter().take(DIGEST_OCTETS) {
        let _ = write!(name, "{octet:02x}");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_legal_unique_id_is_its_own_name() {
        for unique_id in [
            "1",
            "0000000a65b8f1c2",
            "UID1-1700000000",
            "<a@b.c>",
            "two words",
            "a-b",
        ] {
            assert_eq!(file_name(unique_id.as_bytes(), 1, ""), unique_id);
        }
    }

    #[test]
    fn what_a_file_name_cannot_hold_is_escaped() {
        assert_eq!(
            file_name(b"../../etc/passwd", 1, ""),
            "..%2F..%2Fetc%2Fpasswd"
        );
        assert_eq!(file_name(b".", 1, ""), "%2E");
        assert_eq!(file_name(b"..", 1, ""), "%2E.");
        assert_eq!(file_name(b".pop3fs", 1, ""), "%2Epop3fs");
        assert_eq!(file_name(b"100%\x1b[2J\xff", 1, ""), "100%25%1B[2J%FF");
        assert_eq!(file_name(b"", 1, ""), "%no-unique-id");
    }

    #[test]
    fn no_name_is_an_option_or_a_command() {
        assert_eq!(file_name(b"-rf", 1, ""), "%2Drf");
        assert_eq!(file_name(b"-", 2, ""), "%2D~2");
        assert_eq!(file_name(b"|id|", 1, ""), "%7Cid%7C");
        assert!(file_name(&[b'-'; 400], 1, "").starts_with("%2D-"));
    }

    #[test]
    fn repeated_unique_ids_are_told_apart() {
        assert_eq!(file_name(b"a", 2, ""), "a~2");
        assert_eq!(file_name(b"a~2", 1, ""), "a%7E2");
        assert_eq!(file_name(b"a", 3, ".eml"), "a~3.eml");
    }

    #[test]
    fn a_long_unique_id_keeps_its_beginning_and_gets_a_digest() {
        let name = file_name(&[b'x'; 400], 1_000_000_000, &"s".repeat(32));
        assert!(name.len() <= 255, "{}", name.len());
        assert!(name.starts_with("xxxx"));
        assert_ne!(
            file_name(&[b'x'; 400], 1, ""),
            file_name(&[b'x'; 401], 1, "")
        );
    }

    proptest! {
        #[test]
        fn every_name_is_legal(unique_id in vec(any::<u8>(), 0..600), occurrence in 1u32.., suffix in "(\\.[a-z]{1,5})?") {
            let name = file_name(&unique_id, occurrence, &suffix);
            prop_assert!(!name.is_empty() && name.len() <= 255);
            prop_assert!(name.bytes().all(|octet| matches!(octet, b' '..=b'~') && octet != b'/'));
            prop_assert!(!matches!(name.as_str(), "." | ".." | ".pop3fs"));
            prop_assert!(!name.starts_with('-') && !name.contains('|'));
        }

        #[test]
        fn escaping_is_reversible(unique_id: Vec<u8>, text: String) {
            prop_assert_eq!(unescaped(&escaped(&unique_id)), Some(unique_id));
            if let Some(unique_id) = unescaped(&text) {
                prop_assert_eq!(escaped(&unique_id), text);
            }
        }

        #[test]
        fn different_messages_have_different_names(
            unique_ids in vec((vec(prop_oneof![any::<u8>(), Just(b'~'), Just(b'2'), Just(b'%')], 0..8), 1u32..12), 0..60)
        ) {
            let mut seen = HashMap::new();
            for (unique_id, occurrence) in unique_ids {
                let name = file_name(&unique_id, occurrence, "");
                let first = seen.entry(name).or_insert_with(|| (unique_id.clone(), occurrence));
                prop_assert_eq!(&*first, &(unique_id, occurrence));
            }
        }
    }
}
