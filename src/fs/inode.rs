//! Inode numbers: which file the kernel means.

use crate::maildrop::MessageId;

/// The root's inode number, fixed by the FUSE protocol.
pub const ROOT: u64 = 1;

/// The inode number of `.pop3fs/status`, the one file that knows requests of ioctl(2).
pub const STATUS: u64 = 3;

/// The inode number of `.pop3fs/events`, the one file whose reads may wait for ever.
pub const EVENTS: u64 = 7;

/// The inode number of a name that stands for nothing any more, as the one who removes it sees it.
pub(super) const GHOST: u64 = 15;

/// The first message's inode number. The numbers between the control files and this one are kept
/// for control files to come.
const FIRST_MESSAGE: u64 = 16;

/// One file or directory of the tree.
///
/// A message is the same node wherever it is shown, so it keeps its inode number when it is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// The mount point.
    Root,
    /// `.pop3fs`.
    Control,
    /// `.pop3fs/status`.
    Status,
    /// `.pop3fs/ctl`.
    Ctl,
    /// `.pop3fs/last-commit`.
    LastCommit,
    /// `.pop3fs/deleted`.
    Deleted,
    /// `.pop3fs/events`.
    Events,
    /// A message, whether it exists or not.
    Message(MessageId),
}

impl Node {
    /// The node with an inode number, if one can have it.
    pub(super) fn at(inode: u64) -> Option<Self> {
        Some(match inode {
            ROOT => Self::Root,
            2 => Self::Control,
            STATUS => Self::Status,
            4 => Self::Ctl,
            5 => Self::LastCommit,
            6 => Self::Deleted,
            EVENTS => Self::Events,
            _ => {
                let index = u32::try_from(inode.checked_sub(FIRST_MESSAGE)?).ok()?;
                Self::Message(MessageId::from_index(index))
            }
        })
    }

    /// The node's inode number.
    pub(super) fn inode(self) -> u64 {
        match self {
            Self::Root => ROOT,
            Self::Control => 2,
            Self::Status => STATUS,
            Self::Ctl => 4,
            Self::LastCommit => 5,
            Self::Deleted => 6,
            Self::Events => EVENTS,
            Self::Message(id) => FIRST_MESSAGE + u64::from(id.index()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_between_the_control_files_and_the_messages_are_nobodys() {
        assert!(Node::at(0).is_none());
        assert!((8..16).all(|inode| Node::at(inode).is_none()));
        assert_eq!(Node::at(16), Some(Node::Message(MessageId::from_index(0))));
    }

    #[test]
    fn numbers_past_the_last_possible_message_are_nobodys() {
        assert!(Node::at(16 + u64::from(u32::MAX)).is_some());
        assert!(Node::at(17 + u64::from(u32::MAX)).is_none());
        assert!(Node::at(u64::MAX).is_none());
    }

    proptest! {
        #[test]
        fn a_node_is_found_again_by_its_number(inode in prop_oneof![0_u64..64, any::<u64>()]) {
            if let Some(node) = Node::at(inode) {
                prop_assert_eq!(node.inode(), inode);
            }
        }

        #[test]
        fn messages_rise_in_listing_order(index in 0..u32::MAX) {
            let number = |index| Node::Message(MessageId::from_index(index)).inode();
            prop_assert!(number(index) < number(index + 1));
        }
    }
}
