//! What comes from the server, and those who waited for it.

use super::super::arrival::{Appended, Arrival, Arrived};
use super::super::catalog::{Content, Message};
use super::super::effects::Effects;
use super::super::error::Error;
use super::super::fetch::{Extent, Fetch};
use super::super::message::{MessageId, Size};
use super::super::octets::Whole;
use super::super::open::{Holding, OpenMessage};
use super::super::reader::{Due, Opener, Read, Wants, due};
use super::State;

impl State {
    /// A piece of a message came. False if it is longer than any may be: it is refused then, and no
    /// more of it may come.
    pub fn arrived(&mut self, fetch: Fetch, octets: &[u8], effects: &mut Effects) -> bool {
        let limit = self.settings.message_limit();
        let Some(arrival) = self.arrivals.get_mut(&fetch) else {
            return true;
        };
        if !fetch.is_whole() {
            self.beginning_arrived(fetch, octets);
            return true;
        }
        match arrival.append(octets, limit) {
            Appended::Agrees => {
                effects.answers.extend(arrival.satisfied());
                effects.writes.extend(arrival.overflow(self.in_memory_max));
            }
            Appended::Differs => self.changed(fetch.id, effects),
            Appended::Overflows => {
                self.refused(fetch, &Error::TooLong(limit), effects);
                return false;
            }
        }
        true
    }

    /// Whether the message has come to its end without an octet.
    pub fn is_doubtful(&self, id: MessageId) -> bool {
        let arrival = self.arrivals.get(&Fetch::whole(id));
        arrival.is_some_and(Arrival::is_doubtful)
    }

    /// What was asked for has come to its end.
    pub fn completed(&mut self, fetch: Fetch, effects: &mut Effects) {
        match fetch.extent {
            Extent::Whole => self.is_whole(fetch.id, effects),
            Extent::Beginning => self.has_begun(fetch.id, effects),
        }
    }

    /// The message's body is whole.
    fn is_whole(&mut self, id: MessageId, effects: &mut Effects) {
        let Some(arrival) = self.arrivals.remove(&Fetch::whole(id)) else {
            return;
        };
        let Arrived {
            grown,
            agrees,
            audience,
        } = arrival.finish();
        if !agrees {
            self.changed(id, effects);
        }
        self.learn(id, grown.content);
        effects.writes.extend(grown.write);
        let whole = grown.whole;
        let holding = self.keep(id, &whole);
        let Some(message) = self.catalog.message(id) else {
            return;
        };
        let openers = audience.openers.into_iter();
        let openers = openers.map(|opener| opening(id, message, opener, &holding));
        let reads = audience.reads.into_iter();
        let reads = reads.map(|read| given(message, read, &whole));
        effects.answers.extend(openers.chain(reads));
    }

    fn learn(&mut self, id: MessageId, content: Content) {
        self.beginnings.remove(&id);
        self.cache.remove(Fetch::beginning(id));
        self.prefixes.confirmed(id);
        if let Some(Size::Listed(listed)) = self.catalog.message(id).map(Message::size) {
            self.candour.found(listed, content.size);
        }
        self.catalog.learn(id, content);
    }

    fn keep(&mut self, id: MessageId, whole: &Whole) -> Holding {
        if let Some(body) = whole.body().filter(|body| !body.is_empty()) {
            self.cache.insert(Fetch::whole(id), body.clone());
        }
        self.holdings.fill(id, whole)
    }

    /// How many octets have come of a message that is on its way.
    pub fn arrived_length(&self, id: MessageId) -> Option<usize> {
        self.arrivals.get(&Fetch::whole(id)).map(Arrival::length)
    }
}

/// The answer to one who waited for the end of a message.
fn opening(id: MessageId, message: &Message, opener: Opener, holding: &Holding) -> Due {
    match opener.wants {
        Wants::Open(answer) => {
            let open = OpenMessage {
                id,
                version: message.version,
                listed: None,
                is_overstated: message.is_overstated(),
                body: holding.clone(),
            };
            due(answer, Ok((open, message.correction())))
        }
        Wants::Measure(answer) => due(answer, Ok(message.entry(id))),
    }
}

/// The answer to one who waited for a part of a message.
fn given(message: &Message, read: Read, whole: &Whole) -> Due {
    if read.open.version != message.version {
        return read.refuse(Error::Changed);
    }
    read.give_from(whole)
}

#[cfg(test)]
mod tests {
    use super::super::stand_in::{A, LONG, arrive, complete, known, opened, read};
    use super::*;

    #[test]
    fn octets_are_handed_out_as_soon_as_they_have_proved_to_be_the_same() {
        let body = vec![b'x'; LONG];
        let mut state = known(&body);
        let open = opened(&mut state, A);
        let (start, end) = (
            read(&mut state, &open, 0, 100),
            read(&mut state, &open, 140_000, 20_000),
        );
        state.begin(Fetch::whole(A), true);
        arrive(&mut state, &body[..3000]);
        assert!(
            start.try_recv().is_err(),
            "nothing is known of a block that is not whole"
        );
        arrive(&mut state, &body[3000..80_000]);
        assert_eq!(start.try_recv().unwrap().unwrap().len(), 100);
        let more = read(&mut state, &open, 100, 100);
        assert_eq!(more.try_recv().unwrap().unwrap().len(), 100);
        arrive(&mut state, &body[80_000..]);
        assert!(end.try_recv().is_err());
        complete(&mut state);
        assert_eq!(end.try_recv().unwrap().unwrap().len(), 10_000);
    }
}
