//! A body that is wanted, or on its way: shared between the engine, which appends, and any
//! number of readers, each parked until the octets it wants are there.

use super::clock::Moment;
use super::fingerprint::{Agreement, Fingerprint};
use super::message::Octets;
use super::reader::{Due, Reader, Wants};

/// What a body may take in memory before it has proved to be that long.
const RESERVE_MAX: usize = 1 << 20;

/// One message's body until it is whole.
#[derive(Default)]
pub(super) struct Arrival {
    octets: Vec<u8>,
    /// What was handed out of an earlier RETR; nothing that differs may follow it.
    expected: Option<Fingerprint>,
    /// How many of the octets may be handed out.
    agreed: usize,
    readers: Vec<Reader>,
    /// RETRs of it that came to no end.
    failures: u32,
    /// Whether RETR has been sent.
    pub on_the_wire: bool,
}

impl Arrival {
    /// A body that is to be held against what was handed out before, if anything was.
    pub fn new(expected: Option<Fingerprint>) -> Self {
        Self {
            expected,
            ..Self::default()
        }
    }

    /// Adds one who waits.
    pub fn park(&mut self, reader: Reader) {
        self.readers.push(reader);
    }

    /// Whether anybody waits.
    pub fn is_wanted(&self) -> bool {
        !self.readers.is_empty()
    }

    /// RETR has been sent; a body of about this length will follow.
    pub fn begin(&mut self, listed: u64) {
        self.on_the_wire = true;
        self.octets = Vec::with_capacity(usize::try_from(listed).unwrap_or(0).min(RESERVE_MAX));
        self.agreed = 0;
    }

    /// Appends; false if the message is not the one that was handed out before.
    pub fn append(&mut self, octets: &[u8]) -> bool {
        self.octets.extend_from_slice(octets);
        match self
            .expected
            .as_ref()
            .map(|expected| expected.compare(&self.octets, self.agreed))
        {
            Some(Agreement::Upto(agreed)) => {
                self.agreed = agreed;
                true
            }
            Some(Agreement::Differs) => false,
            None => true,
        }
    }

    /// Whether the whole body is the one that was handed out before, if any was.
    pub fn agrees(&self) -> bool {
        self.expected
            .as_ref()
            .is_none_or(|expected| *expected == Fingerprint::of(&self.octets))
    }

    /// It is another message: those bound to what was handed out before are sent away.
    pub fn start_afresh(&mut self) -> Vec<Reader> {
        self.expected = None;
        self.agreed = 0;
        self.readers
            .extract_if(.., |reader| reader.is_bound_to_version())
            .collect()
    }

    /// Those whose octets are there before the end.
    pub fn satisfied(&mut self) -> Vec<Due> {
        let Self {
            octets,
            agreed,
            readers,
            ..
        } = self;
        readers
            .extract_if(.., |reader| reader.end() <= *agreed)
            .map(|reader| reader.copy(octets))
            .collect()
    }

    /// A copy of octets that may be handed out already.
    pub fn peek(&self, offset: u64, length: usize) -> Option<Octets> {
        let start = usize::try_from(offset).ok()?;
        let end = start
            .checked_add(length)
            .filter(|&end| end <= self.agreed)?;
        self.octets
            .get(start..end)
            .map(|octets| Octets::Copied(octets.to_vec()))
    }

    /// The octets, and those who waited for the end.
    pub fn finish(self) -> (Vec<u8>, Vec<Reader>) {
        (self.octets, self.readers)
    }

    /// The link was lost under it; how often that has happened.
    pub fn fail(&mut self) -> u32 {
        *self = Self {
            expected: self.expected.take(),
            readers: std::mem::take(&mut self.readers),
            failures: self.failures + 1,
            ..Self::default()
        };
        self.failures
    }

    /// Those whose deadline has passed.
    pub fn expired(&mut self, now: Moment) -> Vec<Reader> {
        self.readers
            .extract_if(.., |reader| reader.until <= now)
            .collect()
    }

    /// All who wait.
    pub fn readers(self) -> Vec<Reader> {
        self.readers
    }

    /// When the first of those who wait must have an answer.
    pub fn deadline(&self) -> Option<Moment> {
        self.readers.iter().map(|reader| reader.until).min()
    }
}

impl Reader {
    /// How many octets must be there to answer; only a read is answered before the end.
    fn end(&self) -> usize {
        match self.wants {
            Wants::Read { offset, length, .. } => usize::try_from(offset)
                .unwrap_or(usize::MAX)
                .saturating_add(length),
            _ => usize::MAX,
        }
    }

    fn copy(self, body: &[u8]) -> Due {
        let end = self.end().min(body.len());
        match self.wants {
            Wants::Read { length, answer, .. } => {
                let octets = body[end.saturating_sub(length)..end].to_vec();
                Box::new(move || answer(Ok(Octets::Copied(octets))))
            }
            _ => self.refuse(super::Error::NotFound),
        }
    }
}
