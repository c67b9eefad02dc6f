//! On what terms a commit is asked for.

/// What whoever asks for a commit wants of it, beyond the deletion of what is marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Unmounting is to follow, which would commit again: what this commit cannot delete is not
    /// tried once more then.
    pub is_last: bool,
}

impl Terms {
    /// The terms of one commit that is asked for on both.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            is_last: self.is_last || other.is_last,
        }
    }
}
