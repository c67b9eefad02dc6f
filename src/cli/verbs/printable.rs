//! Text from a mount, made safe for a terminal.

/// The text with everything escaped that a terminal could act upon. The mount has done so with
/// the server's words already; this is for a mount that is not what it seems.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if is_plain(c) {
                c.to_string()
            } else {
                c.escape_debug().to_string()
            }
        })
        .collect()
}

/// `escape_debug` leaves what is printable as it is; beyond that, quotes and backslashes are harmless.
fn is_plain(character: char) -> bool {
    matches!(character, '"' | '\'' | '\\') || character.escape_debug().eq([character])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_words_stay_as_they_are() {
        assert_eq!(printable(r#"größe "\x1b" isn't"#), r#"größe "\x1b" isn't"#);
    }

    #[test]
    fn what_a_terminal_acts_upon_is_escaped() {
        assert_eq!(printable("a\x1b[2J\n\u{202e}"), r"a\u{1b}[2J\n\u{202e}");
    }
}
