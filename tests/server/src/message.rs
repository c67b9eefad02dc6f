//! One message of the maildrop.

/// A message as RETR gives it, dot-stuffing undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What UIDL says of it.
    pub unique_id: Vec<u8>,
    /// Its octets, with CRLF line ends.
    pub octets: Vec<u8>,
    /// What LIST says of it; `None` is the truth.
    pub listed: Option<u64>,
}

impl Message {
    /// A message from stored text: LF becomes CRLF, and a missing last CRLF is added.
    pub fn new(unique_id: impl Into<Vec<u8>>, text: &[u8]) -> Self {
        Self {
            unique_id: unique_id.into(),
            octets: with_crlf(text),
            listed: None,
        }
    }

    /// The same message, of which LIST tells another size.
    pub fn listed(self, size: u64) -> Self {
        Self {
            listed: Some(size),
            ..self
        }
    }

    /// The size LIST tells.
    pub(crate) fn listed_size(&self) -> u64 {
        self.listed.unwrap_or(self.octets.len() as u64)
    }

    /// The header, the blank line, and the first `lines` lines of the body (RFC 1939 section 7, TOP).
    pub(crate) fn top(&self, lines: usize) -> &[u8] {
        let mut end = 0;
        let mut left = None;
        for line in self.octets.split_inclusive(|&octet| octet == b'\n') {
            match &mut left {
                None if matches!(line, b"\r\n" | b"\n") => left = Some(lines),
                None => {}
                Some(0) => break,
                Some(more) => *more -= 1,
            }
            end += line.len();
        }
        self.octets.get(..end).unwrap_or(&self.octets)
    }
}

/// A CR is added where it is missing before LF only: a CR that stands alone is the sender's.
fn with_crlf(text: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len() + text.len() / 32 + 2);
    for line in text.split_inclusive(|&octet| octet == b'\n') {
        match line {
            [.., b'\r', b'\n'] => octets.extend_from_slice(line),
            [start @ .., b'\n'] => octets.extend([start, b"\r\n"].concat()),
            unfinished => octets.extend([unfinished, b"\r\n"].concat()),
        }
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(text: &[u8]) -> Vec<u8> {
        Message::new("1", text).octets
    }

    #[test]
    fn line_ends_become_crlf_once() {
        assert_eq!(octets(b"a\nb\r\nc\n"), b"a\r\nb\r\nc\r\n");
    }

    #[test]
    fn a_missing_last_line_end_is_added_but_nothing_to_an_empty_message() {
        assert_eq!(octets(b"a\nb"), b"a\r\nb\r\n");
        assert_eq!(octets(b""), b"");
    }

    #[test]
    fn a_lone_cr_stays() {
        assert_eq!(octets(b"a\rb\r\r\n"), b"a\rb\r\r\n");
    }

    #[test]
    fn top_is_the_header_the_blank_line_and_so_many_lines() {
        let message = Message::new("1", b"A: 1\nB: 2\n\none\ntwo\n");
        assert_eq!(message.top(0), b"A: 1\r\nB: 2\r\n\r\n");
        assert_eq!(message.top(1), b"A: 1\r\nB: 2\r\n\r\none\r\n");
        assert_eq!(message.top(9), message.octets);
    }

    #[test]
    fn the_listed_size_is_the_true_one_unless_told_otherwise() {
        let message = Message::new("1", b"a\n");
        assert_eq!(message.listed_size(), 3);
        assert_eq!(message.listed(99).listed_size(), 99);
    }
}
