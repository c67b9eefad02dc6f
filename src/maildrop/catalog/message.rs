//! What is known of one message.

use std::sync::Arc;

use super::super::fingerprint::Fingerprint;
use super::super::message::{Correction, Entry, MessageId, Place, Size};
use super::super::roll::Listed;
use super::super::standing::Standing;
use super::super::unique_id::UniqueId;
use super::Content;

/// A message that was ever listed.
#[derive(Debug)]
pub struct Message {
    pub name: Arc<str>,
    unique_id: UniqueId,
    pub standing: Standing,
    pub listed: u64,
    listed_at: i64,
    pub place: Place,
    /// Counts the versions of its bytes that the server has given.
    pub version: u32,
    /// Whether the kernel has been told the size and the date that are in the content.
    settled: bool,
    content: Option<Box<Content>>,
}

impl Message {
    /// A message as it is listed, at this time in seconds since 1970; alone with its unique-id.
    pub(in super::super) fn new(listed: &Listed, listed_at: i64) -> Self {
        Self {
            name: listed.name.clone(),
            unique_id: UniqueId::new(listed.unique_id(), &listed.name),
            standing: Standing::ALONE,
            listed: listed.size(),
            listed_at,
            place: Place::Root,
            version: 0,
            settled: false,
            content: None,
        }
    }

    /// The same as one of several that share its unique-id.
    pub fn among(self, standing: Standing) -> Self {
        Self { standing, ..self }
    }

    /// What the server calls it; empty where it has no unique-id.
    pub fn unique_id(&self) -> &[u8] {
        self.unique_id.within(&self.name)
    }

    /// Its size, as far as it is known.
    pub fn size(&self) -> Size {
        self.content
            .as_ref()
            .map_or(Size::Listed(self.listed), |content| {
                Size::Exact(content.size)
            })
    }

    /// Its directory entry.
    pub fn entry(&self, id: MessageId) -> Entry {
        Entry {
            id,
            name: self.name.clone(),
            size: self.size(),
            date: self
                .content
                .as_ref()
                .and_then(|content| content.date)
                .unwrap_or(self.listed_at),
            place: self.place,
        }
    }

    /// What the kernel has still to be told before a program may read the message.
    pub fn correction(&self) -> Option<Correction> {
        let content = self.content.as_ref().filter(|_| !self.settled)?;
        // After a change, some other exact size may have been shown.
        let shown = Size::Listed(self.listed).shown();
        let grown = self.version > 0 || content.size > shown;
        let offset = content.size.checked_sub(1).filter(|_| grown);
        Some(Correction {
            last: offset.zip(content.last),
            as_shown: self.version == 0 && content.size == shown,
        })
    }

    /// Whether programs may have been shown more of it than there is: as much as is listed, or an
    /// earlier version.
    pub fn is_overstated(&self) -> bool {
        let (size, listed) = (self.size(), Size::Listed(self.listed));
        size.is_exact() && (self.version > 0 || size.shown() < listed.shown())
    }

    /// What was handed out of it before.
    pub fn fingerprint(&self) -> Option<&Fingerprint> {
        self.content.as_ref().map(|content| &content.fingerprint)
    }

    /// Whether it can be found again in another session.
    pub fn has_unique_id(&self) -> bool {
        !self.unique_id().is_empty()
    }

    /// Whether it says that the server keeps data of its own in it, as far as is known.
    pub(super) fn says_it_is_folder_data(&self) -> bool {
        let content = self.content.as_ref();
        content.is_some_and(|content| content.is_folder_data)
    }

    /// A whole RETR has shown this.
    pub(super) fn learn(&mut self, content: Content) {
        self.content = Some(Box::new(content));
    }

    /// The kernel has been told the size and the date, if they are known.
    pub(super) fn settle(&mut self) {
        self.settled = self.content.is_some();
    }

    /// The server has other bytes for it now.
    pub(super) fn forget(&mut self) {
        self.version = self.version.wrapping_add(1);
        self.settled = false;
        self.content = None;
    }

    /// The server has added to it, and lists it with so many octets.
    pub(super) fn grow(&mut self, listed: u64) {
        self.listed = listed;
        self.forget();
    }

    /// No more of it will come to be held against what was handed out.
    pub(super) fn forget_fingerprint(&mut self) {
        if let Some(content) = &mut self.content {
            content.fingerprint = Fingerprint::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fingerprint::Growth;
    use super::*;

    fn message(listed: u64) -> Message {
        Message::new(&Listed::new("a", Some(b"a"), Some(listed)), 1000)
    }

    fn learn(message: &mut Message, octets: &[u8]) {
        let fingerprint = Growth::default().finish(0, octets);
        let last = octets.last().copied();
        message.learn(Content::of(octets, octets.len() as u64, last, fingerprint));
    }

    /// The last octet that the kernel must take in, of a message listed and found with these sizes.
    fn last(listed: u64, size: usize) -> Option<(u64, u8)> {
        let mut message = message(listed);
        assert_eq!(message.correction(), None);
        learn(&mut message, &vec![b'\n'; size]);
        let correction = message.correction().unwrap();
        message.settle();
        assert_eq!(message.correction(), None);
        correction.last
    }

    #[test]
    fn only_a_message_as_long_as_it_is_listed_is_as_shown() {
        let as_shown = |listed| {
            let mut message = message(listed);
            learn(&mut message, b"body");
            message.correction().map(|correction| correction.as_shown)
        };
        assert_eq!([3, 4, 5].map(as_shown), [false, true, false].map(Some));
    }

    #[test]
    fn a_message_that_was_shown_as_longer_stays_overstated() {
        let overstated = |listed, change: fn(&mut Message)| {
            let mut message = message(listed);
            learn(&mut message, b"body");
            change(&mut message);
            message.is_overstated()
        };
        assert_eq!(
            [3, 4, 5].map(|it| overstated(it, Message::settle)),
            [false, false, true]
        );
        assert!(!overstated(5, Message::forget));
        assert!(overstated(4, |message| {
            message.forget();
            learn(message, b"b");
        }));
    }

    #[test]
    fn a_message_that_is_not_open_takes_little() {
        assert_eq!(size_of::<Message>(), 80);
    }

    #[test]
    fn size_date_and_correction_are_those_of_the_body_once_it_is_known() {
        const BODY: &[u8] = b"Date: Thu, 1 Jan 2004 00:00:00 +0000\r\n";
        let (id, mut message) = (MessageId(0), message(0));
        let before = message.entry(id);
        assert_eq!((before.size.shown(), before.date), (1, 1000));
        assert_eq!(message.correction(), None);
        learn(&mut message, BODY);
        let after = message.entry(id);
        assert_eq!((after.size, after.date), (Size::Exact(38), 1_072_915_200));
        let last = Some((37, b'\n'));
        let as_shown = false;
        assert_eq!(message.correction(), Some(Correction { last, as_shown }));
        message.settle();
        assert_eq!(message.correction(), None);
        learn(&mut message, BODY);
        assert_eq!(message.correction(), None);
    }

    #[test]
    fn other_bytes_are_another_version_and_must_be_told_again() {
        let mut message = message(9);
        learn(&mut message, b"one");
        message.settle();
        message.forget();
        assert_eq!(message.size(), Size::Listed(9));
        learn(&mut message, b"two");
        assert_eq!(message.version, 1);
        assert!(message.correction().is_some());
    }

    #[test]
    fn a_message_shown_too_short_grows_by_its_last_octet() {
        assert_eq!(last(5_000, 20_000), Some((19_999, b'\n')));
    }

    #[test]
    fn a_message_shown_too_long_or_right_does_not_grow() {
        assert_eq!(last(20_000, 5_000), None);
        assert_eq!(last(5_000, 5_000), None);
        assert_eq!(last(0, 1), None);
        assert_eq!(last(10_000, 0), None);
    }

    #[test]
    fn after_a_change_the_kernel_may_have_any_size() {
        let mut message = message(100);
        learn(&mut message, &[b'a'; 10]);
        message.forget();
        learn(&mut message, &[b'b'; 20]);
        let correction = message.correction().unwrap();
        assert_eq!(correction.last, Some((19, b'b')));
    }
}
