//! One command and its reply.

use super::apop::Timestamp;
use super::lines::{Line, LineBuffer};
use super::sasl::{Dialogue, Turn};
use super::unstuff::{Dots, Piece, Unstuff};
use super::wire::Wire;
use super::{ProtocolError, Reply, Shape};

/// The longest first line of a reply, its end included, in octets. RFC 2449 section 4 allows 512;
/// servers are found to pass that, but what a person can read stays far below this.
pub(super) const MAX_STATUS_LINE: usize = 8 * 1024;

/// The longest line of a listing, its end included, in octets. A unique-id has 70 by RFC 1939
/// section 7; one taken from a header line can have some thousands.
pub(super) const MAX_LINE: usize = 64 * 1024;

/// The most lines of a listing. No maildrop is known to hold a tenth as many; a server that goes
/// on beyond lists nothing real.
pub(super) const MAX_LINES: u32 = 1 << 24;

/// A command whose reply is not complete.
pub(super) struct Exchange<T> {
    pub(super) tag: T,
    /// Nothing may be sent until its reply is complete.
    pub(super) last_of_its_burst: bool,
    shape: Shape,
    sasl: Option<Dialogue>,
    stage: Stage,
}

/// What comes next of the reply.
enum Stage {
    Status,
    Lines { heard: u32 },
    Octets(Unstuff),
}

/// What was made out of the input.
pub(super) enum Heard<'a> {
    Accepted(Reply),
    Line(&'a [u8]),
    Octets(&'a [u8]),
    Complete(Option<Reply>),
}

impl<T> Exchange<T> {
    pub(super) fn new(tag: T, shape: Shape, last_of_its_burst: bool) -> Self {
        Self {
            tag,
            last_of_its_burst,
            shape,
            sasl: None,
            stage: Stage::Status,
        }
    }

    pub(super) fn sasl(tag: T, dialogue: Dialogue) -> Self {
        Self {
            sasl: Some(dialogue),
            ..Self::new(tag, Shape::Sasl, true)
        }
    }

    /// Whether this reply lets TLS start.
    pub(super) fn starts_tls(&self, reply: &Reply) -> bool {
        self.shape == Shape::Stls && reply.is_ok()
    }

    /// Takes the next part of the reply from the front of `input`; `None` once it is used up.
    pub(super) fn hear<'a, 'i: 'a>(
        &mut self,
        wire: &'a mut Wire,
        input: &mut &'i [u8],
    ) -> Result<Option<Heard<'a>>, ProtocolError> {
        match &mut self.stage {
            Stage::Status => self.hear_status(wire, input),
            Stage::Lines { heard } => hear_line(heard, &mut wire.lines, input),
            Stage::Octets(unstuff) => Ok(unstuff.next(input).map(|piece| match piece {
                Piece::Octets(octets) => Heard::Octets(octets),
                Piece::End => {
                    wire.bare_dots = unstuff.bare_dots();
                    Heard::Complete(None)
                }
            })),
        }
    }

    fn hear_status<'a>(
        &mut self,
        wire: &mut Wire,
        input: &mut &[u8],
    ) -> Result<Option<Heard<'a>>, ProtocolError> {
        while let Some(line) = wire.lines.next(input, MAX_STATUS_LINE)? {
            let turn = self.sasl.as_mut().map(|sasl| sasl.hear(line.text));
            match turn.transpose()? {
                Some(Turn::Say(response)) => {
                    wire.send_response(&response);
                    continue;
                }
                Some(Turn::Work(work)) => {
                    wire.work = Some(work);
                    continue;
                }
                // What was still to be said, nobody waits for any more.
                Some(Turn::Over) => wire.work = None,
                None => {}
            }
            let mut reply = Reply::parse(line.text, &wire.confidential)
                .ok_or_else(|| ProtocolError::NotAReply(wire.confidential.printable(line.text)))?;
            if let Some(sasl) = &self.sasl {
                sasl.judge(&reply)?;
                if let Some(complaint) = sasl.complaint() {
                    reply.explain(&wire.confidential.printable(complaint));
                }
            }
            if self.shape == Shape::Greeting {
                wire.timestamp = Timestamp::find(line.text);
            }
            if self.starts_tls(&reply) && !input.is_empty() {
                return Err(ProtocolError::PlaintextAfterStls);
            }
            return Ok(Some(self.judge(reply, line, wire.dots)));
        }
        Ok(None)
    }

    /// Whether the reply's first line is all of it.
    fn judge<'a>(&mut self, reply: Reply, line: Line<'_>, dots: Dots) -> Heard<'a> {
        self.stage = match self.shape {
            Shape::Lines if reply.is_ok() => Stage::Lines { heard: 0 },
            Shape::Octets if reply.is_ok() => Stage::Octets(Unstuff::new(line.end, dots)),
            _ => return Heard::Complete(Some(reply)),
        };
        Heard::Accepted(reply)
    }
}

fn hear_line<'a, 'i: 'a>(
    heard: &mut u32,
    lines: &'a mut LineBuffer,
    input: &mut &'i [u8],
) -> Result<Option<Heard<'a>>, ProtocolError> {
    let Some(Line { text, .. }) = lines.next(input, MAX_LINE)? else {
        return Ok(None);
    };
    if text == b"." {
        return Ok(Some(Heard::Complete(None)));
    }
    if *heard == MAX_LINES {
        return Err(ProtocolError::TooManyLines(MAX_LINES));
    }
    *heard += 1;
    Ok(Some(Heard::Line(text.strip_prefix(b".").unwrap_or(text))))
}

#[cfg(test)]
mod tests {
    use super::super::play::{Client, Heard, err, ok, plain};
    use super::super::sasl::{Account, Authentication, SaslError};
    use super::super::{Command, CommandError, Secret};
    use super::*;

    #[test]
    fn an_exchange_that_is_given_up_ends_the_connection_once_the_server_knows() {
        let password = Secret::new("pass".to_owned());
        let mut client = Client::greeted();
        client.connection.send(&plain(&password), 1).unwrap();
        client.connection.sent(usize::MAX);
        client.feed(b"+ \r\n+ \r\n").unwrap();
        assert_eq!(client.connection.outgoing(), b"AGFubgBwYXNz\r\n*\r\n");
        assert_eq!(
            client.feed(b"-ERR cancelled\r\n"),
            Err(ProtocolError::Sasl(SaslError::OutOfTurn))
        );
    }

    #[test]
    fn what_the_server_said_of_a_token_is_told_with_its_refusal() {
        let (login, secret) = ("ann", &Secret::new("token".to_owned()));
        let xoauth2 = Command::Auth(Authentication::XOAuth2(Account { login, secret }));
        let mut client = Client::greeted();
        client.connection.send(&xoauth2, 1).unwrap();
        client.heard.clear();
        client
            .feed(b"+ \r\n+ eyJzdGF0dXMiOiI0MDEifQ==\r\n-ERR [AUTH] no\r\n")
            .unwrap();
        assert_eq!(
            client.heard,
            [Heard::End(1, err(r#"[AUTH] no ({"status":"401"})"#))]
        );
    }

    #[test]
    fn a_line_that_is_no_reply_leaves_its_exchange_unanswered() {
        let mut client = Client::new(&[]);
        assert_eq!(
            client.feed(b"* OK IMAP4rev1 \x1b[0m\r\n"),
            Err(ProtocolError::NotAReply(
                r"* OK IMAP4rev1 \u{1b}[0m".to_owned()
            ))
        );
        assert!(client.connection.tags().eq(&[0]));
    }

    fn after_stls(pieces: &[&[u8]]) -> (Result<(), ProtocolError>, Vec<Heard>) {
        let mut client = Client::greeted();
        client.connection.send(&Command::Stls, 1).unwrap();
        client.heard.clear();
        let outcome = pieces.iter().try_for_each(|piece| client.feed(piece));
        (outcome, client.heard)
    }

    #[test]
    fn octets_in_clear_behind_the_reply_to_stls_hide_the_reply() {
        let (outcome, heard) = after_stls(&[b"+OK\r\n+OK injected\r\n"]);
        assert_eq!(outcome, Err(ProtocolError::PlaintextAfterStls));
        assert_eq!(heard, []);
    }

    #[test]
    fn octets_in_clear_before_tls_is_established_are_refused() {
        let (outcome, heard) = after_stls(&[b"+OK\r\n", b"+"]);
        assert_eq!(outcome, Err(ProtocolError::PlaintextAfterStls));
        assert_eq!(heard, [Heard::End(1, ok(""))]);
    }

    #[test]
    fn the_session_goes_on_once_tls_is_established() {
        let mut client = Client::greeted();
        client.connection.send(&Command::Stls, 1).unwrap();
        client.feed(b"+OK begin\r\n").unwrap();
        assert_eq!(
            client.connection.send(&Command::Capa, 2),
            Err(CommandError::TlsPending)
        );
        client.connection.tls_established();
        assert_eq!(client.connection.send(&Command::Capa, 2), Ok(()));
        client.feed(b"+OK\r\n.\r\n").unwrap();
    }

    #[test]
    fn endless_lines_are_refused() {
        let flood = vec![b'x'; 1 << 20];
        let mut client = Client::new(&[]);
        assert!(matches!(
            client.feed(&flood),
            Err(ProtocolError::LineTooLong(_))
        ));
        let mut client = Client::greeted();
        client.connection.send(&Command::Uidl, 1).unwrap();
        client.feed(b"+OK\r\n").unwrap();
        assert!(matches!(
            client.feed(&flood),
            Err(ProtocolError::LineTooLong(_))
        ));
    }
}
