//! What a program asks of a message: answered out of memory, or when it has come.

use super::super::catalog::Message;
use super::super::clock::Moment;
use super::super::error::Error;
use super::super::fetch::Fetch;
use super::super::message::{Correction, Entry, MessageId, Place, Size};
use super::super::octets::{Octets, Part, Whole};
use super::super::open::OpenMessage;
use super::super::prefix;
use super::super::reader::{Answer, Due, Opener, Read, Wants, due};
use super::State;

/// An open message, and what the kernel must be told of it first.
pub(super) type Opened = (OpenMessage, Option<Correction>);

impl State {
    /// Opens a message; it is fetched first where its size is neither exact nor credible. The answer
    /// that is due at once, if one is.
    pub fn open(&mut self, id: MessageId, until: Moment, answer: Answer<Opened>) -> Option<Due> {
        if let Some(opened) = self.opened(id).transpose() {
            return Some(due(answer, opened));
        }
        let wants = Wants::Open(answer);
        self.await_end(id, Opener { until, wants });
        None
    }

    /// Tells the entry of a message once its size is exact.
    pub fn measure(&mut self, id: MessageId, until: Moment, answer: Answer<Entry>) -> Option<Due> {
        let Some(entry) = self.catalog.entry(id) else {
            return Some(due(answer, Err(Error::NotFound)));
        };
        let is_final = entry.size.is_exact() || entry.place == Place::Gone;
        if is_final || self.settings.is_too_long(entry.size) {
            return Some(due(answer, Ok(entry)));
        }
        let wants = Wants::Measure(answer);
        self.await_end(id, Opener { until, wants });
        None
    }

    /// Reads a part of an open message; it is fetched where it is not in memory.
    pub fn read(&mut self, read: Read) -> Option<Due> {
        let part = self.part(&read.open, read.offset, read.length);
        if let Some(part) = part.transpose() {
            return Some(due(read.answer, part));
        }
        let id = read.open.id;
        self.foresee(id);
        if self.is_about_the_beginning(&read) {
            let beginning = Fetch::beginning(id);
            let arrival = self.awaited(beginning, read.until);
            arrival.audience.reads.push(read);
        } else {
            self.await_whole(read);
        }
        None
    }

    fn await_end(&mut self, id: MessageId, opener: Opener) {
        let whole = Fetch::whole(id);
        let arrival = self.awaited(whole, opener.until);
        arrival.audience.openers.push(opener);
    }

    /// Lets a reader wait for the whole message.
    pub(super) fn await_whole(&mut self, read: Read) {
        let whole = Fetch::whole(read.open.id);
        let arrival = self.awaited(whole, read.until);
        arrival.audience.reads.push(read);
    }

    /// Whether a reader of a long message may want no more than its beginning, and has not seen it
    /// yet. Whoever goes on beyond it wants the message.
    fn is_about_the_beginning(&self, read: &Read) -> bool {
        let id = read.open.id;
        let goes_on = |message: &Message| self.is_long(message) && read.reach() < message.listed;
        self.catalog.message(id).is_some_and(goes_on)
            && self.settings.top
            && self.prefixes.are_usable()
            && read.reach() <= prefix::REACH_MAX
            && !self.is_awaited(id)
            && !self.is_read_through(id)
            && (read.offset == 0 || !self.cache.holds(Fetch::beginning(id)))
    }

    /// Whether a message is too long to be waited for.
    fn is_long(&self, message: &Message) -> bool {
        message.listed > self.settings.long
    }

    /// An open message, without fetching it.
    fn opened(&mut self, id: MessageId) -> Result<Option<Opened>, Error> {
        let whole = self.at_hand(id);
        let message = self.openable(id, whole.is_some())?;
        let (version, correction) = (message.version, message.correction());
        let exact = message.size().is_exact();
        let is_overstated = message.is_overstated();
        let listed = self.credible(message).filter(|_| !exact);
        if whole.is_some() || !exact {
            self.foresee(id);
        }
        if !exact && listed.is_none() {
            return Ok(None);
        }
        if whole.is_none() && listed.is_some() {
            self.begins(id);
        }
        let held = whole.map(|whole| self.holdings.fill(id, &whole));
        let open = OpenMessage {
            id,
            version,
            listed,
            is_overstated,
            body: held.unwrap_or_else(|| self.holdings.hold(id)),
        };
        Ok(Some((open, correction)))
    }

    /// The whole message, if somebody holds it.
    fn at_hand(&mut self, id: MessageId) -> Option<Whole> {
        let body = self.cache.touch(Fetch::whole(id)).map(Whole::Memory);
        body.or_else(|| self.holdings.whole(id))
    }

    /// A message that is at hand, or can be fetched.
    fn openable(&self, id: MessageId, is_here: bool) -> Result<&Message, Error> {
        let message = self.catalog.message(id).ok_or(Error::NotFound)?;
        if !is_here && message.place == Place::Gone {
            return Err(Error::Vanished);
        }
        if !is_here && self.settings.is_too_long(message.size()) {
            return Err(Error::TooLong(self.settings.message_limit()));
        }
        Ok(message)
    }

    /// The listed size of a message that is too long to be waited for, where it is credible.
    fn credible(&self, message: &Message) -> Option<u64> {
        let possible = message.listed <= self.settings.message_limit();
        let credible = possible && self.candour.is_credible() && !self.settings.exact_sizes;
        (credible && self.is_long(message)).then_some(message.listed)
    }

    /// A part of an open message, without fetching it.
    pub(super) fn part(
        &mut self,
        open: &OpenMessage,
        offset: u64,
        length: usize,
    ) -> Result<Option<Part>, Error> {
        let message = self.as_opened(open)?;
        let is_gone = message.place == Place::Gone;
        if let Size::Exact(exact) = message.size() {
            open.allow(exact, offset, length)?;
            if offset >= exact {
                return Ok(Some(Part::Here(Octets::Copied(Vec::new()))));
            }
        }
        if let Some(body) = self.cache.get(Fetch::whole(open.id)) {
            return open.part(&Whole::Memory(body), offset, length).map(Some);
        }
        if let Some(octets) = self.beginning(open, offset, length) {
            return Ok(Some(Part::Here(octets)));
        }
        if is_gone {
            return Err(Error::Vanished);
        }
        let arrival = self.arrivals.get_mut(&Fetch::whole(open.id));
        Ok(arrival.and_then(|arrival| arrival.part(open, offset, length)))
    }

    /// A message whose bytes are still those that were opened.
    fn as_opened(&self, open: &OpenMessage) -> Result<&Message, Error> {
        let message = self.catalog.message(open.id).ok_or(Error::NotFound)?;
        let same = message.version == open.version;
        same.then_some(message).ok_or(Error::Changed)
    }

    /// A part of an open message that lies within what is known of its beginning.
    fn beginning(&mut self, open: &OpenMessage, offset: u64, length: usize) -> Option<Octets> {
        let body = self.cache.touch(Fetch::beginning(open.id))?;
        let end = offset.checked_add(length as u64)?;
        let safe = end <= body.len() as u64 && open.is_safe(offset, length);
        safe.then_some(Octets::Shared {
            body,
            offset,
            length,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::cache::Cache;
    use super::super::super::effects::Effects;
    use super::super::stand_in::{A, arrive, complete, known, open, opened, read};
    use super::*;

    #[test]
    fn who_opens_a_message_that_was_shown_as_longer_is_told_so_each_time() {
        for (body, is_overstated) in [(&b"body"[..], true), (b"ten octets", false)] {
            let mut state = known(body);
            let first = open(&mut state, A, 60);
            state.begin(Fetch::whole(A), true);
            arrive(&mut state, body);
            complete(&mut state);
            let (first, _) = first.try_recv().unwrap().unwrap();
            state.catalog.settle(A);
            let again = opened(&mut state, A);
            assert_eq!(
                [first, again].map(|it| it.is_overstated),
                [is_overstated; 2]
            );
        }
    }

    #[test]
    fn what_is_known_opens_at_once() {
        let mut state = known(b"body");
        assert_eq!(opened(&mut state, A).body.get(), None);
        assert_eq!(state.next_demand(), None);
    }

    #[test]
    fn the_end_of_a_message_is_read_without_fetching_it() {
        let mut state = known(b"body");
        let open = opened(&mut state, A);
        let octets = read(&mut state, &open, 4, 100).try_recv().unwrap();
        assert!(octets.unwrap().is_empty());
        assert_eq!(state.next_demand(), None);
    }

    #[test]
    fn a_message_that_left_the_maildrop_is_read_from_memory_or_not_at_all() {
        let mut state = known(b"body");
        state.cache = Cache::new(100);
        let before = opened(&mut state, A);
        state.place(A, Place::Gone, &mut Effects::default());
        let lost = read(&mut state, &before, 0, 4);
        assert!(matches!(lost.try_recv(), Ok(Err(Error::Vanished))));
        assert!(matches!(
            open(&mut state, A, 60).try_recv(),
            Ok(Err(Error::Vanished))
        ));
        state.cache.insert(Fetch::whole(A), b"body".to_vec().into());
        let kept = read(&mut state, &before, 0, 4);
        assert_eq!(*kept.try_recv().unwrap().unwrap(), b"body"[..]);
    }
}
