//! What may be shown to people.

/// The password in all targets, which nothing that is shown may repeat. It starts with no letter that
/// an escape ends with.
pub const PASSWORD: &str = "sesame-0pen";

/// What the server said is fit for a terminal.
pub fn assert_printable(text: &str) {
    let is_plain = |c: char| matches!(c, '"' | '\'' | '\\') || c.escape_debug().count() == 1;
    assert!(
        text.chars().all(is_plain),
        "{text:?} could do something to a terminal"
    );
}

/// What is shown repeats no secret.
pub fn assert_no_secret(text: &str) {
    assert!(!text.contains(PASSWORD), "{text:?} repeats the password");
}
