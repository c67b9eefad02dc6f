//! What the kernel must be told, in the tree's own terms.

use std::ffi::{OsStr, OsString};

use super::inode::Node;
use crate::maildrop::{Change, Place};

/// Something the kernel may remember and must forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// What a name stands for, or that it stands for nothing.
    Name {
        /// The directory's inode number.
        directory: u64,
        /// The name in it.
        name: OsString,
    },
    /// A file's attributes and contents.
    File {
        /// The file's inode number.
        inode: u64,
    },
}

impl Notice {
    /// What a change in the maildrop means for the kernel, if anything.
    pub fn of(change: &Change) -> Option<Self> {
        match change {
            Change::Appeared { place, name } | Change::Vanished { place, name } => {
                let directory = directory_of(*place)?.inode();
                let name = OsString::from(&**name);
                Some(Self::Name { directory, name })
            }
            Change::Changed { id } => Some(Self::File {
                inode: Node::Message(*id).inode(),
            }),
        }
    }
}

/// A name that came to the root, or left it, and not by a program's doing: programs that watch the
/// directory want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootChange {
    /// It is there now.
    Came(OsString),
    /// It is no longer there.
    Went(OsString),
}

impl RootChange {
    /// What a change in the maildrop means for the root, if anything.
    pub fn of(change: &Change) -> Option<Self> {
        let root = Place::Root;
        match change {
            Change::Appeared { place, name } if *place == root => {
                Some(Self::Came((&**name).into()))
            }
            Change::Vanished { place, name } if *place == root => {
                Some(Self::Went((&**name).into()))
            }
            _ => None,
        }
    }

    /// The name.
    pub fn name(&self) -> &OsStr {
        match self {
            Self::Came(name) | Self::Went(name) => name,
        }
    }
}

/// The directory that shows the messages in a place, if one does.
fn directory_of(place: Place) -> Option<Node> {
    match place {
        Place::Root => Some(Node::Root),
        Place::Deleted => Some(Node::Deleted),
        Place::Gone => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maildrop::MessageId;

    #[test]
    fn a_name_that_came_or_went_is_forgotten_in_its_directory() {
        let name = "u1";
        let forgotten = |directory| {
            Some(Notice::Name {
                directory,
                name: name.into(),
            })
        };
        let appeared = Change::Appeared {
            place: Place::Root,
            name: name.into(),
        };
        let vanished = Change::Vanished {
            place: Place::Deleted,
            name: name.into(),
        };
        assert_eq!(Notice::of(&appeared), forgotten(Node::Root.inode()));
        assert_eq!(Notice::of(&vanished), forgotten(Node::Deleted.inode()));
    }

    #[test]
    fn those_who_watch_the_root_are_told_of_the_root_alone() {
        let name = || "u1".into();
        let came = |place| {
            RootChange::of(&Change::Appeared {
                place,
                name: name(),
            })
        };
        let went = |place| {
            RootChange::of(&Change::Vanished {
                place,
                name: name(),
            })
        };
        assert_eq!(came(Place::Root), Some(RootChange::Came("u1".into())));
        assert_eq!(went(Place::Root), Some(RootChange::Went("u1".into())));
        assert_eq!((came(Place::Deleted), went(Place::Deleted)), (None, None));
    }

    #[test]
    fn a_place_without_a_directory_has_no_names_to_forget() {
        let gone = Change::Vanished {
            place: Place::Gone,
            name: "u1".into(),
        };
        assert_eq!(Notice::of(&gone), None);
    }

    #[test]
    fn a_message_whose_bytes_changed_is_forgotten_as_a_file() {
        let id = MessageId::from_index(2);
        let inode = Node::Message(id).inode();
        let changed = Change::Changed { id };
        assert_eq!(Notice::of(&changed), Some(Notice::File { inode }));
    }
}
