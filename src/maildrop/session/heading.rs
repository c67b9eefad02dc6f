//! Headers that are asked for alone, to see which message it is.

use crate::pop3::{Command, CommandError, Dots, Reply};

use super::super::clock::Moment;
use super::super::fetch::Fetch;
use super::super::header::{HEADER_MAX, HeaderDigest};
use super::super::message::MessageId;
use super::{Exchange, Happening, Session};

/// What has come of one.
#[derive(Default)]
pub(super) struct Heading(Vec<u8>);

impl Heading {
    /// A piece has come. Some servers give the whole message.
    pub fn add(&mut self, octets: &[u8]) {
        let room = HEADER_MAX.saturating_sub(self.0.len());
        self.0
            .extend_from_slice(octets.get(..room).unwrap_or(octets));
    }
}

impl Session {
    /// Sends TOP for a header; false where the message has no number in this session.
    pub fn ask_header(&mut self, id: MessageId, now: Moment) -> Result<bool, CommandError> {
        self.stir(now);
        let Some(number) = self.numbering.number(id) else {
            return Ok(false);
        };
        self.connection
            .send(&Command::Top(number, 0), Exchange::Header(id))?;
        Ok(true)
    }

    /// How many of them are still to come.
    pub fn headers_due(&self) -> usize {
        let is_header = |exchange: &&Exchange| matches!(exchange, Exchange::Header(_));
        self.connection.tags().filter(is_header).count()
    }

    /// TOP has been refused, or the header is all there. Dots that are wrong in it are wrong in the
    /// beginning of the message that TOP would give.
    pub(super) fn header_ended(&mut self, id: MessageId, refusal: Option<Reply>) -> Happening {
        let Heading(header) = std::mem::take(&mut self.heading);
        match refusal {
            Some(reply) => Happening::HeaderRefused(id, reply),
            None if self.connection.bare_dots().is_some() => {
                self.connection.set_dots(Dots::Bare);
                Happening::Unstuffed(Fetch::beginning(id))
            }
            None => Happening::HeaderCame(id, HeaderDigest::of(&header)),
        }
    }
}
