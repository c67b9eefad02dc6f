//! Messages that a session has asked for, and what to make of what comes.

use crate::pop3::{Command, CommandError, Connection, Dots, Reply};

use super::super::clock::Moment;
use super::super::fetch::{Extent, Fetch};
use super::super::message::MessageId;
use super::super::pace::Pace;
use super::super::schedule::{Flight, Window};
use super::exchange::Retrieval;
use super::{Exchange, Happening, Request, Session};

/// How that goes.
#[derive(Default)]
pub(super) struct Retrieving {
    /// Listed octets of the messages asked for, of which some may have come.
    octets: u64,
    pub(super) pace: Pace,
    /// Whether commands have been in flight together since no reply was due.
    pub(super) together: bool,
    /// The messages that have come since no reply was due.
    burst: Vec<MessageId>,
    /// Whether one of them was not as long as it should be.
    is_doubted: bool,
}

impl Retrieving {
    /// No reply is due: what comes next has nothing to do with what came before.
    pub(super) fn begin_anew(&mut self) {
        self.together = false;
        self.burst.clear();
        self.is_doubted = false;
    }

    /// RETR or TOP has been refused, or what it asked for has come to its end.
    pub(super) fn ended(
        &mut self,
        retrieval: Retrieval,
        refusal: Option<Reply>,
        now: Moment,
        connection: &mut Connection<Exchange>,
    ) -> Result<Option<Happening>, CommandError> {
        self.octets = self.octets.saturating_sub(retrieval.octets);
        if let Some(reply) = refusal {
            return Ok(Some(Happening::NotRetrieved(retrieval.fetch, reply)));
        }
        retrieval.ended(now, &mut self.pace);
        self.judge(retrieval, connection)
    }

    /// What to make of a message that has come to its end. One that is shorter than it should be may
    /// have been cut off by a dot that was not stuffed: the server is made to speak once more.
    fn judge(
        &mut self,
        retrieval: Retrieval,
        connection: &mut Connection<Exchange>,
    ) -> Result<Option<Happening>, CommandError> {
        let fetch = retrieval.fetch;
        let is_odd = fetch.is_whole() && !retrieval.is_plausible();
        match connection.bare_dots() {
            Some(Dots::Bare) if fetch.is_whole() && retrieval.is_exact() => {}
            Some(Dots::Bare) if fetch.is_whole() => return Ok(Some(Happening::Garbled(fetch))),
            Some(_) => {
                connection.set_dots(Dots::Bare);
                return Ok(Some(Happening::Unstuffed(fetch)));
            }
            None => {}
        }
        let together = retrieval.is_behind || connection.in_flight() > 0;
        // Nothing tells a message of which no size is known from another; but one that is listed as
        // empty, and is, comes so each time, and would only seem to show that others are right, too.
        let is_of_no_size = retrieval.expected == 0 && retrieval.received > 0;
        let is_suspect = is_odd || fetch.is_whole() && is_of_no_size;
        self.is_doubted |= together && is_suspect;
        if self.is_doubted {
            let (id, is_odd) = (fetch.id, is_suspect);
            self.burst.push(id);
            return Ok(Some(Happening::Suspect { id, is_odd }));
        }
        if !is_odd || !retrieval.is_short() {
            return Ok(Some(self.believe(fetch)));
        }
        connection.send(&Command::Noop, Exchange::Confirm(retrieval))?;
        Ok(None)
    }

    /// A message has come that nothing speaks against.
    pub(super) fn believe(&mut self, fetch: Fetch) -> Happening {
        self.burst.push(fetch.id);
        Happening::Retrieved(fetch)
    }
}

impl Session {
    /// What is in flight.
    pub fn flight(&self) -> Flight {
        let alone = self.last_retrieval().is_some_and(|last| last.alone);
        let come = self.first_retrieval().map_or(0, Retrieval::come);
        Flight {
            commands: self.connection.in_flight(),
            octets: self.retrieving.octets.saturating_sub(come),
            alone,
        }
    }

    /// What should be in flight, where so many commands may be.
    pub fn window(&self, commands: usize) -> Window {
        let pace = &self.retrieving.pace;
        Window {
            commands,
            octets: pace.window(),
            longest: pace.longest(),
        }
    }

    /// Sends RETR or TOP; false where the message has no number in this session.
    pub fn retrieve(&mut self, request: Request, now: Moment) -> Result<bool, CommandError> {
        self.stir(now);
        let retrieval = self.retrieval(&request, now);
        let last = self.last_retrieval();
        let is_alike = last.is_some_and(|last| last.resembles(request.expected));
        let Some(number) = self.numbering.number(request.fetch.id) else {
            return Ok(false);
        };
        if is_alike {
            // Where a server loses one of two commands, the reply to the other must not pass for its own.
            self.connection.send(&Command::Noop, Exchange::Noop)?;
        }
        let command = match request.fetch.extent {
            Extent::Whole => Command::Retr(number),
            Extent::Beginning => Command::Top(number, request.lines),
        };
        self.connection
            .send(&command, Exchange::Retrieve(retrieval))?;
        let octets = &mut self.retrieving.octets;
        *octets = octets.saturating_add(retrieval.octets);
        Ok(true)
    }

    fn retrieval(&self, request: &Request, now: Moment) -> Retrieval {
        Retrieval {
            fetch: request.fetch,
            octets: request.octets,
            alone: request.alone,
            asked: now,
            begun: now,
            in_flight: self.flight().octets.saturating_add(request.octets),
            is_behind: self.connection.in_flight() > 0,
            expected: request.expected,
            received: 0,
        }
    }

    fn first_retrieval(&self) -> Option<&Retrieval> {
        self.connection.tags().next()?.retrieval()
    }

    fn last_retrieval(&self) -> Option<&Retrieval> {
        self.connection.tags().next_back()?.retrieval()
    }

    /// What is being fetched and has come to no end.
    pub fn retrievals(&self) -> Vec<Fetch> {
        let fetch = |exchange: &Exchange| match exchange {
            Exchange::Retrieve(retrieval) | Exchange::Confirm(retrieval) => Some(retrieval.fetch),
            _ => None,
        };
        self.connection.tags().filter_map(fetch).collect()
    }

    /// The messages that have come since no reply was due.
    pub fn burst(&self) -> &[MessageId] {
        &self.retrieving.burst
    }
}
