//! Reads that the kernel repeats.
//!
//! Where it could not have a page, the kernel asks once more for the program that needs it, and again
//! for each other one that has waited for the page meanwhile. What they may wait is used up already.

use std::collections::HashMap;
use std::time::Duration;

use super::clock::Moment;
use super::handle::Maildrop;
use super::locked;
use super::message::MessageId;
use super::reader::Answer;

/// The kernel repeats a read at once; on a busy machine that may take so long.
const AT_ONCE: Duration = Duration::from_secs(1);

/// The reads that have failed just now.
#[derive(Debug, Default)]
pub(super) struct Retries(HashMap<MessageId, Failure>);

#[derive(Debug)]
struct Failure {
    at: Moment,
    until: Moment,
}

impl Failure {
    fn is_new(&self, now: Moment) -> bool {
        now - self.at < AT_ONCE
    }
}

impl Retries {
    /// A read of the message has failed that could have waited until then.
    pub fn failed(&mut self, id: MessageId, until: Moment, now: Moment) {
        self.0.retain(|_, failure| failure.is_new(now));
        self.0.insert(id, Failure { at: now, until });
    }

    /// How long a read of the message may wait, which by itself could wait until then.
    pub fn deadline(&self, id: MessageId, until: Moment, now: Moment) -> Moment {
        let failure = self.0.get(&id).filter(|failure| failure.is_new(now));
        failure.map_or(until, |failure| failure.until.min(until))
    }
}

impl Maildrop {
    /// Should the read fail that begins now, what the kernel repeats of it is to be over by the same
    /// time. What has no time from the beginning is a repetition itself.
    pub(super) fn remembered<T: 'static>(
        &self,
        id: MessageId,
        until: Moment,
        now: Moment,
        answer: Answer<T>,
    ) -> Answer<T> {
        if until <= now {
            return answer;
        }
        let maildrop = self.clone();
        Box::new(move |part| {
            if part.is_err() {
                let now = maildrop.now();
                let mut state = locked(&maildrop.0.state);
                state.retries.failed(id, until, now);
            }
            answer(part);
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::engine::rig::{Rig, settings};
    use super::super::engine::script::{Reaction, Script};
    use super::super::error::Error;
    use super::*;

    const ID: MessageId = MessageId(7);

    fn at(seconds: u64) -> Moment {
        Moment::since_1970(Duration::from_secs(seconds))
    }

    #[test]
    fn a_read_that_is_repeated_has_as_much_time_left_as_the_first() {
        let mut retries = Retries::default();
        assert_eq!(retries.deadline(ID, at(60), at(0)), at(60));
        retries.failed(ID, at(60), at(40));
        assert_eq!(retries.deadline(ID, at(100), at(40)), at(60));
        assert_eq!(retries.deadline(MessageId(8), at(100), at(40)), at(100));
    }

    #[test]
    fn who_asks_again_later_has_all_the_time() {
        let mut retries = Retries::default();
        retries.failed(ID, at(60), at(40));
        assert_eq!(retries.deadline(ID, at(101), at(41)), at(101));
        retries.failed(MessageId(8), at(101), at(41));
        assert_eq!(retries.0.len(), 1, "it is forgotten");
    }

    #[test]
    fn the_time_out_is_that_of_the_program_however_often_the_kernel_asks() {
        let mailbox = Script::of(&[("a", "one\r\n")]);
        let mut rig = Rig::connected(mailbox);
        rig.body("a").unwrap();
        rig.forget("a");
        rig.script.react("RETR", &vec![Reaction::Silence; 9]);
        let open = rig.open("a").given().unwrap().unwrap();
        let read = rig.read(&open);
        rig.pass(settings().timeout);
        assert!(matches!(read.given(), Some(Err(Error::TimedOut))));
        for _ in 0..2 {
            let again = rig.read(&open).given();
            assert!(matches!(again, Some(Err(Error::TimedOut))));
        }
        rig.pass(AT_ONCE);
        assert!(rig.read(&open).given().is_none());
    }
}
