//! A body that is wanted, or on its way: shared between the engine, which appends, and any
//! number of readers, each parked until the octets it wants are there.

use super::clock::Moment;
use super::error::Error;
use super::fingerprint::{Fingerprint, Growth};
use super::message::{Body, Octets};
use super::reader::{Due, Opener, Read};

/// What a body may take in memory before it has proved to be that long.
const RESERVE_MAX: usize = 1 << 20;

/// What an appended piece has made of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Appended {
    /// It can still be the message that it should be.
    Agrees,
    /// It is not the message that was handed out before.
    Differs,
    /// It is longer than any message may be.
    Overflows,
}

/// One message's body until it is whole.
#[derive(Default)]
pub(super) struct Arrival {
    octets: Vec<u8>,
    growth: Growth,
    /// What LIST said of its length.
    listed: u64,
    /// What was handed out of an earlier RETR; nothing that differs may follow it.
    expected: Option<Fingerprint>,
    /// How many of the octets may be handed out.
    agreed: usize,
    /// Those who are answered at the end.
    openers: Vec<Opener>,
    /// Those who are answered when their octets are there; they are bound to what is expected.
    reads: Vec<Read>,
    /// RETRs of it that came to no end.
    failures: u32,
    /// Whether RETR has been sent.
    pub on_the_wire: bool,
}

/// A body that has come to its end, and those who waited for it.
pub(super) struct Arrived {
    pub body: Body,
    pub fingerprint: Fingerprint,
    /// Whether it is the one that was handed out before, if any was.
    pub agrees: bool,
    pub openers: Vec<Opener>,
    pub reads: Vec<Read>,
}

impl Arrival {
    /// A body that is to be held against what was handed out before, if anything was.
    pub fn new(expected: Option<Fingerprint>) -> Self {
        Self {
            expected,
            ..Self::default()
        }
    }

    /// Adds one who waits for the end.
    pub fn await_end(&mut self, opener: Opener) {
        self.openers.push(opener);
    }

    /// Adds one who waits for a part.
    pub fn await_part(&mut self, read: Read) {
        self.reads.push(read);
    }

    /// Whether anybody waits.
    pub fn is_wanted(&self) -> bool {
        !self.openers.is_empty() || !self.reads.is_empty()
    }

    /// RETR has been sent; a body of about this length will follow.
    pub fn begin(&mut self, listed: u64) {
        self.on_the_wire = true;
        self.listed = listed;
    }

    /// Appends to a body that may be no longer than `limit`.
    pub fn append(&mut self, octets: &[u8], limit: usize) -> Appended {
        if octets.len() > limit.saturating_sub(self.octets.len()) {
            return Appended::Overflows;
        }
        if self.octets.is_empty() {
            let listed = usize::try_from(self.listed).unwrap_or(RESERVE_MAX);
            self.octets.reserve(listed.min(RESERVE_MAX));
        }
        self.octets.extend_from_slice(octets);
        self.growth.grow(&self.octets);
        match &self.expected {
            Some(expected) if !expected.begins_with(&self.growth) => return Appended::Differs,
            Some(_) => self.agreed = self.growth.octets(),
            None => {}
        }
        Appended::Agrees
    }

    /// Whether nothing has come of a message that is listed with more.
    pub fn is_doubtful(&self) -> bool {
        self.octets.is_empty() && self.listed > 0
    }

    /// It is another message: those bound to what was handed out before are sent away.
    pub fn start_afresh(&mut self) -> Vec<Read> {
        self.expected = None;
        self.agreed = 0;
        std::mem::take(&mut self.reads)
    }

    /// Those whose octets are there before the end.
    pub fn satisfied(&mut self) -> Vec<Due> {
        let mut due = Vec::new();
        for read in std::mem::take(&mut self.reads) {
            match self.part(read.offset, read.length) {
                Some(octets) => due.push(read.give(octets)),
                None => self.reads.push(read),
            }
        }
        due
    }

    /// A copy of octets that may be handed out already.
    pub fn part(&self, offset: u64, length: usize) -> Option<Octets> {
        let start = usize::try_from(offset).ok()?;
        let agreed = self.octets.get(..self.agreed)?;
        let part = agreed.get(start..start.checked_add(length)?)?;
        Some(Octets::Copied(part.to_vec()))
    }

    /// The body, which has come to its end.
    pub fn finish(self) -> Arrived {
        let fingerprint = self.growth.finish(&self.octets);
        let agrees = self.expected.is_none_or(|expected| expected == fingerprint);
        Arrived {
            body: self.octets.into(),
            fingerprint,
            agrees,
            openers: self.openers,
            reads: self.reads,
        }
    }

    /// The link was lost under it; how often that has happened.
    pub fn fail(&mut self) -> u32 {
        self.restart();
        self.failures += 1;
        self.failures
    }

    /// What has come of it is void.
    pub fn restart(&mut self) {
        *self = Self {
            expected: self.expected.take(),
            openers: std::mem::take(&mut self.openers),
            reads: std::mem::take(&mut self.reads),
            failures: self.failures,
            ..Self::default()
        };
    }

    /// How many octets have come of it.
    pub fn length(&self) -> usize {
        self.octets.len()
    }

    /// Those whose deadline has passed, refused.
    pub fn expire(&mut self, now: Moment) -> Vec<Due> {
        let openers = self.openers.extract_if(.., |opener| opener.until <= now);
        let reads = self.reads.extract_if(.., |read| read.until <= now);
        refused(openers, reads, &Error::TimedOut)
    }

    /// All who wait, refused.
    pub fn refuse(self, error: &Error) -> Vec<Due> {
        refused(self.openers, self.reads, error)
    }

    /// When the first of those who wait must have an answer.
    pub fn deadline(&self) -> Option<Moment> {
        let openers = self.openers.iter().map(|opener| opener.until);
        openers
            .chain(self.reads.iter().map(|read| read.until))
            .min()
    }
}

fn refused(
    openers: impl IntoIterator<Item = Opener>,
    reads: impl IntoIterator<Item = Read>,
    error: &Error,
) -> Vec<Due> {
    let openers = openers
        .into_iter()
        .map(|opener| opener.refuse(error.clone()));
    let reads = reads.into_iter().map(|read| read.refuse(error.clone()));
    openers.chain(reads).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::reader::Wants;
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::since_1970(Duration::from_secs(seconds))
    }

    fn opener(until: u64) -> Opener {
        Opener {
            until: at(until),
            wants: Wants::Measure(Box::new(drop)),
        }
    }

    fn read(offset: u64, length: usize, until: u64) -> Read {
        Read {
            until: at(until),
            version: 0,
            offset,
            length,
            answer: Box::new(drop),
        }
    }

    #[test]
    fn nothing_is_handed_out_of_what_was_never_handed_out_before() {
        let mut arrival = Arrival::default();
        arrival.append(&[b'x'; 200_000], usize::MAX);
        arrival.await_part(read(0, 1, 60));
        assert!(arrival.satisfied().is_empty());
        assert!(arrival.part(0, 1).is_none());
    }

    #[test]
    fn a_body_is_bounded() {
        let mut arrival = Arrival::default();
        assert_eq!(arrival.append(b"abc", 4), Appended::Agrees);
        assert_eq!(arrival.append(b"d", 4), Appended::Agrees);
        assert_eq!(arrival.append(b"e", 4), Appended::Overflows);
        assert_eq!(arrival.finish().body.len(), 4);
    }

    #[test]
    fn those_who_wait_outlast_a_lost_link() {
        let mut arrival = Arrival::default();
        arrival.await_end(opener(20));
        arrival.await_part(read(0, 1, 10));
        arrival.begin(4);
        arrival.append(b"ab", usize::MAX);
        assert_eq!((arrival.fail(), arrival.fail()), (1, 2));
        assert!(arrival.is_wanted() && !arrival.on_the_wire);
        assert_eq!(arrival.deadline(), Some(at(10)));
        arrival.begin(4);
        arrival.append(b"abcd", usize::MAX);
        let arrived = arrival.finish();
        assert_eq!(*arrived.body, b"abcd"[..]);
        assert_eq!((arrived.openers.len(), arrived.reads.len()), (1, 1));
    }

    #[test]
    fn another_message_sends_those_away_who_read_the_first() {
        let expected = Growth::default().finish(b"first");
        let mut arrival = Arrival::new(Some(expected));
        arrival.await_end(opener(60));
        arrival.await_part(read(0, 1, 60));
        assert_eq!(arrival.start_afresh().len(), 1);
        arrival.append(b"second", usize::MAX);
        let arrived = arrival.finish();
        assert!(arrived.agrees);
        assert_eq!(arrived.openers.len(), 1);
    }

    proptest! {
        #[test]
        fn what_is_handed_out_is_what_was_handed_out_before(
            length in 0usize..300_000, step in 1usize..100_000, offset in 0usize..300_000, wanted in 0usize..140_000
        ) {
            let body: Vec<u8> = (0..length).map(|at| (at * 31 % 251) as u8).collect();
            let mut arrival = Arrival::new(Some(Growth::default().finish(&body)));
            arrival.begin(0);
            for piece in body.chunks(step) {
                prop_assert_eq!(arrival.append(piece, length), Appended::Agrees);
                if let Some(part) = arrival.part(offset as u64, wanted) {
                    prop_assert_eq!(&*part, &body[offset..offset + wanted]);
                }
            }
            let arrived = arrival.finish();
            prop_assert!(arrived.agrees);
            prop_assert_eq!(&*arrived.body, &body[..]);
        }
    }
}
