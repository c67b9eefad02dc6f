//! Octets into lines.

use super::ProtocolError;

/// How a line ended. RFC 1939 knows CRLF only; some servers end all their lines by a bare LF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnd {
    CrLf,
    Lf,
}

impl LineEnd {
    pub(super) fn octets(self) -> &'static [u8] {
        match self {
            Self::CrLf => b"\r\n",
            Self::Lf => b"\n",
        }
    }
}

/// A line without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) text: &'a [u8],
    pub(super) end: LineEnd,
}

/// Holds the start of a line until its end arrives. A line that arrives whole is not copied.
#[derive(Default)]
pub(super) struct LineBuffer {
    held: Vec<u8>,
    /// Whether what is held was given out as a line.
    given: bool,
}

impl LineBuffer {
    /// Takes one line from the front of `input`, or all of `input` if it holds no line's end.
    ///
    /// # Errors
    ///
    /// [`ProtocolError::LineTooLong`] if the line, its end included, passes `limit` octets.
    pub(super) fn next<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
        limit: usize,
    ) -> Result<Option<Line<'a>>, ProtocolError> {
        if self.given {
            self.held.clear();
            self.given = false;
        }
        let end = memchr::memchr(b'\n', input);
        let (piece, rest) = input.split_at(end.map_or(input.len(), |end| end + 1));
        if self.held.len() + piece.len() > limit {
            return Err(ProtocolError::LineTooLong(limit));
        }
        *input = rest;
        if end.is_some() && self.held.is_empty() {
            return Ok(Some(without_end(piece)));
        }
        self.held.extend_from_slice(piece);
        self.given = end.is_some();
        Ok(self.given.then(|| without_end(&self.held)))
    }
}

fn without_end(line: &[u8]) -> Line<'_> {
    if let Some(text) = line.strip_suffix(b"\r\n") {
        return Line {
            text,
            end: LineEnd::CrLf,
        };
    }
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    Line {
        text,
        end: LineEnd::Lf,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(chunks: &[&[u8]]) -> Result<Vec<Vec<u8>>, ProtocolError> {
        let mut lines = LineBuffer::default();
        let mut texts = Vec::new();
        for mut input in chunks.iter().copied() {
            while let Some(line) = lines.next(&mut input, 8)? {
                texts.push(line.text.to_vec());
            }
            assert!(input.is_empty());
        }
        Ok(texts)
    }

    #[test]
    fn lines_end_with_lf_and_lose_one_cr() {
        assert_eq!(
            texts(&[b"a\r\nb\n\r\nc\r\r\nd\re\r\nrest"]).unwrap(),
            [&b"a"[..], b"b", b"", b"c\r", b"d\re"]
        );
    }

    #[test]
    fn a_line_may_come_in_pieces() {
        assert_eq!(
            texts(&[b"ab", b"c", b"\r", b"\n", b"d\n"]).unwrap(),
            [&b"abc"[..], b"d"]
        );
    }

    #[test]
    fn a_line_is_bounded_however_it_comes() {
        let error = Err(ProtocolError::LineTooLong(8));
        assert!(texts(&[b"123456\r\n"]).is_ok());
        assert_eq!(texts(&[b"1234567\r\n"]), error);
        assert_eq!(texts(&[b"1234567\r", b"\n"]), error);
        assert_eq!(texts(&[b"123456789"]), error);
    }
}
