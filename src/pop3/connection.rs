//! The conversation: commands out, replies in.

use std::collections::VecDeque;

use super::exchange::{Exchange, Heard};
use super::lines::LineBuffer;
use super::outgoing::Outgoing;
use super::sasl::Plain;
use super::{Command, CommandError, ProtocolError, Reply, Shape, text};

/// A POP3 connection, free of I/O.
///
/// It holds the exchanges in flight, first in, first out. The caller writes [`outgoing`] to the
/// server and feeds what the server sends to [`poll`], in pieces of any size; how the octets are
/// split changes no event. Each exchange carries the caller's tag, `T`.
///
/// [`outgoing`]: Self::outgoing
/// [`poll`]: Self::poll
pub struct Connection<T> {
    conversation: Conversation<T>,
    poisoned: bool,
}

/// What the server said.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a, T> {
    /// The `+OK` of a multi-line reply: lines or octets follow, then the end.
    Accepted {
        /// The exchange's tag.
        tag: &'a mut T,
        /// The reply's first line.
        reply: Reply,
    },
    /// A line of a listing, without its end and its stuffed dot.
    Line {
        /// The exchange's tag.
        tag: &'a mut T,
        /// The line; any octets but LF.
        line: &'a [u8],
    },
    /// The next octets of a message, without stuffed dots; never none.
    Octets {
        /// The exchange's tag.
        tag: &'a mut T,
        /// A part of `poll`'s input, as long as possible.
        octets: &'a [u8],
    },
    /// The exchange is over.
    End {
        /// The exchange's tag.
        tag: T,
        /// The reply, if it is a single line, as every `-ERR` is; `None` after a multi-line one.
        reply: Option<Reply>,
    },
}

impl<T> Connection<T> {
    /// A new connection, in which the greeting is due.
    pub fn new(greeting: T) -> Self {
        Self {
            conversation: Conversation::new(greeting),
            poisoned: false,
        }
    }

    /// Appends one whole command line to [`outgoing`](Self::outgoing), and expects its reply.
    ///
    /// # Errors
    ///
    /// An argument that a line cannot carry; a command out of turn. Nothing is sent then.
    pub fn send(&mut self, command: &Command<'_>, tag: T) -> Result<(), CommandError> {
        if self.poisoned {
            return Err(CommandError::Poisoned);
        }
        self.conversation.send(command, tag)
    }

    /// What is to be written to the server.
    pub fn outgoing(&self) -> &[u8] {
        self.conversation.outgoing.octets()
    }

    /// Takes note that so many octets of [`outgoing`](Self::outgoing) were written, and wipes them.
    pub fn sent(&mut self, octets: usize) {
        self.conversation.outgoing.sent(octets);
    }

    /// How many exchanges are not over, the greeting included.
    pub fn in_flight(&self) -> usize {
        self.conversation.exchanges.len()
    }

    /// The tags of the exchanges that are not over, oldest first.
    pub fn tags(&self) -> impl Iterator<Item = &T> {
        self.conversation.exchanges.iter().map(|it| &it.tag)
    }

    /// Takes the next event from the front of `input`; `None` once all of it is used up.
    ///
    /// The start of a line is kept inside until the rest of it comes, up to a limit.
    ///
    /// # Errors
    ///
    /// Whatever cannot be the server's side of this conversation. Every later call then gives
    /// [`ProtocolError::Poisoned`], and [`tags`](Self::tags) are those of the unanswered.
    pub fn poll<'b, 'i: 'b>(
        &'b mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Event<'b, T>>, ProtocolError> {
        if self.poisoned {
            return Err(ProtocolError::Poisoned);
        }
        let event = self.conversation.advance(input);
        self.poisoned = event.is_err();
        event
    }

    /// Takes note that TLS is established, after STLS was accepted.
    pub fn tls_established(&mut self) {
        self.conversation.tls_pending = false;
    }

    /// Whether the end of the stream would cut nothing off: no reply is due.
    pub fn may_close(&self) -> bool {
        !self.poisoned && self.in_flight() == 0
    }
}

struct Conversation<T> {
    exchanges: VecDeque<Exchange<T>>,
    lines: LineBuffer,
    outgoing: Outgoing,
    /// STLS was accepted, and the octets to come are not for us.
    tls_pending: bool,
}

impl<T> Conversation<T> {
    fn new(greeting: T) -> Self {
        Self {
            exchanges: VecDeque::from([Exchange::new(greeting, Shape::Greeting, true)]),
            lines: LineBuffer::default(),
            outgoing: Outgoing::default(),
            tls_pending: false,
        }
    }

    fn send(&mut self, command: &Command<'_>, tag: T) -> Result<(), CommandError> {
        if self.tls_pending {
            return Err(CommandError::TlsPending);
        }
        if self.exchanges.back().is_some_and(|it| it.last_of_its_burst) {
            return Err(CommandError::NotYet);
        }
        let exchange = match command {
            Command::AuthPlain { login, password } => {
                let plain = Plain::new(login, password)?;
                self.outgoing.append(&plain.command());
                Exchange::sasl(tag, plain)
            }
            _ => {
                self.outgoing.append(&[&command.line()?]);
                Exchange::new(tag, command.shape(), command.is_last_of_its_burst())
            }
        };
        self.exchanges.push_back(exchange);
        Ok(())
    }

    fn advance<'b, 'i: 'b>(
        &'b mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Event<'b, T>>, ProtocolError> {
        if input.is_empty() {
            return Ok(None);
        }
        if self.tls_pending {
            return Err(ProtocolError::PlaintextAfterStls);
        }
        let Some(exchange) = self.exchanges.front_mut() else {
            return Err(unexpected(input));
        };
        let Some(heard) = exchange.hear(&mut self.lines, &mut self.outgoing, input)? else {
            return Ok(None);
        };
        if let Heard::Complete(Some(reply)) = &heard {
            self.tls_pending = exchange.starts_tls(reply);
        }
        Ok(event(&mut self.exchanges, heard))
    }
}

fn event<'b, T>(
    exchanges: &'b mut VecDeque<Exchange<T>>,
    heard: Heard<'b>,
) -> Option<Event<'b, T>> {
    match heard {
        Heard::Accepted(reply) => front(exchanges).map(|tag| Event::Accepted { tag, reply }),
        Heard::Line(line) => front(exchanges).map(|tag| Event::Line { tag, line }),
        Heard::Octets(octets) => front(exchanges).map(|tag| Event::Octets { tag, octets }),
        Heard::Complete(reply) => exchanges
            .pop_front()
            .map(|it| Event::End { tag: it.tag, reply }),
    }
}

fn front<T>(exchanges: &mut VecDeque<Exchange<T>>) -> Option<&mut T> {
    exchanges.front_mut().map(|it| &mut it.tag)
}

/// Quotes the first line of what came unasked.
fn unexpected(input: &[u8]) -> ProtocolError {
    let line = input.split(|octet| *octet == b'\n').next();
    let words = line.unwrap_or_default().trim_ascii_end();
    ProtocolError::UnexpectedOctets(text::printable(words))
}
