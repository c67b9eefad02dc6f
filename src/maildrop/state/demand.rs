//! What is to be fetched: for readers, in order of their asking, and to learn all sizes.

use super::super::arrival::Arrival;
use super::super::catalog::Message;
use super::super::clock::Moment;
use super::super::effects::Effects;
use super::super::error::Error;
use super::super::fetch::Fetch;
use super::super::message::{MessageId, Place, Size};
use super::super::prefix;
use super::State;

impl State {
    /// What is on its way to somebody, who waits until then; it is asked for if it is not on its
    /// way yet.
    pub(super) fn awaited(&mut self, fetch: Fetch, until: Moment) -> &mut Arrival {
        let earliest = self.earliest.get_or_insert(until);
        *earliest = until.min(*earliest);
        if !self.arrivals.contains_key(&fetch) {
            self.demand.push_back(fetch);
        }
        self.arrival(fetch)
    }

    /// What is on its way, or will be; it is held against what was handed out before.
    fn arrival(&mut self, fetch: Fetch) -> &mut Arrival {
        let is_new = !self.arrivals.contains_key(&fetch);
        let known = self.known(fetch.id).filter(|_| is_new).cloned();
        let arrival = self.arrivals.entry(fetch);
        arrival.or_insert_with(|| Arrival::new(known))
    }

    /// Whether the message is on its way, or will be.
    pub fn is_awaited(&self, id: MessageId) -> bool {
        self.arrivals.contains_key(&Fetch::whole(id))
    }

    /// What to fetch next for a reader.
    pub fn next_demand(&self) -> Option<Fetch> {
        self.demand.front().copied()
    }

    /// How many octets that will be, as far as is known.
    pub fn expected(&self, fetch: Fetch) -> u64 {
        let listed = self.catalog.message(fetch.id).map(|message| message.listed);
        let arrival = self.arrivals.get(&fetch).filter(|_| !fetch.is_whole());
        arrival.map_or(listed.unwrap_or(0), |arrival| {
            arrival.audience.reach().max(prefix::REACH_MIN)
        })
    }

    /// The first message after `id` whose exact size is not known, nor on its way to be known.
    pub fn next_unmeasured(&self, id: Option<MessageId>) -> Option<MessageId> {
        let unmeasured = |(id, message): &(MessageId, &Message)| {
            message.place == Place::Root
                && matches!(message.size(), Size::Listed(_))
                && !self.settings.is_too_long(message.size())
                && !self.arrivals.contains_key(&Fetch::whole(*id))
        };
        self.catalog.after(id).find(unmeasured).map(|(id, _)| id)
    }

    /// It is being asked for.
    pub fn begin(&mut self, fetch: Fetch, alone: bool) {
        self.demand.retain(|&other| other != fetch);
        if self.catalog.message(fetch.id).is_some() {
            let expected = self.expected(fetch);
            self.arrival(fetch).begin(expected, alone);
        }
    }

    /// It is handed out only when it has come to its end.
    pub fn withhold(&mut self, fetch: Fetch) {
        if let Some(arrival) = self.arrivals.get_mut(&fetch) {
            arrival.withhold();
        }
    }

    /// The link was lost under these: what somebody waits for is asked for again, before anything
    /// else, but nothing more than `attempts` times.
    pub fn lost(&mut self, fetches: &[Fetch], attempts: u32, error: &Error, effects: &mut Effects) {
        for &fetch in fetches.iter().rev() {
            let arrival = self.arrivals.get_mut(&fetch);
            let Some(arrival) = arrival.filter(|arrival| arrival.on_the_wire) else {
                continue;
            };
            let failures = arrival.fail();
            if arrival.audience.is_empty() || failures >= attempts {
                self.refused(fetch, error, effects);
            } else {
                self.demand.push_front(fetch);
            }
        }
    }

    /// What has come of these messages is not believed; those that somebody waits for are asked for
    /// again, before any other.
    pub fn disbelieve(&mut self, ids: &[MessageId], effects: &mut Effects) {
        for fetch in ids.iter().rev().copied().map(Fetch::whole) {
            let Some(arrival) = self.arrivals.get_mut(&fetch) else {
                continue;
            };
            arrival.restart();
            if arrival.audience.is_empty() {
                self.refused(fetch, &Error::NotFound, effects);
            } else {
                self.demand.push_front(fetch);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::message::Correction;
    use super::super::stand_in::{A, B, arrive, complete, known, lose, open, state};
    use super::*;

    #[test]
    fn two_readers_cause_one_demand() {
        let mut state = state();
        let first = open(&mut state, A, 60);
        let second = open(&mut state, A, 60);
        assert_eq!(state.next_demand(), Some(Fetch::whole(A)));
        state.begin(Fetch::whole(A), true);
        assert_eq!(state.next_demand(), None);
        let third = open(&mut state, A, 60);
        assert_eq!(state.next_demand(), None);
        arrive(&mut state, b"body");
        complete(&mut state);
        for reader in [first, second, third] {
            let (open, correction) = reader.try_recv().unwrap().unwrap();
            assert_eq!(open.body.get().map(|body| &**body), Some(&b"body"[..]));
            assert_eq!(
                correction,
                Some(Correction {
                    last: None,
                    as_shown: false
                })
            );
        }
    }

    #[test]
    fn messages_are_demanded_in_order_of_asking() {
        let mut state = state();
        let _readers = (open(&mut state, B, 60), open(&mut state, A, 60));
        assert_eq!(state.next_demand(), Some(Fetch::whole(B)));
        state.begin(Fetch::whole(B), true);
        assert_eq!(state.next_demand(), Some(Fetch::whole(A)));
    }

    #[test]
    fn a_lost_link_asks_again_but_only_twice_in_all() {
        let mut state = state();
        let reader = open(&mut state, A, 60);
        let _behind = open(&mut state, B, 60);
        state.begin(Fetch::whole(A), true);
        arrive(&mut state, b"bo");
        lose(&mut state);
        assert_eq!(
            state.next_demand(),
            Some(Fetch::whole(A)),
            "before any other"
        );
        state.begin(Fetch::whole(A), true);
        lose(&mut state);
        assert!(matches!(reader.try_recv(), Ok(Err(Error::Offline(_)))));
        assert_eq!(state.next_demand(), Some(Fetch::whole(B)));
    }

    #[test]
    fn the_sweep_passes_over_what_is_known_or_on_its_way() {
        let mut state = known(b"body");
        assert_eq!(state.next_unmeasured(None), Some(B));
        let _reader = open(&mut state, B, 60);
        assert_eq!(state.next_unmeasured(None), None);
    }
}
