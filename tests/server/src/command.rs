//! A command line (RFC 1939 section 3).

/// `verb [SP argument] CRLF`, the line end taken off.
pub(crate) struct Command<'a> {
    /// In capitals.
    pub verb: String,
    /// All that follows the first space.
    pub argument: Option<&'a [u8]>,
}

impl<'a> Command<'a> {
    pub(crate) fn parse(line: &'a [u8]) -> Self {
        let space = line.iter().position(|&octet| octet == b' ');
        let (verb, argument) = match space {
            Some(at) => (
                &line[..at],
                line.get(at + 1..).filter(|rest| !rest.is_empty()),
            ),
            None => (line, None),
        };
        Self {
            verb: String::from_utf8_lossy(verb).to_ascii_uppercase(),
            argument,
        }
    }

    /// The argument's words; one that is not UTF-8 is none.
    pub(crate) fn words(&self) -> impl Iterator<Item = &'a str> {
        let text = self
            .argument
            .and_then(|argument| str::from_utf8(argument).ok());
        text.unwrap_or_default().split_ascii_whitespace()
    }

    /// The argument as one number, such as a message-number.
    pub(crate) fn number(&self) -> Option<usize> {
        self.words().next()?.parse().ok()
    }

    /// The line for people to read, without secrets.
    pub(crate) fn redacted(&self) -> String {
        let first = self.words().next().unwrap_or_default();
        match self.verb.as_str() {
            "PASS" => "PASS ***".into(),
            "AUTH" | "APOP" if self.words().count() > 1 => format!("{} {first} ***", self.verb),
            verb => match self.argument {
                Some(argument) => format!("{verb} {}", String::from_utf8_lossy(argument)),
                None => verb.into(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(line: &str) -> String {
        Command::parse(line.as_bytes()).redacted()
    }

    #[test]
    fn verbs_are_not_case_sensitive() {
        assert_eq!(Command::parse(b"retr 3").verb, "RETR");
        assert_eq!(Command::parse(b"retr 3").number(), Some(3));
    }

    #[test]
    fn an_argument_keeps_its_spaces() {
        assert_eq!(
            Command::parse(b"PASS  two words ").argument,
            Some(&b" two words "[..])
        );
    }

    #[test]
    fn secrets_are_left_out() {
        assert_eq!(redacted("PASS secret"), "PASS ***");
        assert_eq!(redacted("AUTH PLAIN AGFubg=="), "AUTH PLAIN ***");
        assert_eq!(redacted("AUTH PLAIN"), "AUTH PLAIN");
        assert_eq!(redacted("APOP ann 0123"), "APOP ann ***");
        assert_eq!(redacted("TOP 1 0"), "TOP 1 0");
    }
}
