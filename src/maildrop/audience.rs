//! Those who wait for one body.

use std::time::Duration;

use super::clock::Moment;
use super::error::Error;
use super::reader::{Due, Opener, Read};

/// Those who wait for a body, or for a part of it.
#[derive(Default)]
pub(super) struct Audience {
    /// Those who are answered at the end.
    pub openers: Vec<Opener>,
    /// Those who are answered when their octets are there.
    pub reads: Vec<Read>,
}

impl Audience {
    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.openers.is_empty() && self.reads.is_empty()
    }

    /// How far into the message those go who wait for a part, in octets.
    pub fn reach(&self) -> u64 {
        self.reads.iter().map(Read::reach).max().unwrap_or(0)
    }

    /// Those whose deadline is no later than that, refused.
    pub fn refuse_until(&mut self, moment: Moment, error: &Error) -> Vec<Due> {
        let openers = self.openers.extract_if(.., |opener| opener.until <= moment);
        let reads = self.reads.extract_if(.., |read| read.until <= moment);
        refused(openers, reads, error)
    }

    /// All who wait, refused.
    pub fn refuse(self, error: &Error) -> Vec<Due> {
        refused(self.openers, self.reads, error)
    }

    /// Lets all who wait do so much longer.
    pub fn postpone(&mut self, span: Duration) {
        let openers = self.openers.iter_mut().map(|opener| &mut opener.until);
        let reads = self.reads.iter_mut().map(|read| &mut read.until);
        openers
            .chain(reads)
            .for_each(|until| *until = *until + span);
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
