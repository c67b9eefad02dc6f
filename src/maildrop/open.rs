//! Messages that programs have open.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use super::error::Error;
use super::message::MessageId;
use super::octets::{Body, Part, Whole};

/// A message that a program has open.
#[derive(Clone, Debug)]
pub struct OpenMessage {
    /// Which message.
    pub id: MessageId,
    /// Which version of its bytes was opened; another one is never handed to this reader.
    pub version: u32,
    /// The size it was shown with, where that had not proved exact yet when it was opened.
    pub listed: Option<u64>,
    /// Whether programs may have been shown more of it than there is.
    pub is_overstated: bool,
    /// Its bytes.
    pub body: Holding,
}

/// The bytes of a message that is held open: from the moment when they are whole, and until it is
/// closed, or has other bytes.
#[derive(Clone, Debug, Default)]
pub struct Holding(Arc<Held>);

/// What all who have one version of a message open have in common.
#[derive(Debug, Default)]
struct Held {
    whole: OnceLock<Whole>,
    /// Whether the message has other bytes now. The kernel keeps the pages of a file for all who
    /// have it open, so whoever were still given the old bytes would mix them into the new.
    is_void: AtomicBool,
}

/// What those hold who have a message open.
#[derive(Debug, Default)]
pub(super) struct Holdings(HashMap<MessageId, Weak<Held>>);

impl OpenMessage {
    /// A part of the message, which is whole now.
    ///
    /// # Errors
    /// The program was shown another size than the message has, and by what it asks for it may go by
    /// that: it would take a message for whole that is cut or padded.
    pub(super) fn part(&self, whole: &Whole, offset: u64, length: usize) -> Result<Part, Error> {
        self.allow(whole.length(), offset, length)?;
        Ok(whole.part(offset, length))
    }

    /// Whether a program that was shown the listed size may read this far, once the exact one is
    /// known. Where the message is longer, whoever goes by its size asks for just as much, and no
    /// more; who asks for more reads on until there is nothing left.
    pub(super) fn allow(&self, exact: u64, offset: u64, length: usize) -> Result<(), Error> {
        let listed = self.listed.unwrap_or(exact);
        let end = end(offset, length);
        if listed < exact && end == listed || exact < listed && end > exact {
            return Err(Error::Mislisted { listed, exact });
        }
        Ok(())
    }

    /// How much of what the kernel asks for to fill its pages is ever shown to a program: it was told
    /// the size that is listed, and reads by that. Whoever reads further knows better.
    pub fn shown(&self, offset: u64, length: usize) -> usize {
        let left = self
            .listed
            .map_or(0, |listed| listed.saturating_sub(offset));
        match usize::try_from(left) {
            Ok(0) | Err(_) => length,
            Ok(left) => left.min(length),
        }
    }

    /// Whether a part may be handed out before the exact size is known.
    pub(super) fn is_safe(&self, offset: u64, length: usize) -> bool {
        self.listed
            .is_none_or(|listed| end(offset, length) < listed)
    }
}

impl Holding {
    /// The bytes, once they are whole in memory.
    pub fn get(&self) -> Option<&Body> {
        self.whole()?.body()
    }

    pub(super) fn whole(&self) -> Option<&Whole> {
        let whole = self.0.whole.get();
        whole.filter(|_| !self.is_void())
    }

    /// Makes sure that the message has no other bytes by now.
    pub(super) fn confirm(&self) -> Result<(), Error> {
        match self.is_void() {
            true => Err(Error::Changed),
            false => Ok(()),
        }
    }

    fn is_void(&self) -> bool {
        self.0.is_void.load(Ordering::Acquire)
    }
}

impl Holdings {
    /// A holding of a message that is not whole.
    pub fn hold(&mut self, id: MessageId) -> Holding {
        if let Some(shared) = self.0.get(&id).and_then(Weak::upgrade) {
            return Holding(shared);
        }
        if self.0.len() == self.0.capacity() {
            self.let_go();
        }
        let holding = Holding::default();
        self.0.insert(id, Arc::downgrade(&holding.0));
        holding
    }

    /// Keeps no more than those that are open.
    pub fn let_go(&mut self) {
        self.0.retain(|_, holding| holding.strong_count() > 0);
    }

    /// The message is whole: who has it open holds its bytes from now on, and so does who opens it
    /// before the last of them closes it.
    pub fn fill(&mut self, id: MessageId, whole: &Whole) -> Holding {
        let holding = self.hold(id);
        // Where it was filled before, the bytes are the same.
        let _ = holding.0.whole.set(whole.clone());
        holding
    }

    /// The bytes of a message that somebody holds open, once they are whole.
    pub fn whole(&self, id: MessageId) -> Option<Whole> {
        let holding = self.0.get(&id).and_then(Weak::upgrade)?;
        Holding(holding).whole().cloned()
    }

    /// The message has other bytes: those who have it open get nothing more of these.
    pub fn void(&mut self, id: MessageId) {
        if let Some(held) = self.0.remove(&id).and_then(|held| held.upgrade()) {
            held.is_void.store(true, Ordering::Release);
        }
    }
}

fn end(offset: u64, length: usize) -> u64 {
    offset.saturating_add(length as u64)
}

#[cfg(test)]
mod tests {
    use tempfile::tempfile;

    use super::*;

    const ID: MessageId = MessageId(1);

    fn open(listed: Option<u64>) -> OpenMessage {
        OpenMessage {
            id: ID,
            version: 0,
            listed,
            is_overstated: false,
            body: Holding::default(),
        }
    }

    #[test]
    fn no_reader_takes_a_cut_or_padded_message_for_the_whole() {
        let body = Whole::Memory(vec![b'x'; 100].into());
        let part = |listed, (offset, length)| open(Some(listed)).part(&body, offset, length);
        for listed in [90, 110] {
            assert_eq!(
                part(listed, (0, 89))
                    .unwrap()
                    .load(&tempfile)
                    .unwrap()
                    .len(),
                89
            );
        }
        let refused = |listed, range| matches!(part(listed, range), Err(Error::Mislisted { .. }));
        assert!(refused(90, (0, 90)) && refused(90, (80, 10)));
        for range in [(0, 101), (90, 11), (200, 1), (u64::MAX, 5)] {
            assert!(refused(110, range));
        }
    }

    #[test]
    fn who_reads_on_until_nothing_is_left_gets_more_than_was_listed() {
        let body = Whole::Memory(vec![b'x'; 100].into());
        let open = open(Some(90));
        let read = |offset| {
            open.part(&body, offset, 50)
                .unwrap()
                .load(&tempfile)
                .unwrap()
                .len()
        };
        assert_eq!([0, 50, 90, 100].map(read), [50, 50, 10, 0]);
    }

    #[test]
    fn of_the_page_with_the_end_no_more_is_seen_than_was_listed() {
        let shown = |offset| open(Some(5000)).shown(offset, 4096);
        assert_eq!([0, 4096, 5000, 8192].map(shown), [4096, 904, 4096, 4096]);
        assert_eq!(open(None).shown(4096, 4096), 4096);
    }

    #[test]
    fn one_who_was_shown_the_exact_size_reads_to_the_end_and_beyond() {
        let body = Whole::Memory(vec![b'x'; 100].into());
        let read =
            |open: &OpenMessage, offset| open.part(&body, offset, 50).unwrap().load(&tempfile);
        for open in [open(Some(100)), open(None)] {
            assert_eq!(read(&open, 90).unwrap().len(), 10);
            assert_eq!(read(&open, 200).unwrap().len(), 0);
        }
    }

    #[test]
    fn before_the_end_is_known_nobody_is_let_near_it() {
        assert!(open(Some(100)).is_safe(0, 99) && !open(Some(100)).is_safe(90, 10));
        assert!(open(None).is_safe(90, 50));
    }

    #[test]
    fn all_who_have_a_message_open_hold_it_once_it_is_whole() {
        let mut holdings = Holdings::default();
        let readers = [holdings.hold(ID), holdings.hold(ID)];
        assert!(readers.iter().all(|holding| holding.get().is_none()));
        holdings.fill(ID, &Whole::Memory(b"whole".to_vec().into()));
        assert!(readers.iter().all(|holding| holding.get().is_some()));
        assert!(holdings.hold(ID).get().is_some());
        drop(readers);
        assert!(holdings.hold(ID).get().is_none(), "the last has closed it");
    }

    #[test]
    fn those_who_had_another_version_open_get_neither_this_one_nor_more_of_theirs() {
        for was_whole in [false, true] {
            let mut holdings = Holdings::default();
            let before = holdings.hold(ID);
            if was_whole {
                holdings.fill(ID, &Whole::Memory(b"whole".to_vec().into()));
            }
            holdings.void(ID);
            let after = holdings.hold(ID);
            holdings.fill(ID, &Whole::Memory(b"other".to_vec().into()));
            assert!(before.get().is_none() && after.get().is_some());
        }
    }

    #[test]
    fn what_was_closed_is_forgotten_in_time() {
        let mut holdings = Holdings::default();
        for index in 0..10_000 {
            holdings.hold(MessageId(index));
        }
        assert!(holdings.0.len() < 100);
    }
}
