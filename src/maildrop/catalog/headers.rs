//! What the headers of marked messages were when they were marked, as far as is known.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::super::header::HeaderDigest;
use super::super::message::MessageId;

/// The headers of marked messages, and which of those may be other messages by now.
#[derive(Debug, Default)]
pub struct Headers {
    known: BTreeMap<MessageId, Known>,
    doubted: BTreeSet<MessageId>,
    /// Those that may be others, and nothing tells.
    unproven: BTreeSet<MessageId>,
}

#[derive(Debug)]
struct Known {
    digest: HeaderDigest,
    /// Whether it has been held against what the server gives since it was marked.
    is_confirmed: bool,
}

impl Headers {
    /// This was the header of a message that has been marked, if it is known.
    pub fn learn(&mut self, id: MessageId, digest: Option<HeaderDigest>) {
        let known = digest.map(|digest| Known {
            digest,
            is_confirmed: false,
        });
        self.known.extend(known.map(|known| (id, known)));
    }

    /// The same of a message that was marked in another mount, or is listed again.
    pub fn inherit(&mut self, id: MessageId, digest: Option<HeaderDigest>) {
        self.learn(id, digest);
        self.doubted.extend(digest.map(|_| id));
    }

    /// The message is not marked any more.
    pub fn forget(&mut self, id: MessageId) {
        self.known.remove(&id);
        self.doubted.remove(&id);
        self.unproven.remove(&id);
    }

    /// What the header of a marked message was.
    pub fn digest(&self, id: MessageId) -> Option<HeaderDigest> {
        self.known.get(&id).map(|known| known.digest)
    }

    /// Each may be another message. None is doubted again that has proved to be the same, so that
    /// a server can put off a commit once, and not for ever.
    pub fn doubt_all(&mut self) {
        let unconfirmed = self.known.iter().filter(|(_, known)| !known.is_confirmed);
        self.doubted.extend(unconfirmed.map(|(&id, _)| id));
    }

    /// Another message may have come to its place, whatever it has proved to be before.
    pub fn may_be_replaced(&mut self, id: MessageId) {
        let doubted = match self.known.contains_key(&id) {
            true => &mut self.doubted,
            false => &mut self.unproven,
        };
        doubted.insert(id);
    }

    /// The server does not give its header.
    pub fn cannot_tell(&mut self, id: MessageId) {
        if self.doubted.remove(&id) && self.known.contains_key(&id) {
            self.unproven.insert(id);
        }
    }

    /// The server may give now what it has not given before.
    pub fn ask_again(&mut self) {
        let unproven = std::mem::take(&mut self.unproven).into_iter();
        let (again, never): (BTreeSet<_>, _) = unproven.partition(|id| self.known.contains_key(id));
        self.doubted.extend(again);
        self.unproven = never;
    }

    /// Whether it may be another message, and nothing tells.
    pub fn is_unproven(&self, id: MessageId) -> bool {
        self.unproven.contains(&id)
    }

    /// Whether it may be another message, and its header tells.
    pub fn is_doubted(&self, id: MessageId) -> bool {
        self.doubted.contains(&id)
    }

    /// The first message after `id`, or of all, that may be another one.
    pub fn next_doubted(&self, id: Option<MessageId>) -> Option<MessageId> {
        let start = id.map_or(Bound::Unbounded, Bound::Excluded);
        self.doubted
            .range((start, Bound::Unbounded))
            .next()
            .copied()
    }

    /// The server gives this header for it; false if it is that of another message.
    pub fn compare(&mut self, id: MessageId, found: Option<HeaderDigest>) -> bool {
        let Some(known) = self.known.get_mut(&id) else {
            return true;
        };
        if found != Some(known.digest) {
            return false;
        }
        known.is_confirmed = true;
        self.doubted.remove(&id);
        true
    }
}
