//! What the server says, taken in.

use std::time::Duration;

use crate::pop3::{Capabilities, Event, Reply};

use super::super::clock::Moment;
use super::super::fetch::Fetch;
use super::sign_in::Outcome;
use super::{Exchange, Happening, Session, SessionError, Stage};

impl Session {
    /// Takes in octets from the link. `body` is handed the pieces of messages, and says whether more
    /// may come. Messages that have come together with what no server may say are not told of, nor
    /// is an answer to QUIT, which may be the answer to something else.
    pub fn receive(
        &mut self,
        input: &[u8],
        now: Moment,
        happenings: &mut Vec<Happening>,
        body: impl FnMut(Fetch, &[u8]) -> bool,
    ) -> Result<(), SessionError> {
        let result = self.hear(input, now, happenings, body);
        if let Err(error) = &result {
            happenings.retain(|it| !it.is_void_before(error));
        }
        result
    }

    fn hear(
        &mut self,
        mut input: &[u8],
        now: Moment,
        happenings: &mut Vec<Happening>,
        mut body: impl FnMut(Fetch, &[u8]) -> bool,
    ) -> Result<(), SessionError> {
        let waited = now - self.last_sign;
        self.last_sign = now;
        self.progress.heard(input.len(), now);
        self.retrieving.together |= self.connection.in_flight() > 1;
        while let Some(event) = self.connection.poll(&mut input)? {
            match event {
                Event::Accepted { tag, .. } => match tag {
                    Exchange::Retrieve(retrieval) => {
                        retrieval.answered(now, &mut self.retrieving.pace);
                    }
                    Exchange::OwnCapa => self.capabilities = Capabilities::default(),
                    _ => {}
                },
                Event::Octets {
                    tag: Exchange::Header(_),
                    octets,
                } => self.heading.add(octets),
                Event::Octets { tag, octets } => {
                    if !tag.received(octets, &mut body) {
                        return Err(SessionError::MessageTooLong);
                    }
                }
                Event::Line { tag, line } => match tag {
                    Exchange::Capa | Exchange::OwnCapa => self.capabilities.add_line(line),
                    _ => self.stage.line(*tag, line, now)?,
                },
                Event::End { tag, reply } => {
                    self.stage.answered(tag, waited);
                    happenings.extend(self.ended(tag, reply, now)?);
                }
            }
        }
        Ok(())
    }

    fn ended(
        &mut self,
        exchange: Exchange,
        reply: Option<Reply>,
        now: Moment,
    ) -> Result<Option<Happening>, SessionError> {
        self.progress.renew(now);
        Ok(match (exchange, reply) {
            (Exchange::Retrieve(retrieval), reply) => {
                let connection = &mut self.connection;
                self.retrieving.ended(retrieval, reply, now, connection)?
            }
            (Exchange::Header(id), reply) => Some(self.header_ended(id, reply)),
            (Exchange::Confirm(retrieval), _) => Some(self.retrieving.believe(retrieval.fetch)),
            (Exchange::Delete(id), Some(reply)) => Some(Happening::Deleted(id, reply)),
            (Exchange::Noop, _) => None,
            (Exchange::Reset, Some(reply)) => Some(Happening::Reset(reply)),
            (Exchange::Quit, Some(reply)) => Some(Happening::Quit(reply)),
            (exchange, reply) => self.sign_in(exchange, reply, now)?,
        })
    }

    /// A step on the way to the listing is done.
    fn sign_in(
        &mut self,
        exchange: Exchange,
        reply: Option<Reply>,
        now: Moment,
    ) -> Result<Option<Happening>, SessionError> {
        let Stage::SigningIn(sign_in, survey) = &mut self.stage else {
            return Ok(None);
        };
        match sign_in.ended(exchange, reply, &self.capabilities, &mut self.connection)? {
            Outcome::GoesOn => Ok(None),
            Outcome::Happened(happening) => Ok(Some(happening)),
            Outcome::Listed(listing) => {
                self.retrieving.pace = survey.pace(now);
                self.login = sign_in.login();
                self.stage = Stage::Listed;
                self.listed_at = now;
                Ok(Some(Happening::Listed(listing)))
            }
        }
    }
}

impl Exchange {
    /// Hands octets of a message on; whether more may come.
    fn received(&mut self, octets: &[u8], body: impl FnOnce(Fetch, &[u8]) -> bool) -> bool {
        let Self::Retrieve(retrieval) = self else {
            return true;
        };
        retrieval.received += octets.len() as u64;
        body(retrieval.fetch, octets)
    }
}

impl Stage {
    /// A line of a listing has come.
    fn line(&mut self, exchange: Exchange, line: &[u8], now: Moment) -> Result<(), SessionError> {
        let Self::SigningIn(sign_in, survey) = self else {
            return Ok(());
        };
        survey.listed(line.len(), now);
        sign_in.line(exchange, line)
    }

    /// A reply has come to its end, after so long.
    fn answered(&mut self, exchange: Exchange, waited: Duration) {
        if let Self::SigningIn(_, survey) = self
            && exchange.is_brief()
        {
            survey.answered(waited);
        }
    }
}
