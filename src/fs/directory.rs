//! Reading directories.

use std::ops::ControlFlow;

use super::attributes::Attributes;
use super::error::Error;
use super::inode::Node;
use super::tree::Tree;
use crate::maildrop::{MessageId, Place};

/// The offset of `.`; `..` follows, and every other entry's offset is its inode number, which is
/// larger. So an offset means the same whatever was removed since.
const SELF: u64 = 1;

/// The offset of `..`.
const PARENT: u64 = 2;

/// What `.pop3fs` shows, in order of inode number.
const CONTROL_FILES: [(&str, Node); 4] = [
    ("status", Node::Status),
    ("ctl", Node::Ctl),
    ("last-commit", Node::LastCommit),
    ("deleted", Node::Deleted),
];

/// One entry of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// The name.
    pub name: &'a str,
    /// Where a listing that stopped after this entry goes on.
    pub offset: u64,
    /// What stat(2) would say.
    pub attributes: Attributes,
}

/// Takes the entries of a directory until it has enough.
pub(super) type Visit<'a> = &'a mut dyn FnMut(Item<'_>) -> ControlFlow<()>;

impl Tree {
    /// Takes note that a program opens a directory, to read it most likely; the kernel may read it
    /// to the program without asking again.
    pub fn opendir(&self, inode: u64) {
        if let Some(Node::Root) = Node::at(inode) {
            self.maildrop.expect_walk();
        }
    }

    /// Visits the entries of a directory after an offset (0 for all), until told to stop.
    ///
    /// An entry that stays in the directory is visited exactly once by a listing, whatever is
    /// removed or arrives meanwhile.
    pub fn readdir(
        &self,
        inode: u64,
        after: u64,
        visit: &mut dyn FnMut(Item<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let node = Node::at(inode).ok_or(Error::NoEntry)?;
        let parent = parent_of(node).ok_or(Error::NotDirectory)?;
        let dots = [(".", SELF, node), ("..", PARENT, parent)];
        for (name, offset, node) in dots.into_iter().filter(|dot| dot.1 > after) {
            let attributes = self.fixed(node)?;
            if visit(Item {
                name,
                offset,
                attributes,
            })
            .is_break()
            {
                return Ok(());
            }
        }
        match node {
            Node::Control => self.list_control_files(after, visit),
            Node::Deleted => self.list_messages(Place::Deleted, after, visit),
            _ => self.list_messages(Place::Root, after, visit),
        }
    }

    fn list_control_files(&self, after: u64, visit: Visit<'_>) -> Result<(), Error> {
        for (name, node) in CONTROL_FILES {
            let offset = node.inode();
            let attributes = self.fixed(node)?;
            if offset > after
                && visit(Item {
                    name,
                    offset,
                    attributes,
                })
                .is_break()
            {
                break;
            }
        }
        Ok(())
    }

    fn list_messages(&self, place: Place, after: u64, visit: Visit<'_>) -> Result<(), Error> {
        self.maildrop.list(place, message_at(after), &mut |entry| {
            let attributes = self.of_message(&entry);
            visit(Item {
                name: &entry.name,
                offset: attributes.inode,
                attributes,
            })
        });
        Ok(())
    }
}

/// The control file of a name. `events` is not listed, for programs that walk the tree would read it
/// for ever.
pub(super) fn control_file(name: &str) -> Option<Node> {
    if name == "events" {
        return Some(Node::Events);
    }
    let found = CONTROL_FILES.iter().find(|file| file.0 == name);
    found.map(|file| file.1)
}

/// The directory above a directory; the root is its own.
fn parent_of(node: Node) -> Option<Node> {
    match node {
        Node::Root | Node::Control => Some(Node::Root),
        Node::Deleted => Some(Node::Control),
        Node::Status | Node::Ctl | Node::LastCommit | Node::Events | Node::Message(_) => None,
    }
}

/// The message a listing stopped after.
fn message_at(offset: u64) -> Option<MessageId> {
    match Node::at(offset) {
        Some(Node::Message(id)) => Some(id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_rise_along_a_listing() {
        let control = CONTROL_FILES.map(|(_, node)| node.inode());
        assert!(PARENT < control[0] && control.is_sorted());
        let first = Node::Message(MessageId::from_index(0)).inode();
        assert!(control[3] < first);
    }

    #[test]
    fn a_listing_that_stopped_at_the_dots_goes_on_with_the_first_message() {
        assert_eq!(message_at(0), None);
        assert_eq!(message_at(PARENT), None);
    }

    #[test]
    fn a_listing_goes_on_after_the_message_it_stopped_at() {
        let id = MessageId::from_index(41);
        assert_eq!(message_at(Node::Message(id).inode()), Some(id));
    }

    #[test]
    fn only_directories_have_a_directory_above() {
        assert_eq!(parent_of(Node::Deleted), Some(Node::Control));
        assert_eq!(parent_of(Node::Root), Some(Node::Root));
        assert_eq!(parent_of(Node::Status), None);
        assert_eq!(parent_of(Node::Message(MessageId::from_index(0))), None);
    }
}
