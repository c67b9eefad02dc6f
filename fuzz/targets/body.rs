//! A message out of RETR's reply: dots taken out of lines, and the end found.

use pop3fs::pop3::{Command, Connection, Dots, Event, listing};

use super::pieces;

/// What came of a reply.
#[derive(Debug, PartialEq, Eq)]
struct Message {
    octets: Vec<u8>,
    /// How many octets of the input are behind the end, if it has come.
    behind: Option<usize>,
    bare_dots: Option<Dots>,
}

/// The octets are what follows the first line of RETR's reply. Whatever they are:
///
/// - what comes out is what the RFC says, by a reading of it that is as plain as can be;
/// - it is the same for any pieces that they come in;
/// - as a message, they arrive as they were sent.
pub fn run(data: &[u8]) {
    for line_end in ["\r\n", "\n"] {
        for dots in [Dots::Stuffed, Dots::Bare] {
            let expected = plainly_read(data, line_end, dots);
            for pieces in pieces::ways(data) {
                assert_eq!(received(&pieces, line_end, dots), expected);
            }
        }
        let message = [data, line_end.as_bytes()].concat();
        let arrived = received(&[&stuffed(&message, line_end)], line_end, Dots::Stuffed);
        assert_eq!(arrived.octets, message);
        assert_eq!(arrived.behind, Some(0));
    }
}

fn received(pieces: &[&[u8]], line_end: &str, dots: Dots) -> Message {
    let mut connection = Connection::new(());
    let number = listing::scan_line(b"1 1").expect("a line of LIST").number;
    connection.set_dots(dots);
    assert!(connection.poll(&mut &b"+OK\r\n"[..]).is_ok());
    assert_eq!(connection.send(&Command::Retr(&number), ()), Ok(()));
    let first = ["+OK", line_end].concat();
    assert!(matches!(
        connection.poll(&mut first.as_bytes()),
        Ok(Some(Event::Accepted { .. }))
    ));
    let mut octets = Vec::new();
    let mut left: usize = pieces.iter().map(|piece| piece.len()).sum();
    for piece in pieces {
        let mut input = *piece;
        left -= piece.len();
        while let Some(event) = connection
            .poll(&mut input)
            .expect("a message has no faults")
        {
            match event {
                Event::Octets { octets: more, .. } => octets.extend_from_slice(more),
                Event::End { reply: None, .. } => {
                    return Message {
                        octets,
                        behind: Some(left + input.len()),
                        bare_dots: connection.bare_dots(),
                    };
                }
                event => panic!("{event:?} within a message"),
            }
        }
        assert!(input.is_empty());
    }
    Message {
        octets,
        behind: None,
        bare_dots: None,
    }
}

/// RFC 1939 section 3, line by line.
fn plainly_read(wire: &[u8], line_end: &str, dots: Dots) -> Message {
    let mut octets = Vec::new();
    let mut is_telling = false;
    let mut rest = wire;
    while let Some((line, behind)) = first_line(rest, line_end) {
        if line == b".\r\n" || line == b".\n" && line_end == "\n" {
            return Message {
                octets,
                behind: Some(behind.len()),
                bare_dots: is_telling.then_some(dots),
            };
        }
        is_telling |= line.starts_with(b".") && (dots == Dots::Bare || !line.starts_with(b".."));
        octets.extend_from_slice(without_dot(line, dots));
        rest = behind;
    }
    // Whether these are the end is not known yet.
    if rest != b"." && rest != b".\r" {
        octets.extend_from_slice(without_dot(rest, dots));
    }
    Message {
        octets,
        behind: None,
        bare_dots: None,
    }
}

fn without_dot(line: &[u8], dots: Dots) -> &[u8] {
    match dots {
        Dots::Stuffed => line.strip_prefix(b".").unwrap_or(line),
        Dots::Bare => line,
    }
}

/// The first line, its end included, and what is behind it.
fn first_line<'w>(wire: &'w [u8], line_end: &str) -> Option<(&'w [u8], &'w [u8])> {
    let end = line_end.as_bytes();
    let at = wire.windows(end.len()).position(|octets| octets == end)?;
    Some(wire.split_at(at + end.len()))
}

/// As an honest server sends it.
fn stuffed(message: &[u8], line_end: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    let mut rest = message;
    while let Some((line, behind)) = first_line(rest, line_end) {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
        rest = behind;
    }
    wire.extend_from_slice(b".");
    wire.extend_from_slice(line_end.as_bytes());
    wire
}
