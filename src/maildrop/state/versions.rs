//! What is known of a message's bytes, so that no octet of another version follows what was handed
//! out.

use super::super::Change;
use super::super::arrival::Arrival;
use super::super::catalog::Message;
use super::super::effects::Effects;
use super::super::error::Error;
use super::super::fetch::Fetch;
use super::super::fingerprint::Fingerprint;
use super::super::message::{MessageId, Place};
use super::State;

impl State {
    /// What a message is held against: what was handed out of it, if anything was.
    pub(super) fn known(&self, id: MessageId) -> Option<&Fingerprint> {
        let whole = self.catalog.message(id).and_then(Message::fingerprint);
        whole.or_else(|| self.beginnings.get(&id))
    }

    /// This has been handed out of a message; more may have been before.
    pub(super) fn remember(&mut self, id: MessageId, beginning: Fingerprint) {
        let message = self.catalog.message(id);
        if message.is_none_or(|message| message.place == Place::Gone) {
            return;
        }
        let known = self.beginnings.remove(&id);
        let known = Fingerprint::longer(known, Some(beginning));
        self.beginnings.extend(known.map(|known| (id, known)));
    }

    /// The server gives other bytes than before: nothing that is known of them holds any longer.
    pub(super) fn changed(&mut self, id: MessageId, effects: &mut Effects) {
        if let Some(message) = self.catalog.message(id) {
            log::warn!("{}: {}", message.name, Error::Changed);
        }
        self.prefixes.contradicted(id);
        self.forget(id, effects);
    }

    /// These messages may have been taken for others: what is known of their bytes is forgotten.
    pub fn distrust(&mut self, ids: &[MessageId], effects: &mut Effects) {
        for &id in ids {
            if self.known(id).is_some() && !self.is_awaited(id) {
                self.forget(id, effects);
            }
        }
    }

    fn forget(&mut self, id: MessageId, effects: &mut Effects) {
        self.catalog.forget(id);
        self.forget_bytes(id, effects);
    }

    /// The bytes of a message that are at hand are no longer those that the server has.
    pub fn forget_bytes(&mut self, id: MessageId, effects: &mut Effects) {
        self.cache.remove(Fetch::whole(id));
        self.cache.remove(Fetch::beginning(id));
        self.beginnings.remove(&id);
        self.holdings.void(id);
        self.refuse_bound(id, effects);
        effects.changes.push(Change::Changed { id });
    }

    /// Sends those away who wait for octets of the version that was. The kernel holds the pages that
    /// they wait for, and would keep whoever tells it of the change until they have an answer.
    fn refuse_bound(&mut self, id: MessageId, effects: &mut Effects) {
        for fetch in [Fetch::whole(id), Fetch::beginning(id)] {
            let bound = self.arrivals.get_mut(&fetch).map(Arrival::start_afresh);
            let refused = bound.into_iter().flatten();
            let refused = refused.map(|read| read.refuse(Error::Changed));
            effects.answers.extend(refused);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::open::OpenMessage;
    use super::super::stand_in::{
        A, LONG, arrive, complete, known, lose, open, opened, read, step,
    };
    use super::*;

    #[test]
    fn nothing_of_another_version_follows_what_was_handed_out() {
        for changed in [0, 100_000, LONG - 1] {
            let mut body = vec![b'x'; LONG];
            let mut state = known(&body);
            let before = opened(&mut state, A);
            let bound = read(&mut state, &before, 0, LONG);
            let fresh = open(&mut state, A, 60);
            assert!(fresh.try_recv().is_ok());
            body[changed] = b'y';
            state.begin(Fetch::whole(A), true);
            let mut told = arrive(&mut state, &body);
            told.extend(complete(&mut state));
            assert!(matches!(bound.try_recv(), Ok(Err(Error::Changed))));
            assert_eq!(told, [Change::Changed { id: A }]);
            let again = read(&mut state, &before, 0, 1);
            assert!(matches!(again.try_recv(), Ok(Err(Error::Changed))));
            assert_eq!(opened(&mut state, A).version, 1);
        }
    }

    #[test]
    fn who_waits_for_octets_that_there_are_no_more_is_told_at_once() {
        let mut state = known(&vec![b'x'; LONG]);
        let before = opened(&mut state, A);
        let bound = read(&mut state, &before, 0, LONG);
        let told = step(&mut state, |state, effects| {
            state.catalog.forget(A);
            state.forget_bytes(A, effects);
        });
        assert!(matches!(bound.try_recv(), Ok(Err(Error::Changed))));
        assert_eq!(told, [Change::Changed { id: A }]);
    }

    #[test]
    fn a_shorter_or_longer_body_is_another_version() {
        for length in [0, 100, LONG - 1, LONG + 1] {
            let mut state = known(&vec![b'x'; LONG]);
            let before = opened(&mut state, A);
            let bound = read(&mut state, &before, 0, LONG);
            state.begin(Fetch::whole(A), true);
            arrive(&mut state, &vec![b'x'; length]);
            complete(&mut state);
            assert!(
                matches!(bound.try_recv(), Ok(Err(Error::Changed))),
                "{length}"
            );
        }
    }

    #[test]
    fn a_message_half_read_starts_again_and_must_agree() {
        let body = vec![b'x'; LONG];
        let mut state = known(&body);
        let open = opened(&mut state, A);
        let (start, all) = (
            read(&mut state, &open, 0, 100),
            read(&mut state, &open, 0, LONG),
        );
        state.begin(Fetch::whole(A), true);
        arrive(&mut state, &body[..100_000]);
        assert!(start.try_recv().unwrap().is_ok());
        lose(&mut state);
        state.begin(Fetch::whole(A), true);
        arrive(&mut state, &body);
        complete(&mut state);
        assert_eq!(*all.try_recv().unwrap().unwrap(), body);
    }

    #[test]
    fn the_longest_beginning_that_was_handed_out_must_come_again() {
        let body = vec![b'x'; LONG];
        let mut state = known(&body);
        let open = opened(&mut state, A);
        state.forget_bytes(A, &mut Effects::default());
        state.catalog.forget(A);
        let open = OpenMessage { version: 1, ..open };
        let beginning = Fetch::beginning(A);
        state.begin(beginning, true);
        let _reader = read(&mut state, &open, 0, 90_000);
        state.begin(Fetch::whole(A), true);
        arrive(&mut state, &body[..100_000]);
        step(&mut state, |state, effects| {
            state.refused(Fetch::whole(A), &Error::NotFound, effects);
            state.arrived(beginning, &body[..10_000], effects);
            state.completed(beginning, effects);
        });
        let bound = read(&mut state, &open, 0, LONG);
        state.begin(Fetch::whole(A), true);
        let mut other = body;
        other[50_000] = b'y';
        arrive(&mut state, &other);
        assert!(matches!(bound.try_recv(), Ok(Err(Error::Changed))));
    }
}
