//! What stat(2) says of a file.

use super::inode::Node;
use crate::maildrop::{Entry, Place};

/// The unit of `Attributes::blocks` and of statfs, in octets, fixed by stat(2).
pub(super) const BLOCK_SIZE: u64 = 512;

/// `status` and `last-commit` name messages: they are the mounter's alone, whatever `mode` says.
const READABLE: u16 = 0o400;

/// `ctl` deletes mail: it is the mounter's alone, whatever `mode` says.
const WRITABLE: u16 = 0o200;

/// What the files of a mount have in common.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Owner of every file.
    pub uid: u32,
    /// Group of every file.
    pub gid: u32,
    /// Permission bits of a message; directories get the `x` bits that go with the `r` bits.
    pub mode: u16,
    /// When the mount began, in seconds since 1970.
    pub since: i64,
    /// Whether everything that changes something is refused.
    pub read_only: bool,
    /// Whether stat(2) waits for a message's exact size rather than show one that may be wrong.
    pub exact_sizes: bool,
}

/// The two kinds of file there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
}

/// What stat(2) says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Inode number.
    pub inode: u64,
    /// Directory or file.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u16,
    /// Size in octets.
    pub size: u64,
    /// Size in units of 512 octets.
    pub blocks: u64,
    /// Last modification, in seconds since 1970: a message's own date.
    pub mtime: i64,
    /// Last change, in seconds since 1970. It never moves: tar takes a ctime that moves while it
    /// reads for a file that changed.
    pub ctime: i64,
    /// Names the file has; none when the message has left the maildrop.
    pub links: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Whether they hold until the kernel is told otherwise. If not, they are not for programs to
    /// see: [`Tree::getattr`](super::Tree::getattr) has to be asked first.
    pub lasting: bool,
}

impl Attributes {
    /// The attributes of a message.
    pub(super) fn of_message(entry: &Entry, settings: &Settings) -> Self {
        let size = entry.size.shown();
        Self {
            size,
            blocks: size.div_ceil(BLOCK_SIZE),
            mtime: entry.date,
            links: u32::from(entry.place != Place::Gone),
            lasting: entry.size.is_exact() || !settings.exact_sizes,
            ..Self::bare(Node::Message(entry.id), Kind::File, settings.mode, settings)
        }
    }

    /// The attributes of a directory that shows `subdirectories`.
    pub(super) fn of_directory(node: Node, subdirectories: u32, settings: &Settings) -> Self {
        let searchable = (settings.mode & 0o444) >> 2;
        Self {
            links: 2 + subdirectories,
            ..Self::bare(node, Kind::Directory, settings.mode | searchable, settings)
        }
    }

    /// The attributes of a file whose contents are made when it is opened.
    pub(super) fn of_report(node: Node, settings: &Settings) -> Self {
        Self::bare(node, Kind::File, READABLE, settings)
    }

    /// The attributes of the file that takes verbs.
    pub(super) fn of_ctl(node: Node, settings: &Settings) -> Self {
        Self::bare(node, Kind::File, WRITABLE, settings)
    }

    fn bare(node: Node, kind: Kind, mode: u16, settings: &Settings) -> Self {
        Self {
            inode: node.inode(),
            kind,
            mode: mode & 0o777,
            size: 0,
            blocks: 0,
            mtime: settings.since,
            ctime: settings.since,
            links: 1,
            uid: settings.uid,
            gid: settings.gid,
            lasting: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maildrop::{MessageId, Size};

    const SETTINGS: Settings = Settings {
        uid: 1000,
        gid: 100,
        mode: 0o600,
        since: 1_700_000_000,
        read_only: false,
        exact_sizes: false,
    };

    fn entry(size: Size, place: Place) -> Entry {
        Entry {
            id: MessageId::from_index(3),
            name: "u3".into(),
            size,
            date: 1_000_000_000,
            place,
        }
    }

    #[test]
    fn a_message_is_a_private_file_with_its_own_date() {
        let shown = Attributes::of_message(&entry(Size::Exact(513), Place::Root), &SETTINGS);
        let expected = Attributes {
            inode: 19,
            kind: Kind::File,
            mode: 0o600,
            size: 513,
            blocks: 2,
            mtime: 1_000_000_000,
            ctime: 1_700_000_000,
            links: 1,
            uid: 1000,
            gid: 100,
            lasting: true,
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_message_keeps_its_inode_and_its_link_when_it_is_marked() {
        let root = Attributes::of_message(&entry(Size::Listed(9), Place::Root), &SETTINGS);
        let deleted = Attributes::of_message(&entry(Size::Listed(9), Place::Deleted), &SETTINGS);
        assert_eq!(root, deleted);
    }

    #[test]
    fn a_message_that_left_the_maildrop_has_no_name_left() {
        let gone = Attributes::of_message(&entry(Size::Exact(9), Place::Gone), &SETTINGS);
        assert_eq!(gone.links, 0);
    }

    #[test]
    fn only_a_message_known_to_be_empty_is_shown_empty() {
        let size = |size| Attributes::of_message(&entry(size, Place::Root), &SETTINGS).size;
        assert_eq!(size(Size::Listed(0)), 1);
        assert_eq!(size(Size::Exact(0)), 0);
    }

    #[test]
    fn with_exact_sizes_an_estimate_is_not_for_programs_to_see() {
        let lasting = |size, exact_sizes| {
            let settings = Settings {
                exact_sizes,
                ..SETTINGS
            };
            Attributes::of_message(&entry(size, Place::Root), &settings).lasting
        };
        assert!(lasting(Size::Listed(9), false));
        assert!(!lasting(Size::Listed(9), true));
        assert!(lasting(Size::Exact(9), true));
    }

    #[test]
    fn a_directory_can_be_searched_by_whoever_may_read_it() {
        let mode = |mode| {
            let settings = Settings { mode, ..SETTINGS };
            Attributes::of_directory(Node::Root, 0, &settings).mode
        };
        assert_eq!(mode(0o600), 0o700);
        assert_eq!(mode(0o644), 0o755);
        assert_eq!(mode(0o440), 0o550);
        assert_eq!(mode(0o602), 0o702);
    }

    #[test]
    fn control_files_stay_private_under_any_mode() {
        let open_to_all = Settings {
            mode: 0o666,
            ..SETTINGS
        };
        assert_eq!(
            Attributes::of_report(Node::Status, &open_to_all).mode,
            0o400
        );
        assert_eq!(Attributes::of_ctl(Node::Ctl, &open_to_all).mode, 0o200);
    }

    #[test]
    fn mode_gives_permissions_and_nothing_else() {
        let settings = Settings {
            mode: 0o7777,
            ..SETTINGS
        };
        let message = Attributes::of_message(&entry(Size::Exact(1), Place::Root), &settings);
        assert_eq!(message.mode, 0o777);
    }
}
