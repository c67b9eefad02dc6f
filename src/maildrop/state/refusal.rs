//! Readers who are told that what they wait for will not come, or not in time.

use std::time::Duration;

use super::super::arrival::Arrival;
use super::super::audience::Audience;
use super::super::clock::Moment;
use super::super::effects::Effects;
use super::super::error::Error;
use super::super::fetch::Fetch;
use super::State;

impl State {
    /// It will not come.
    pub fn refused(&mut self, fetch: Fetch, error: &Error, effects: &mut Effects) {
        let Some(mut arrival) = self.arrivals.remove(&fetch) else {
            return;
        };
        // Of what was only to begin, nothing is handed out before its end.
        if let Some(beginning) = arrival.handed_out().filter(|_| fetch.is_whole()) {
            self.remember(fetch.id, beginning);
        }
        self.demand.retain(|&other| other != fetch);
        effects.answers.extend(arrival.audience.refuse(error));
    }

    /// Nothing that is waited for will come.
    pub fn refuse_all(&mut self, error: &Error, effects: &mut Effects) {
        let awaited: Vec<Fetch> = self.arrivals.keys().copied().collect();
        for fetch in awaited {
            self.refused(fetch, error, effects);
        }
        self.demand.clear();
    }

    /// Refuses those whose deadline has passed.
    pub fn expire(&mut self, now: Moment, effects: &mut Effects) {
        self.refuse_until(now, &Error::TimedOut, effects);
        effects.answers.extend(self.disk_waiters.refuse_late(now));
    }

    /// Refuses those whose deadline is no later than that.
    pub fn refuse_until(&mut self, moment: Moment, error: &Error, effects: &mut Effects) {
        if self.earliest.is_none_or(|earliest| moment < earliest) {
            return;
        }
        for arrival in self.arrivals.values_mut() {
            effects
                .answers
                .extend(arrival.audience.refuse_until(moment, error));
        }
        let idle = |(&fetch, arrival): (_, &Arrival)| {
            let needed = !arrival.audience.is_empty() || arrival.on_the_wire;
            (!needed).then_some(fetch)
        };
        let idle: Vec<Fetch> = self.arrivals.iter().filter_map(idle).collect();
        for fetch in idle {
            self.refused(fetch, error, effects);
        }
        let audiences = self.arrivals.values().map(|arrival| &arrival.audience);
        self.earliest = audiences.filter_map(Audience::deadline).min();
    }

    /// Lets all readers wait so much longer.
    pub fn postpone(&mut self, span: Duration) {
        for arrival in self.arrivals.values_mut() {
            arrival.audience.postpone(span);
        }
        self.earliest = self.earliest.map(|earliest| earliest + span);
        self.disk_waiters.postpone(span);
    }

    /// When a reader must have an answer, at the earliest.
    pub fn deadline(&self) -> Option<Moment> {
        let deadlines = [self.earliest, self.disk_waiters.deadline()];
        deadlines.into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::super::stand_in::{A, B, arrive, at, complete, open, state, step};
    use super::*;

    #[test]
    fn a_reader_is_refused_at_its_deadline_and_not_before() {
        let mut state = state();
        let (early, late) = (open(&mut state, A, 10), open(&mut state, A, 20));
        assert_eq!(state.deadline(), Some(at(10)));
        step(&mut state, |state, effects| state.expire(at(9), effects));
        assert!(early.try_recv().is_err());
        step(&mut state, |state, effects| state.expire(at(10), effects));
        assert!(matches!(early.try_recv(), Ok(Err(Error::TimedOut))));
        assert!(late.try_recv().is_err());
        assert_eq!(state.deadline(), Some(at(20)));
        assert_eq!(state.next_demand(), Some(Fetch::whole(A)));
        step(&mut state, |state, effects| state.expire(at(20), effects));
        assert!(matches!(late.try_recv(), Ok(Err(Error::TimedOut))));
        assert_eq!((state.deadline(), state.next_demand()), (None, None));
    }

    #[test]
    fn a_message_that_nobody_waits_for_any_more_comes_to_its_end() {
        let mut state = state();
        let _early = open(&mut state, A, 10);
        state.begin(Fetch::whole(A), true);
        arrive(&mut state, b"bo");
        step(&mut state, |state, effects| state.expire(at(10), effects));
        let late = open(&mut state, A, 60);
        arrive(&mut state, b"dy");
        complete(&mut state);
        let (open, _) = late.try_recv().unwrap().unwrap();
        assert_eq!(open.body.get().map(|body| &**body), Some(&b"body"[..]));
    }

    #[test]
    fn nobody_is_left_waiting_for_what_will_not_come() {
        let mut state = state();
        let readers = [open(&mut state, A, 60), open(&mut state, B, 60)];
        state.begin(Fetch::whole(A), true);
        step(&mut state, |state, effects| {
            state.refuse_all(&Error::NotFound, effects)
        });
        for reader in readers {
            assert!(matches!(reader.try_recv(), Ok(Err(Error::NotFound))));
        }
        assert_eq!(state.next_demand(), None);
        arrive(&mut state, b"late");
        complete(&mut state);
    }
}
