//! A body that is wanted, or on its way: the engine appends to it, and those who wait are answered as
//! soon as it may be said that these are the octets they want.

use super::audience::Audience;
use super::fingerprint::{Fingerprint, Growth};
use super::growing::{Growing, Grown};
use super::octets::{Body, Part};
use super::open::OpenMessage;
use super::prefix::{self, LineCount};
use super::reader::{Due, Read};
use super::spill::Write;

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
    growing: Growing,
    /// What LIST said of its length.
    listed: u64,
    /// What may have been handed out of an earlier RETR; nothing that differs may follow it.
    expected: Option<Fingerprint>,
    /// Those who wait for it. Who reads is bound to what is expected.
    pub audience: Audience,
    /// Lines asked for, of one that is only to begin, and those that came.
    lines: u32,
    came: LineCount,
    /// Octets, and the lines they were, that have come before and were too few.
    got: Option<(u64, u32)>,
    /// RETRs of it that came to no end.
    failures: u32,
    /// Whether RETR has been sent.
    pub on_the_wire: bool,
    /// Whether no other command is in flight with it, so that nothing else can come in its place.
    alone: bool,
    /// Whether only its end shows that its octets were taken right.
    withheld: bool,
    /// Whether any of it has been handed out.
    handed_out: bool,
}

/// A body that has come to its end, and those who waited for it.
pub(super) struct Arrived {
    pub grown: Grown,
    /// Whether it is the one that was handed out before, if any was.
    pub agrees: bool,
    pub audience: Audience,
}

/// The beginning of a body, in whole blocks, and those who wait for more of it.
pub(super) struct Begun {
    pub body: Body,
    /// None of less than a block.
    pub fingerprint: Option<Fingerprint>,
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

    /// This has been handed out meanwhile: it is held against that, too. False if what has come of it
    /// already differs.
    pub fn expect(&mut self, beginning: &Fingerprint) -> bool {
        let known = self.expected.as_ref();
        let agrees = known.is_none_or(|known| known.is_compatible(beginning))
            && self.growing.agrees_with(beginning);
        if agrees {
            let known = self.expected.take();
            self.expected = Fingerprint::longer(known, Some(beginning.clone()));
        }
        agrees
    }

    /// How many lines to ask for; those are being asked for then.
    pub fn ask_for_lines(&mut self) -> u32 {
        self.lines = prefix::lines(self.audience.reach().max(prefix::REACH_MIN), self.got);
        self.lines
    }

    /// How many octets the lines had that were asked for, if it is worth to ask for more.
    pub fn got(&self) -> Option<(u64, u32)> {
        let got = (self.length() as u64, self.lines);
        (self.got.is_none() && self.length() > 0).then_some(got)
    }

    /// It is asked for again, for so few octets came of so many lines.
    pub fn go_by(&mut self, got: (u64, u32)) {
        self.got = Some(got);
    }

    /// How much of it has come, in octets.
    pub fn length(&self) -> usize {
        self.growing.length()
    }

    /// RETR has been sent; a body of about this length will follow.
    pub fn begin(&mut self, listed: u64, alone: bool) {
        self.on_the_wire = true;
        self.alone = alone;
        self.listed = listed;
    }

    /// Only its length shows whether its dots are taken right: nothing is handed out before the end.
    pub fn withhold(&mut self) {
        self.withheld = true;
    }

    /// Appends to a body that may be no longer than `limit`.
    pub fn append(&mut self, octets: &[u8], limit: u64) -> Appended {
        if (self.length() + octets.len()) as u64 > limit {
            return Appended::Overflows;
        }
        let expected = self.expected.as_ref();
        if self.growing.append(octets, self.listed, expected) {
            Appended::Agrees
        } else {
            Appended::Differs
        }
    }

    /// Appends to a body that is only to begin; what goes far beyond a beginning is left out.
    pub fn append_beginning(&mut self, octets: &[u8]) -> Appended {
        self.came.take(octets);
        let room = prefix::KEPT_MAX.saturating_sub(self.length());
        self.append(octets.get(..room).unwrap_or(octets), u64::MAX)
    }

    /// Whether so much came of one that is only to begin because more lines came than were asked for.
    pub fn is_out_of_hand(&self) -> bool {
        self.length() >= prefix::KEPT_MAX && self.came.lines() > self.lines
    }

    /// What of it must go to the disk, if no more than so much of a message is to be in memory.
    pub fn overflow(&mut self, limit: usize) -> Option<Write> {
        self.growing.overflow(self.listed, limit)
    }

    /// Whether nothing has come of a message, as a server gives nothing of one that has gone. That it is
    /// listed so proves nothing: servers list a size of 0 where they know none.
    pub fn is_doubtful(&self) -> bool {
        self.length() == 0
    }

    /// It is another message: those bound to what was handed out before are sent away.
    pub fn start_afresh(&mut self) -> Vec<Read> {
        self.expected = None;
        self.handed_out = false;
        std::mem::take(&mut self.audience.reads)
    }

    /// Those whose octets are there before the end.
    pub fn satisfied(&mut self) -> Vec<Due> {
        let mut due = Vec::new();
        for read in std::mem::take(&mut self.audience.reads) {
            match self.part(&read.open, read.offset, read.length) {
                Some(part) => due.push(read.give(part)),
                None => self.audience.reads.push(read),
            }
        }
        due
    }

    /// Octets that may be handed out already: those of whole blocks, for what is handed
    /// out must be known again, and only where it is certain which message it is.
    pub fn part(&mut self, open: &OpenMessage, offset: u64, length: usize) -> Option<Part> {
        if self.withheld || !self.alone && self.expected.is_none() {
            return None;
        }
        let part = self.growing.part(offset, length);
        let part = part.filter(|_| open.is_safe(offset, length));
        self.handed_out |= part.is_some();
        part
    }

    /// The body, which has come to its end.
    pub fn finish(self) -> Arrived {
        let grown = self.growing.finish();
        let expected = self.expected.as_ref();
        let agrees = expected.is_none_or(|it| it.agrees_with(&grown.content.fingerprint));
        Arrived {
            grown,
            agrees,
            audience: self.audience,
        }
    }

    /// As much of it as can be known again: it was only to begin.
    pub fn begun(mut self) -> Begun {
        let (body, growth) = std::mem::take(&mut self.growing).beginning();
        Begun {
            body,
            fingerprint: self.known(growth),
            reads: self.audience.reads,
        }
    }

    /// What may have been handed out of it, so far.
    pub fn handed_out(&mut self) -> Option<Fingerprint> {
        if self.handed_out {
            let growth = std::mem::take(&mut self.growing).into_growth();
            return self.known(growth);
        }
        self.expected.take()
    }

    fn known(&mut self, growth: Growth) -> Option<Fingerprint> {
        Fingerprint::longer(self.expected.take(), growth.so_far())
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
            expected: self.handed_out(),
            audience: std::mem::take(&mut self.audience),
            failures: self.failures,
            ..Self::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::clock::Moment;
    use super::super::message::MessageId;
    use super::super::open::Holding;
    use super::super::reader::{Opener, Wants};
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

    fn open() -> OpenMessage {
        OpenMessage {
            id: MessageId(0),
            version: 0,
            listed: None,
            is_overstated: false,
            body: Holding::default(),
        }
    }

    fn read(offset: u64, length: usize, until: u64) -> Read {
        Read {
            until: at(until),
            open: open(),
            offset,
            length,
            answer: Box::new(drop),
        }
    }

    /// A message that comes in answer to the one command in flight.
    fn arriving() -> Arrival {
        let mut arrival = Arrival::default();
        arrival.begin(0, true);
        arrival
    }

    #[test]
    fn nothing_is_handed_out_that_may_be_of_another_message() {
        let mut arrival = Arrival::default();
        arrival.begin(0, false);
        arrival.append(&[b'x'; 200_000], u64::MAX);
        assert!(arrival.part(&open(), 0, 1).is_none());
    }

    #[test]
    fn what_was_handed_out_must_come_again_after_a_lost_link() {
        let mut body = vec![b'x'; 200_000];
        for changed in [None, Some(0), Some(150_000)] {
            let mut arrival = arriving();
            arrival.append(&body[..100_000], u64::MAX);
            assert!(arrival.part(&open(), 0, 90_000).is_some());
            arrival.fail();
            changed.into_iter().for_each(|at| body[at] = b'y');
            let again = arrival.append(&body, u64::MAX);
            let differs = changed == Some(0);
            assert_eq!(again == Appended::Differs, differs, "{changed:?}");
            changed.into_iter().for_each(|at: usize| body[at] = b'x');
        }
    }

    #[test]
    fn what_came_the_second_time_must_come_the_third_time_too() {
        let mut arrival = arriving();
        for length in [50_000, 100_000, 20_000] {
            arrival.append(&vec![b'x'; length], u64::MAX);
            assert!(arrival.part(&open(), 0, 1).is_some());
            arrival.fail();
        }
        let mut other = vec![b'x'; 100_000];
        other[90_000] = b'y';
        assert_eq!(arrival.append(&other, u64::MAX), Appended::Differs);
    }

    #[test]
    fn the_end_is_not_handed_out_on_the_word_of_a_listing() {
        let mut arrival = arriving();
        arrival.append(&[b'x'; 200_000], u64::MAX);
        let shown = OpenMessage {
            listed: Some(100_000),
            ..open()
        };
        assert!(arrival.part(&shown, 0, 99_999).is_some());
        assert!(arrival.part(&shown, 0, 100_000).is_none());
    }

    #[test]
    fn a_body_is_bounded() {
        let mut arrival = Arrival::default();
        assert_eq!(arrival.append(b"abc", 4), Appended::Agrees);
        assert_eq!(arrival.append(b"d", 4), Appended::Agrees);
        assert_eq!(arrival.append(b"e", 4), Appended::Overflows);
        assert_eq!(arrival.finish().grown.whole.length(), 4);
    }

    #[test]
    fn those_who_wait_outlast_a_lost_link() {
        let mut arrival = Arrival::default();
        arrival.audience.openers.push(opener(20));
        arrival.audience.reads.push(read(0, 1, 10));
        arrival.begin(4, true);
        arrival.append(b"ab", u64::MAX);
        assert_eq!((arrival.fail(), arrival.fail()), (1, 2));
        assert!(!arrival.audience.is_empty() && !arrival.on_the_wire);
        assert_eq!(arrival.audience.deadline(), Some(at(10)));
        arrival.begin(4, true);
        arrival.append(b"abcd", u64::MAX);
        let arrived = arrival.finish();
        assert_eq!(**arrived.grown.whole.body().unwrap(), b"abcd"[..]);
        assert_eq!(
            (arrived.audience.openers.len(), arrived.audience.reads.len()),
            (1, 1)
        );
    }

    #[test]
    fn another_message_sends_those_away_who_read_the_first() {
        let expected = Growth::default().finish(0, b"first");
        let mut arrival = Arrival::new(Some(expected));
        arrival.audience.openers.push(opener(60));
        arrival.audience.reads.push(read(0, 1, 60));
        assert_eq!(arrival.start_afresh().len(), 1);
        arrival.append(b"second", u64::MAX);
        let arrived = arrival.finish();
        assert!(arrived.agrees);
        assert_eq!(arrived.audience.openers.len(), 1);
    }

    proptest! {
        #[test]
        fn what_is_handed_out_is_what_was_handed_out_before(
            length in 0usize..300_000, step in 1usize..100_000, offset in 0usize..300_000, wanted in 0usize..140_000
        ) {
            let body: Vec<u8> = (0..length).map(|at| (at * 31 % 251) as u8).collect();
            let mut arrival = Arrival::new(Some(Growth::default().finish(0, &body)));
            arrival.begin(0, true);
            for piece in body.chunks(step) {
                prop_assert_eq!(arrival.append(piece, length as u64), Appended::Agrees);
                if let Some(part) = arrival.part(&open(), offset as u64, wanted) {
                    prop_assert_eq!(&*part.load(&tempfile::tempfile).unwrap(), &body[offset..offset + wanted]);
                }
            }
            let arrived = arrival.finish();
            prop_assert!(arrived.agrees);
            prop_assert_eq!(&**arrived.grown.whole.body().unwrap(), &body[..]);
        }
    }
}
