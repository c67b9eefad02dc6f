//! The exchanges in flight, in order.

use std::collections::VecDeque;

use super::exchange::{Exchange, Heard};
use super::wire::Wire;
use super::{Command, CommandError, Event, ProtocolError, Shape};

/// First in, first out: the server replies in the order of the commands.
pub(super) struct Conversation<T> {
    pub(super) exchanges: VecDeque<Exchange<T>>,
    pub(super) wire: Wire,
    /// STLS was accepted, and the octets to come are not for us.
    pub(super) tls_pending: bool,
}

impl<T> Conversation<T> {
    pub(super) fn new(greeting: T) -> Self {
        Self {
            exchanges: VecDeque::from([Exchange::new(greeting, Shape::Greeting, true)]),
            wire: Wire::default(),
            tls_pending: false,
        }
    }

    pub(super) fn send(&mut self, command: &Command<'_>, tag: T) -> Result<(), CommandError> {
        if self.tls_pending {
            return Err(CommandError::TlsPending);
        }
        if self.exchanges.back().is_some_and(|it| it.last_of_its_burst) {
            return Err(CommandError::NotYet);
        }
        let exchange = match command {
            Command::Auth(authentication) => {
                Exchange::sasl(tag, self.wire.send_auth(authentication)?)
            }
            Command::Apop { login, password } => {
                self.wire.send_apop(login, password)?;
                Exchange::new(tag, command.shape(), true)
            }
            _ => {
                self.wire.send_line(command)?;
                Exchange::new(tag, command.shape(), command.is_last_of_its_burst())
            }
        };
        self.exchanges.push_back(exchange);
        Ok(())
    }

    pub(super) fn advance<'b, 'i: 'b>(
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
            return Err(self.wire.unexpected(input));
        };
        let Some(heard) = exchange.hear(&mut self.wire, input)? else {
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
