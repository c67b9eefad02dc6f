//! What a mount looks like: names, attributes, and what is refused.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;
use std::time::SystemTime;

use nix::libc;
use nix::sys::statvfs::statvfs;
use nix::unistd::{getegid, geteuid};
use pop3fs_server::{Fault, Listed, Message, Order, Which};

use crate::support::mailbox::{account, serving, serving_three, text};
use crate::support::mount::{Mount, Site};
use crate::support::process::{eventually, run};
use crate::support::skip::{Need, lacking};
use crate::support::stage::mounted;

/// A file is named by the unique-id that the server gives the message (UIDL). Octets that have no
/// place in a file name or on a terminal are written `%XX`, and so is what would make the name
/// special, or an option or a command to a program that is given it; a name that would be too long
/// keeps its beginning and ends in a digest. The second message with the same unique-id has `~2`
/// after its name, the third `~3`. Two messages never have the same name.
#[test]
fn names_are_unique_ids_made_legal() {
    if lacking(&[Need::Fuse]) {
        return;
    }
    let long = [b'x'; 300];
    let ids: [&[u8]; 12] = [
        b"plain",
        b"a/b",
        b"50%",
        b"-rf|",
        b"..",
        b".pop3fs",
        b"\xff\x01",
        b"twin",
        b"twin",
        b"twin~2",
        b"twin",
        &long,
    ];
    let server = serving(ids.map(|id| Message::new(id, id)).into());
    let site = Site::new();
    let mount = site.mount(&account(&server));
    let expected = [
        "%2Drf%7C",
        "%2E.",
        "%2Epop3fs",
        "%FF%01",
        "50%25",
        "a%2Fb",
        "plain",
        "twin",
        "twin%7E2",
        "twin~2",
        "twin~3",
    ];
    for (name, id) in [
        ("a%2Fb", &b"a/b"[..]),
        ("50%25", b"50%"),
        ("%FF%01", b"\xff\x01"),
    ] {
        let octets = fs::read(mount.file(name)).expect("a file to read");
        assert!(octets.starts_with(id), "{name}");
    }
    let (shortened, others): (Vec<String>, Vec<String>) = mount
        .names()
        .into_iter()
        .partition(|name| name.starts_with("xxx"));
    assert_eq!(others, expected);
    assert!(matches!(&shortened[..], [name] if name.len() <= 255 && name.contains("%~")));
}

/// `--suffix .eml` adds an ending to every name.
#[test]
fn a_suffix_ends_every_name() {
    mounted(serving_three(), &["--suffix", ".eml"], |mount, _| {
        assert_eq!(mount.names(), ["one.eml", "three.eml", "two.eml"]);
        assert_eq!(read(mount, "one.eml"), text("one"));
    });
}

/// Messages are regular files of mode 0600 that belong to whoever mounted them, in directories of
/// mode 0700.
///
/// Each has one link and the size of its message.
#[test]
fn attributes_are_those_of_private_files() {
    mounted(serving_three(), &[], |mount, _| {
        let permissions = |file: &Metadata| file.permissions().mode() & 0o7777;
        for name in ["", ".pop3fs", ".pop3fs/deleted"] {
            let directory = metadata(mount, name);
            assert!(directory.is_dir());
            assert_eq!(permissions(&directory), 0o700, "{name}");
        }
        for name in ["one", "two", "three"] {
            let file = metadata(mount, name);
            assert!(file.is_file());
            assert_eq!(permissions(&file), 0o600);
            assert_eq!(
                (file.uid(), file.gid()),
                (geteuid().as_raw(), getegid().as_raw())
            );
            assert_eq!(file.nlink(), 1);
            assert_eq!(file.size(), text(name).len() as u64);
        }
    });
}

/// A message keeps its inode number for the life of the mount, and the numbers rise in the order of
/// the listing.
///
/// It keeps it when it is removed, when it is brought back, and when the server numbers the
/// messages otherwise.
#[test]
fn inode_numbers_last() {
    mounted(serving_three(), &[], |mount, server| {
        let inodes = || ["one", "two", "three"].map(|name| metadata(mount, name).ino());
        let first = inodes();
        assert!(first.is_sorted_by(|a, b| a < b), "{first:?}");

        fs::remove_file(mount.file("two")).expect("a file to remove");
        assert_eq!(metadata(mount, ".pop3fs/deleted/two").ino(), first[1]);
        mount.verb("undelete", &["two"]).succeeded();
        assert_eq!(inodes(), first);

        server.fault(Fault::Order(Order::Reversed));
        server.cut();
        eventually("a new session", || fs::read(mount.file("three")).is_ok());
        assert_eq!(server.sessions(), 2);
        assert_eq!(inodes(), first);
    });
}

/// A message bears the time of the listing, and the date in its header once it has been read and closed.
#[test]
fn what_has_been_read_bears_its_date() {
    let short = "Date: Thu, 1 Jan 2004 00:00:00 +0000\r\n\r\n";
    let long = short.to_owned() + &"a line of the letter\r\n".repeat(150_000);
    let letters = [("short", short), ("long", &long)];
    let letters = letters.map(|(name, text)| Message::new(name, text.as_bytes()));
    mounted(serving(letters.into()), &[], |mount, _| {
        let date = 1_072_915_200;
        for name in ["short", "long"] {
            let time = || metadata(mount, name).mtime();
            assert!(time() > date);
            read(mount, name);
            eventually("the letter bears its date", || time() == date);
        }
    });
}

/// The control directory `.pop3fs` can be entered and is never listed, so programs that walk the
/// tree do not fall into it.
#[test]
fn the_control_directory_is_there_and_not_listed() {
    mounted(serving_three(), &[], |mount, _| {
        assert_eq!(mount.names(), ["one", "three", "two"]);
        let found = run(Command::new("find").arg(mount.path())).succeeded();
        assert!(!found.says(".pop3fs"), "{found:?}");
        assert_eq!(
            mount.names_in(".pop3fs"),
            ["ctl", "deleted", "last-commit", "status"]
        );
    });
}

/// There are no other changes to a mailbox: creating, renaming, linking and changing attributes fail
/// with EPERM, opening a message for writing fails with EACCES.
#[test]
fn what_a_mailbox_cannot_do_is_refused() {
    mounted(serving_three(), &[], |mount, _| {
        let (one, new) = (mount.file("one"), mount.file("new"));
        let refused = |what: &str, outcome: io::Result<()>, errno: i32| {
            let error = outcome.expect_err(what);
            assert_eq!(error.raw_os_error(), Some(errno), "{what}: {error}");
        };
        refused("create", fs::write(&new, "x"), libc::EPERM);
        refused("mkdir", fs::create_dir(&new), libc::EPERM);
        refused("rename", fs::rename(&one, &new), libc::EPERM);
        refused("link", fs::hard_link(&one, &new), libc::EPERM);
        refused(
            "symlink",
            std::os::unix::fs::symlink("one", &new),
            libc::EPERM,
        );
        refused(
            "chmod",
            fs::set_permissions(&one, fs::Permissions::from_mode(0o644)),
            libc::EPERM,
        );
        refused(
            "touch",
            File::open(&one).and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH)),
            libc::EPERM,
        );
        refused(
            "write",
            OpenOptions::new().append(true).open(&one).map(drop),
            libc::EACCES,
        );
        assert_eq!(mount.names(), ["one", "three", "two"]);
    });
}

/// The mount table names the server, with a colon as for any network filesystem, and the type
/// `fuse.pop3fs`. Nothing on it is run, setuid or a device.
#[test]
fn the_mount_table_names_server_and_type() {
    mounted(serving_three(), &[], |mount, _| {
        let mut findmnt = Command::new("findmnt");
        let path = mount.path();
        let table = run(findmnt
            .args(["-n", "-o", "FSTYPE,SOURCE,OPTIONS"])
            .arg(path));
        let table = table.succeeded().text();
        let fields: Vec<&str> = table.split_whitespace().collect();
        assert_eq!(fields[0], "fuse.pop3fs");
        assert!(
            fields[1].contains("127.0.0.1") && fields[1].contains(':'),
            "{table}"
        );
        for option in ["nosuid", "nodev", "noexec", "default_permissions"] {
            assert!(
                fields[2].split(',').any(|word| word == option),
                "{option}: {table}"
            );
        }
    });
}

/// The file system's size is that of the mailbox, and its number of files that of the messages.
#[test]
fn the_filesystem_is_as_large_as_the_maildrop() {
    mounted(serving_three(), &[], |mount, _| {
        let totals = statvfs(&mount.path()).expect("totals");
        assert_eq!(totals.files(), 3);
        assert_eq!(totals.files_free(), 0);
        let octets: usize = ["one", "two", "three"]
            .map(|name| text(name).len())
            .iter()
            .sum();
        let block = totals.fragment_size();
        assert_eq!(totals.blocks(), (octets as u64).div_ceil(block));
        assert_eq!(totals.blocks_free(), 0);
    });
}

/// A server that lists a size that is no number hides no message.
#[test]
fn a_message_of_nonsensical_size_is_shown() {
    if lacking(&[Need::Fuse]) {
        return;
    }
    let server = serving_three();
    for size in ["-1", "garbage", "99999999999999999999"] {
        let two = Which::Message(b"two".into());
        server.fault(Fault::Size(two, Listed::Text(size.to_owned())));
        let site = Site::new();
        let mount = site.mount(&account(&server));
        assert_eq!(mount.names(), ["one", "three", "two"], "{size}");
        assert_eq!(read(&mount, "two"), text("two"), "{size}");
        mount.umount().succeeded();
    }
}

fn metadata(mount: &Mount, name: &str) -> Metadata {
    fs::metadata(mount.file(name)).expect("a file to stat")
}

fn read(mount: &Mount, name: &str) -> String {
    fs::read_to_string(mount.file(name)).expect("a file to read")
}
