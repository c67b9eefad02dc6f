//! The words of a netrc.
//!
//! ```text
//! token  = *( any character but white space )
//!        / DQUOTE *( any character but DQUOTE and "\\" / "\\" any character ) DQUOTE
//! ```

use zeroize::Zeroizing;

/// Takes a netrc apart. A token is a part of the text, quotes and all, so that no copy of a
/// password is made before it is wanted.
pub(super) struct Tokens<'t> {
    rest: &'t str,
}

impl<'t> Tokens<'t> {
    /// The tokens of a text.
    pub(super) fn new(text: &'t str) -> Self {
        Self { rest: text }
    }

    /// The next token where a keyword is due: only there does `#` begin a comment.
    pub(super) fn keyword(&mut self) -> Option<&'t str> {
        self.rest = self.rest.trim_start();
        while self.rest.starts_with('#') {
            self.take_line();
            self.rest = self.rest.trim_start();
        }
        self.next()
    }

    /// Passes over a macro, which ends with an empty line or with the text.
    pub(super) fn skip_macro(&mut self) {
        self.take_line();
        while !self.take_line().trim_end().is_empty() {}
    }

    fn take_line(&mut self) -> &'t str {
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        line
    }
}

impl<'t> Iterator for Tokens<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let text = self.rest.trim_start();
        let end = if text.starts_with('"') {
            quoted_length(text)
        } else {
            text.find(char::is_whitespace).unwrap_or(text.len())
        };
        let (token, rest) = text.split_at_checked(end)?;
        self.rest = rest;
        (!token.is_empty()).then_some(token)
    }
}

/// How long a quoted token is, in octets, quotes included; all of the text if it does not end.
fn quoted_length(text: &str) -> usize {
    let mut escaped = false;
    for (position, character) in text.char_indices().skip(1) {
        match character {
            '"' if !escaped => return position + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// What a token stands for.
pub(super) fn plain(token: &str) -> Zeroizing<String> {
    // With room for all from the start, no part of a password is left behind unwiped.
    let mut plain = Zeroizing::new(String::with_capacity(token.len()));
    let Some(quoted) = token.strip_prefix('"') else {
        plain.push_str(token);
        return plain;
    };
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => plain.extend(characters.next().map(unescaped)),
            _ => plain.push(character),
        }
    }
    plain
}

fn unescaped(character: char) -> char {
    match character {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tokens(text: &str) -> Vec<String> {
        Tokens::new(text)
            .map(|token| plain(token).to_string())
            .collect()
    }

    #[test]
    fn white_space_parts_tokens_that_are_not_quoted() {
        assert_eq!(
            tokens(" a\tb\r\n\"c d\\t\\\\\" \"\"e"),
            ["a", "b", "c d\t\\", "", "e"]
        );
    }

    #[test]
    fn a_quote_without_an_end_goes_on_to_the_end() {
        for text in ["\"a b", "\"a b\\"] {
            assert_eq!(tokens(text), ["a b"]);
        }
    }

    #[test]
    fn comments_are_where_keywords_are() {
        let mut tokens = Tokens::new("# x\n # y\npassword #z\n");
        assert_eq!(tokens.keyword(), Some("password"));
        assert_eq!(tokens.next(), Some("#z"));
        assert_eq!(tokens.keyword(), None);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart_and_ends(text in ".*") {
            prop_assert!(Tokens::new(&text).count() <= text.len());
        }

        #[test]
        fn quoting_and_taking_apart_give_the_words_back(words in prop::collection::vec(".*", 1..5)) {
            let escape = |word: &String| word.replace('\\', "\\\\").replace('"', "\\\"");
            let text: String = words.iter().map(|word| format!("\"{}\" ", escape(word))).collect();
            prop_assert_eq!(tokens(&text), words);
        }
    }
}
