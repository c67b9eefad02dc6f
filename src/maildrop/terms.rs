//! On what terms a commit is asked for.

/// What whoever asks for a commit wants of it, beyond the deletion of what is marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Unmounting is to follow, which would commit again: what this commit cannot delete is not
    /// tried once more then.
    pub is_last: bool,
    /// Whether a new listing is to be held against what the server has confirmed; as the mount is
    /// set, if none.
    pub verify: Option<bool>,
    /// Whether any number of messages may be deleted that were never read.
    pub even_unread: bool,
}

impl Terms {
    /// The terms of one commit that is asked for on both.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            is_last: self.is_last || other.is_last,
            verify: self.verify.max(other.verify),
            even_unread: self.even_unread || other.even_unread,
        }
    }

    /// The same where what is not said is as this.
    pub(super) fn or_verify(self, verify: bool) -> Self {
        Self {
            verify: self.verify.or(Some(verify)),
            ..self
        }
    }

    pub(super) fn verifies(self) -> bool {
        self.verify == Some(true)
    }
}
