//! What the engine brings from the server, and those who waited for it.

use std::time::Duration;

use super::Change;
use super::arrival::{Appended, Arrival, Arrived};
use super::catalog::{Content, Message};
use super::clock::Moment;
use super::error::Error;
use super::fetch::{Extent, Fetch};
use super::fingerprint::Fingerprint;
use super::message::{MessageId, Place, Size, Whole};
use super::open::{Holding, OpenMessage};
use super::prefix;
use super::reader::{Due, Opener, Read, Wants, due};
use super::state::{Effects, State};

impl State {
    /// What is on its way to somebody, who waits until then; it is asked for if it is not on its
    /// way yet.
    pub fn awaited(&mut self, fetch: Fetch, until: Moment) -> &mut Arrival {
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

    /// What a message is held against: what was handed out of it, if anything was.
    pub fn known(&self, id: MessageId) -> Option<&Fingerprint> {
        let whole = self.catalog.message(id).and_then(Message::fingerprint);
        whole.or_else(|| self.beginnings.get(&id))
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
            arrival.reach().max(prefix::REACH_MIN)
        })
    }

    /// The first message after `id` whose exact size is not known, nor on its way to be known.
    pub fn next_unmeasured(&self, id: Option<MessageId>) -> Option<MessageId> {
        let unmeasured = |(id, message): &(MessageId, &Message)| {
            message.place == Place::Root
                && matches!(message.size(), Size::Listed(_))
                && !self.is_too_long(message.size())
                && !self.arrivals.contains_key(&Fetch::whole(*id))
        };
        self.catalog.after(id).find(unmeasured).map(|(id, _)| id)
    }

    /// It is being asked for.
    pub fn begin(&mut self, fetch: Fetch, lock_step: bool) {
        self.demand.retain(|&other| other != fetch);
        if self.catalog.message(fetch.id).is_some() {
            let expected = self.expected(fetch);
            self.arrival(fetch).begin(expected, lock_step);
        }
    }

    /// A piece of a message came. False if it is longer than any may be: it is refused then, and no
    /// more of it may come.
    pub fn arrived(&mut self, fetch: Fetch, octets: &[u8], effects: &mut Effects) -> bool {
        let limit = self.message_max();
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
            Appended::Differs => self.another_came(fetch, effects),
            Appended::Overflows => {
                self.refused(fetch, &Error::TooLong(limit), effects);
                return false;
            }
        }
        true
    }

    /// What comes is not what was handed out before.
    fn another_came(&mut self, fetch: Fetch, effects: &mut Effects) {
        let bound = self.arrivals.get_mut(&fetch).map(Arrival::start_afresh);
        self.changed(fetch.id, effects);
        let bound = bound.into_iter().flatten();
        let refused = bound.map(|read| read.refuse(Error::Changed));
        effects.answers.extend(refused);
    }

    /// Whether the message is on its way, or will be.
    pub fn is_awaited(&self, id: MessageId) -> bool {
        self.arrivals.contains_key(&Fetch::whole(id))
    }

    /// Whether the message has come to its end without an octet, though it is listed with some.
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
            openers,
            reads,
        } = arrival.finish();
        if !agrees {
            self.changed(id, effects);
        }
        let whole = grown.whole;
        self.learn(id, grown.content);
        let holding = self.holdings.fill(id, &whole);
        effects.writes.extend(grown.write);
        if let Some(body) = whole.body().filter(|body| !body.is_empty()) {
            self.cache.insert(Fetch::whole(id), body.clone());
        }
        let Some(message) = self.catalog.message(id) else {
            return;
        };
        let openers = openers
            .into_iter()
            .map(|opener| opening(id, message, opener, &holding));
        let reads = reads.into_iter().map(|read| given(message, read, &whole));
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
        effects.answers.extend(arrival.refuse(error));
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

    /// Nothing that is waited for will come.
    pub fn refuse_all(&mut self, error: &Error, effects: &mut Effects) {
        let awaited: Vec<Fetch> = self.arrivals.keys().copied().collect();
        for fetch in awaited {
            self.refused(fetch, error, effects);
        }
        self.demand.clear();
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
            if !arrival.is_wanted() || failures >= attempts {
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
            if arrival.is_wanted() {
                self.demand.push_front(fetch);
            } else {
                self.refused(fetch, &Error::NotFound, effects);
            }
        }
    }

    /// How many octets have come of a message that is on its way.
    pub fn arrived_length(&self, id: MessageId) -> Option<usize> {
        self.arrivals.get(&Fetch::whole(id)).map(Arrival::length)
    }

    /// These messages may have been taken for others: what is known of their bytes is forgotten.
    pub fn distrust(&mut self, ids: &[MessageId], effects: &mut Effects) {
        for &id in ids {
            if self.known(id).is_some() && !self.is_awaited(id) {
                self.forget(id, effects);
            }
        }
    }

    /// Refuses those whose deadline has passed.
    pub fn expire(&mut self, now: Moment, effects: &mut Effects) {
        self.refuse_until(now, &Error::TimedOut, effects);
    }

    /// Refuses those whose deadline is no later than that.
    pub fn refuse_until(&mut self, moment: Moment, error: &Error, effects: &mut Effects) {
        if self.earliest.is_none_or(|earliest| moment < earliest) {
            return;
        }
        for arrival in self.arrivals.values_mut() {
            effects.answers.extend(arrival.refuse_until(moment, error));
        }
        let idle = |(&fetch, arrival): (_, &Arrival)| {
            let needed = arrival.is_wanted() || arrival.on_the_wire;
            (!needed).then_some(fetch)
        };
        let idle: Vec<Fetch> = self.arrivals.iter().filter_map(idle).collect();
        for fetch in idle {
            self.refused(fetch, error, effects);
        }
        self.earliest = self.arrivals.values().filter_map(Arrival::deadline).min();
    }

    /// Lets all readers wait so much longer.
    pub fn postpone(&mut self, span: Duration) {
        for arrival in self.arrivals.values_mut() {
            arrival.postpone(span);
        }
        self.earliest = self.earliest.map(|earliest| earliest + span);
    }

    /// When a reader must have an answer, at the earliest.
    pub fn deadline(&self) -> Option<Moment> {
        self.earliest
    }

    /// Moves a message, and notes what the kernel must be told.
    pub fn place(&mut self, id: MessageId, place: Place, effects: &mut Effects) {
        effects.changes.extend(self.catalog.place(id, place));
        if place == Place::Gone {
            self.left(id);
        }
    }

    /// A message has left the maildrop: nothing will come any more to be held against what was handed
    /// out of it, and nobody will delete it.
    pub fn left(&mut self, id: MessageId) {
        self.beginnings.remove(&id);
        self.prefixes.confirmed(id);
        self.guard.left(id);
    }

    /// The server gives other bytes than before: nothing that is known of them holds any longer.
    fn changed(&mut self, id: MessageId, effects: &mut Effects) {
        if let Some(message) = self.catalog.message(id) {
            log::warn!("{}: {}", message.name, Error::Changed);
        }
        self.prefixes.contradicted(id);
        self.forget(id, effects);
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
        self.holdings.forget(id);
        effects.changes.push(Change::Changed { id });
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
