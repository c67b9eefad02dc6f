//! The server's words, made safe for logs, terminals and JSON.

use std::iter;

/// The longest text that [`printable`] gives, in characters, before its mark of omission. Two
/// lines of a terminal: enough for what a server has to say, too little to flood a log.
pub const MAX_PRINTABLE: usize = 200;

/// Octets as text that no terminal will act upon.
///
/// Control characters, bidirectional and other invisible controls, backslashes and what is not
/// UTF-8 are written as escapes. What passes [`MAX_PRINTABLE`] characters is left out, marked
/// by `…`.
pub fn printable(octets: &[u8]) -> String {
    let mut text = Capped::default();
    for chunk in octets.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                // Quotes cannot harm; all else that is escaped can.
                '\'' | '"' => text.push(iter::once(character)),
                _ => text.push(character.escape_debug()),
            }
        }
        for octet in chunk.invalid() {
            text.push(octet.escape_ascii().map(char::from));
        }
        if text.full {
            break;
        }
    }
    text.text
}

/// Octets as pairs of lower-case hexadecimal digits.
pub fn hexadecimal(octets: &[u8]) -> String {
    let digit = |nibble| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    octets
        .iter()
        .flat_map(|octet| [digit(octet >> 4), digit(octet & 0xf)])
        .collect()
}

#[derive(Default)]
struct Capped {
    text: String,
    characters: usize,
    full: bool,
}

impl Capped {
    /// Adds a character's whole escape or nothing, so that none is cut in two.
    fn push(&mut self, piece: impl ExactSizeIterator<Item = char>) {
        if self.full {
            return;
        }
        self.characters += piece.len();
        if self.characters > MAX_PRINTABLE {
            self.full = true;
            self.text.push('…');
            return;
        }
        self.text.extend(piece);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_words_stay_as_they_are() {
        assert_eq!(
            printable("[IN-USE] can't lock \"größe\"".as_bytes()),
            "[IN-USE] can't lock \"größe\""
        );
    }

    #[test]
    fn terminal_controls_are_escaped() {
        assert_eq!(printable(b"\x1b[2Jhi\r\n\0"), r"\u{1b}[2Jhi\r\n\0");
        assert_eq!(printable("a\u{9b}31m".as_bytes()), r"a\u{9b}31m");
        assert_eq!(
            printable("\u{202e}txt\u{2066}".as_bytes()),
            r"\u{202e}txt\u{2066}"
        );
    }

    #[test]
    fn octets_that_are_no_utf_8_are_escaped() {
        assert_eq!(printable(b"caf\xe9 \\xe9"), r"caf\xe9 \\xe9");
    }

    #[test]
    fn a_flood_is_cut() {
        let text = printable(&[b'a'; 5000]);
        assert_eq!(text.chars().count(), MAX_PRINTABLE + 1);
        assert!(text.ends_with('…'));
    }

    #[test]
    fn an_octet_has_two_hexadecimal_digits() {
        assert_eq!(hexadecimal(&[0, 0x1f, 0xff]), "001fff");
    }

    proptest! {
        #[test]
        fn nothing_unprintable_comes_through(octets: Vec<u8>) {
            let text = printable(&octets);
            prop_assert!(text.chars().all(|c| matches!(c, '"' | '\'' | '\\')
                || c.escape_debug().count() == 1));
            prop_assert!(text.chars().count() <= MAX_PRINTABLE + 1);
        }
    }
}
