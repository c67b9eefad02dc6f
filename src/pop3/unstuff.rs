//! A message out of a multi-line reply.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::lines::LineEnd;

// Stuffed dots can be as dense as lines, too dense to prepare each search anew.
static CRLF_DOT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\r\n."));
static LF_DOT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\n."));

/// How a server sends lines of a message that start with a dot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dots {
    /// With another dot before it (RFC 1939 section 3).
    #[default]
    Stuffed,
    /// As they are.
    Bare,
}

/// Takes the stuffed dots out of one multi-line reply, and finds its end (RFC 1939 section 3).
///
/// A line ends as the reply's first line did. So where the server ends lines by CRLF, a bare CR, a
/// bare LF, and CR CR LF are a message's own octets, and no message can end its own reply.
pub(super) struct Unstuff {
    line_end: LineEnd,
    /// Finds a line's end with a dot behind it.
    next_dot: &'static Finder<'static>,
    dots: Dots,
    /// Whether a line came that starts with one dot, and is not the last: where dots are stuffed
    /// there is none. Where they are not, any line with a dot.
    is_telling: bool,
    place: Place,
}

/// Where the next octet stands.
#[derive(Clone, Copy)]
enum Place {
    LineStart,
    /// Behind a dot at the start of a line, which is never the message's own.
    Dot,
    /// Behind such a dot and a CR, which is held back until it is known whose it is.
    DotCr,
    /// Anywhere else.
    Within,
    /// Behind a CR that may start a line's end.
    Cr,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'i> {
    /// The message's next octets, never none.
    Octets(&'i [u8]),
    /// The reply is complete.
    End,
}

impl Unstuff {
    pub(super) fn new(line_end: LineEnd, dots: Dots) -> Self {
        Self {
            line_end,
            dots,
            is_telling: false,
            next_dot: match line_end {
                LineEnd::CrLf => &CRLF_DOT,
                LineEnd::Lf => &LF_DOT,
            },
            place: Place::LineStart,
        }
    }

    /// How the lines that start with a dot were taken, if there was one that should be sent otherwise.
    pub(super) fn bare_dots(&self) -> Option<Dots> {
        self.is_telling.then_some(self.dots)
    }

    /// Takes the next piece from the front of `input`; `None` once it is used up.
    pub(super) fn next<'i>(&mut self, input: &mut &'i [u8]) -> Option<Piece<'i>> {
        loop {
            match (self.place, input.first()?) {
                (Place::LineStart, b'.') => self.skip(input, Place::Dot),
                (Place::Dot, b'\r') => self.skip(input, Place::DotCr),
                (Place::Dot, b'\n') if self.line_end == LineEnd::Lf => return self.end(input),
                (Place::DotCr, b'\n') => return self.end(input),
                (Place::DotCr, _) => return self.held_back(b".\r"),
                (Place::Dot, octet) => {
                    self.is_telling |= *octet != b'.' || self.dots == Dots::Bare;
                    self.place = Place::Within;
                    if self.dots == Dots::Bare {
                        return Some(Piece::Octets(b"."));
                    }
                }
                (Place::Cr, b'\n') => return self.octets(input, 1, Place::LineStart),
                _ => return self.run(input),
            }
        }
    }

    /// What could have been the last line, and is not.
    fn held_back<'i>(&mut self, octets: &'static [u8]) -> Option<Piece<'i>> {
        self.is_telling = true;
        self.place = Place::Within;
        let own = match self.dots {
            Dots::Stuffed => octets.get(1..).unwrap_or_default(),
            Dots::Bare => octets,
        };
        Some(Piece::Octets(own))
    }

    /// As many octets as possible: up to the next line that starts with a dot.
    fn run<'i>(&mut self, input: &mut &'i [u8]) -> Option<Piece<'i>> {
        let line_end = self.line_end.octets();
        if let Some(at) = self.next_dot.find(input) {
            return self.octets(input, at + line_end.len(), Place::LineStart);
        }
        let place = match self.line_end {
            _ if input.ends_with(line_end) => Place::LineStart,
            LineEnd::CrLf if input.ends_with(b"\r") => Place::Cr,
            _ => Place::Within,
        };
        self.octets(input, input.len(), place)
    }

    fn octets<'i>(
        &mut self,
        input: &mut &'i [u8],
        length: usize,
        place: Place,
    ) -> Option<Piece<'i>> {
        let (octets, rest) = input.split_at_checked(length)?;
        *input = rest;
        self.place = place;
        Some(Piece::Octets(octets))
    }

    fn end<'i>(&mut self, input: &mut &'i [u8]) -> Option<Piece<'i>> {
        self.skip(input, Place::LineStart);
        Some(Piece::End)
    }

    fn skip(&mut self, input: &mut &[u8], place: Place) {
        *input = input.get(1..).unwrap_or_default();
        self.place = place;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The message, and what follows its end, if the end comes.
    fn unstuffed(line_end: LineEnd, chunks: &[&[u8]]) -> (Vec<u8>, Option<Vec<u8>>) {
        let mut unstuff = Unstuff::new(line_end, Dots::Stuffed);
        let mut body = Vec::new();
        let mut chunks = chunks.iter();
        while let Some(mut input) = chunks.next().copied() {
            while let Some(piece) = unstuff.next(&mut input) {
                match piece {
                    Piece::Octets(octets) => body.extend_from_slice(octets),
                    Piece::End => {
                        let rest =
                            chunks.fold(input.to_vec(), |rest, chunk| [&rest, *chunk].concat());
                        return (body, Some(rest));
                    }
                }
            }
        }
        (body, None)
    }

    fn whole(wire: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
        unstuffed(LineEnd::CrLf, &[wire])
    }

    fn ended(body: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
        (body.to_vec(), Some(Vec::new()))
    }

    /// What an honest server does: stuff each line, end the last one if need be, add the dot.
    fn stuffed(body: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        for (index, octet) in body.iter().enumerate() {
            let at_start = index == 0 || body[..index].ends_with(b"\r\n");
            if at_start && *octet == b'.' {
                wire.push(b'.');
            }
            wire.push(*octet);
        }
        wire.extend_from_slice(b".\r\n");
        wire
    }

    /// Bodies in which what matters is frequent; whole lines, as the wire has no other.
    fn any_body() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"\r\n".to_vec()),
            Just(b".".to_vec()),
            Just(b"\r".to_vec()),
            Just(b"\n".to_vec()),
            Just(b"x".to_vec()),
            any::<Vec<u8>>(),
        ];
        prop::collection::vec(piece, 0..30).prop_map(|pieces| {
            let mut body = pieces.concat();
            if !body.is_empty() && !body.ends_with(b"\r\n") {
                body.extend_from_slice(b"\r\n");
            }
            body
        })
    }

    #[test]
    fn the_line_end_before_the_last_dot_belongs_to_the_message() {
        assert_eq!(whole(b"a\r\n.\r\n"), ended(b"a\r\n"));
        assert_eq!(whole(b"a\r\n\r\n.\r\n"), ended(b"a\r\n\r\n"));
    }

    #[test]
    fn a_message_may_be_empty() {
        assert_eq!(whole(b".\r\n"), ended(b""));
    }

    #[test]
    fn a_dot_at_the_start_of_a_line_is_taken_out() {
        assert_eq!(
            whole(b"..\r\n...a\r\nb.\r\n.c\r\n.\r\n"),
            ended(b".\r\n..a\r\nb.\r\nc\r\n")
        );
    }

    #[test]
    fn what_follows_the_end_is_left() {
        assert_eq!(
            whole(b"a\r\n.\r\n+OK\r\n"),
            (b"a\r\n".to_vec(), Some(b"+OK\r\n".to_vec()))
        );
    }

    #[test]
    fn bare_cr_and_bare_lf_end_no_line() {
        for body in [
            &b"a\n.\nb\r\n"[..],
            b"a\n.\r\nb\r\n",
            b"a\r.\r\n",
            b"a\r\r\n",
            b"\n..\n\r\n",
        ] {
            assert_eq!(whole(&[body, b".\r\n"].concat()), ended(body));
        }
        assert_eq!(whole(b".\r\r\n.\n.\r\n"), (b"\r\r\n\n.\r\n".to_vec(), None));
    }

    #[test]
    fn a_server_of_bare_lf_ends_its_lines_by_it() {
        let body = b"a\n.b\r\nc\n".to_vec();
        for wire in [&b"a\n..b\r\nc\n.\n"[..], b"a\n..b\r\nc\n.\r\n"] {
            assert_eq!(
                unstuffed(LineEnd::Lf, &[wire]),
                (body.clone(), Some(Vec::new()))
            );
        }
    }

    /// What is made of a whole reply, and how its dots were taken if it shows how they are sent.
    fn taken(dots: Dots, mut wire: &[u8]) -> (Vec<u8>, Option<Dots>) {
        let mut unstuff = Unstuff::new(LineEnd::CrLf, dots);
        let mut body = Vec::new();
        while let Some(Piece::Octets(octets)) = unstuff.next(&mut wire) {
            body.extend_from_slice(octets);
        }
        (body, unstuff.bare_dots())
    }

    #[test]
    fn a_line_with_one_dot_shows_that_dots_are_not_stuffed() {
        for (wire, stuffed) in [
            (&b"..\r\n.\r\n"[..], true),
            (b"a.\r\n..b\r\n.\r\n", true),
            (b".b\r\n.\r\n", false),
            (b"a\r\n.\rb\r\n.\r\n", false),
        ] {
            let bare = (!stuffed).then_some(Dots::Stuffed);
            assert_eq!(taken(Dots::Stuffed, wire).1, bare, "{wire:?}");
        }
    }

    #[test]
    fn dots_that_are_not_stuffed_are_left() {
        let body = b".b\r\n..c\r\n.\rd\r\ne.\r\n";
        let wire = [&body[..], b".\r\n"].concat();
        assert_eq!(taken(Dots::Bare, &wire), (body.to_vec(), Some(Dots::Bare)));
    }

    proptest! {
        #[test]
        fn stuffing_and_unstuffing_is_the_identity(body in any_body()) {
            prop_assert_eq!(whole(&stuffed(&body)), ended(&body));
        }

        #[test]
        fn pieces_give_the_same_as_the_whole(
            body in any_body(),
            places in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
            lf: bool,
        ) {
            let line_end = if lf { LineEnd::Lf } else { LineEnd::CrLf };
            let wire = [stuffed(&body), b"+OK\r\n".to_vec()].concat();
            let mut places: Vec<_> = places.iter().map(|place| place.index(wire.len())).collect();
            places.extend([0, wire.len()]);
            places.sort_unstable();
            let chunks: Vec<_> = places.windows(2).map(|pair| &wire[pair[0]..pair[1]]).collect();
            prop_assert_eq!(unstuffed(line_end, &chunks), unstuffed(line_end, &[&wire]));
        }
    }
}
