//! What the server answers (RFC 1939 section 3).

use std::fmt::Display;

/// `+OK` and a text.
pub(crate) fn ok(text: impl Display) -> Vec<u8> {
    format!("+OK {text}\r\n").into_bytes()
}

/// `-ERR` and a text.
pub(crate) fn err(text: impl Display) -> Vec<u8> {
    format!("-ERR {text}\r\n").into_bytes()
}

/// `+OK`, a text, these octets, and the line with the lone dot.
pub(crate) fn multi_line(text: impl Display, octets: &[u8], stuffed: bool) -> Vec<u8> {
    let mut reply = ok(text);
    reply.reserve(octets.len() + octets.len() / 64 + 5);
    for line in octets.split_inclusive(|&octet| octet == b'\n') {
        if stuffed && line.starts_with(b".") {
            reply.push(b'.');
        }
        reply.extend_from_slice(line);
    }
    if !reply.ends_with(b"\n") {
        reply.extend_from_slice(b"\r\n");
    }
    reply.extend_from_slice(b".\r\n");
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_start_with_a_dot_get_another() {
        assert_eq!(
            multi_line("x", b".\r\na.\r\n..b\r\n", true),
            b"+OK x\r\n..\r\na.\r\n...b\r\n.\r\n"
        );
    }

    #[test]
    fn nothing_is_an_empty_body() {
        assert_eq!(multi_line("x", b"", true), b"+OK x\r\n.\r\n");
    }

    #[test]
    fn an_unfinished_last_line_is_finished() {
        assert_eq!(multi_line("x", b"a", true), b"+OK x\r\na\r\n.\r\n");
    }
}
