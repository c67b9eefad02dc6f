//! A reply's first line.

use super::ResponseCode;
use super::confidential::Confidential;

/// A status line (RFC 1939 section 3): whether the server did it, and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// `+OK` rather than `-ERR`.
    ok: bool,
    text: String,
    code: Option<ResponseCode>,
}

impl Reply {
    /// Parses a line without its end. Servers are found to write the indicator in lower case, to
    /// leave out the text, and to say `+` alone.
    pub(super) fn parse(line: &[u8], confidential: &Confidential) -> Option<Self> {
        if let Some(words) = strip_prefix_any_case(line, b"+OK") {
            return Some(Self::new(true, words, confidential));
        }
        if let Some(words) = strip_prefix_any_case(line, b"-ERR") {
            return Some(Self::new(false, words, confidential));
        }
        (line.trim_ascii_end() == b"+").then(|| Self::new(true, b"", confidential))
    }

    fn new(ok: bool, words: &[u8], confidential: &Confidential) -> Self {
        let words = words.trim_ascii();
        let shows = |code: &ResponseCode| {
            !matches!(code, ResponseCode::Other(_)) || !confidential.is_within(words)
        };
        Self {
            ok,
            text: confidential.printable(words),
            code: ResponseCode::parse(words).filter(shows),
        }
    }

    /// Adds what the server said of it before, printable.
    pub(super) fn explain(&mut self, words: &str) {
        self.text = format!("{} ({words})", self.text).trim_start().to_owned();
    }

    /// Whether the server did what it was asked.
    pub fn is_ok(&self) -> bool {
        self.ok
    }

    /// The server's words, printable, with their response code if there is one; maybe empty.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The response code at the start of the words.
    pub fn code(&self) -> Option<ResponseCode> {
        self.code.clone()
    }
}

fn strip_prefix_any_case<'a>(line: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pop3::Secret;

    fn parse(line: &[u8]) -> Option<Reply> {
        Reply::parse(line, &Confidential::default())
    }

    #[test]
    fn the_indicator_decides() {
        let ok = parse(b"+OK 2 320").unwrap();
        assert!(ok.is_ok());
        assert_eq!(ok.text(), "2 320");
        let err = parse(b"-ERR [IN-USE] locked").unwrap();
        assert!(!err.is_ok());
        assert_eq!(err.text(), "[IN-USE] locked");
        assert_eq!(err.code(), Some(ResponseCode::InUse));
    }

    #[test]
    fn sloppy_replies_are_understood() {
        for line in ["+OK", "+ok", "+", "+ ", "+OK ", "+Ok\tready"] {
            assert!(parse(line.as_bytes()).unwrap().is_ok(), "{line}");
        }
        for line in ["-ERR", "-err", "-Err no", "-ERR\t"] {
            assert!(!parse(line.as_bytes()).unwrap().is_ok(), "{line}");
        }
    }

    #[test]
    fn other_lines_are_no_replies() {
        for line in [
            "",
            "OK",
            "-",
            "220 ready",
            "* OK IMAP",
            "+ dGVzdA==",
            " +OK",
            " +",
        ] {
            assert_eq!(parse(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn a_repeated_secret_is_left_out_and_a_known_code_kept() {
        let mut confidential = Confidential::default();
        confidential.add(&Secret::new("hunter2".to_owned()));
        let reply = Reply::parse(b"-ERR [AUTH] no such PASS hunter2", &confidential).unwrap();
        assert_eq!(reply.code(), Some(ResponseCode::Auth));
        assert!(!reply.text().contains("hunter2"));
        let reply = Reply::parse(b"-ERR [hunter2]", &confidential).unwrap();
        assert_eq!(reply.code(), None);
    }

    proptest! {
        #[test]
        fn no_line_panics(line: Vec<u8>) {
            let _ = parse(&line);
        }
    }
}
