//! What a mount looks like: names, attributes, and what is refused.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use nix::libc;
use nix::sys::statvfs::statvfs;
use nix::unistd::{getegid, geteuid};
use pop3fs_server::{Fault, Listed, Message, Which};

use crate::support::mailbox::{account, serving, serving_three, text};
use crate::support::mount::{Mount, Site};
use crate::support::process::run;
use crate::support::skip::{Need, lacking};
use crate::support::stage::mounted;

/// A file's name is the message's unique-id. What a file name cannot hold, `%`, and whatever is
/// not printable ASCII is written `%XX`; `.`, `..` and `.pop3fs` are escaped too. The second
/// message of the same unique-id has `~2` behind it.
#[test]
fn names_are_unique_ids_made_legal() {
    if lacking(&[Need::Fuse]) {
        return;
    }
    let ids: [&[u8]; 8] = [
        b"plain",
        b"a/b",
        b"50%",
        b"..",
        b".pop3fs",
        b"\xff\x01",
        b"twin",
        b"twin",
    ];
    let server = serving(ids.map(|id| Message::new(id, id)).into());
    let site = Site::new();
    let mount = site.mount(&account(&server));
    let expected = [
        "%2E.",
        "%2Epop3fs",
        "%FF%01",
        "50%25",
        "a%2Fb",
        "plain",
        "twin",
        "twin~2",
    ];
    for (name, id) in [
        ("a%2Fb", &b"a/b"[..]),
        ("50%25", b"50%"),
        ("%FF%01", b"\xff\x01"),
    ] {
        let octets = fs::read(mount.file(name)).expect("a file to read");
        assert!(octets.starts_with(id), "{name}");
    }
    assert_eq!(mount.names(), expected);
}

/// `--suffix .eml` adds an ending to every name.
#[test]
fn a_suffix_ends_every_name() {
    mounted(serving_three(), &["--suffix", ".eml"], |mount, _| {
        assert_eq!(mount.names(), ["one.eml", "three.eml", "two.eml"]);
        assert_eq!(read(mount, "one.eml"), text("one"));
    });
}

/// Files are regular, owned by the mounter, mode 0600 with one link; the root is mode 0700. Inode
/// numbers are all different and stay the same.
#[test]
fn attributes_are_those_of_private_files() {
    mounted(serving_three(), &[], |mount, _| {
        let root = fs::metadata(mount.path()).expect("a root to stat");
        assert_eq!(root.permissions().mode() & 0o7777, 0o700);
        let inodes = ["one", "two", "three"].map(|name| {
            let file = fs::metadata(mount.file(name)).expect("a file to stat");
            assert!(file.is_file());
            assert_eq!(file.permissions().mode() & 0o7777, 0o600);
            assert_eq!(
                (file.uid(), file.gid()),
                (geteuid().as_raw(), getegid().as_raw())
            );
            assert_eq!(file.nlink(), 1);
            assert_eq!(file.size(), text(name).len() as u64);
            file.ino()
        });
        assert!(
            inodes.is_sorted_by(|a, b| a < b),
            "rising in listing order: {inodes:?}"
        );
        let again = fs::metadata(mount.file("two")).expect("a file to stat");
        assert_eq!(again.ino(), inodes[1]);
    });
}

/// `.pop3fs` can be entered and is never listed, so that no program falls into it by itself.
#[test]
fn the_control_directory_is_there_and_not_listed() {
    mounted(serving_three(), &[], |mount, _| {
        assert_eq!(mount.names(), ["one", "three", "two"]);
        assert_eq!(
            mount.names_in(".pop3fs"),
            ["ctl", "deleted", "last-commit", "status"]
        );
    });
}

/// What a mailbox cannot do is refused: a new file, directory or link, another name, other
/// attributes with EPERM, as nothing in a mailbox could stand for them; writing to a message with
/// EACCES.
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

/// statfs tells the maildrop's octets and messages.
#[test]
fn the_filesystem_is_as_large_as_the_maildrop() {
    mounted(serving_three(), &[], |mount, _| {
        let totals = statvfs(&mount.path()).expect("totals");
        assert_eq!(totals.files(), 3);
        assert_eq!(totals.files_free(), 0);
        assert!(totals.blocks() > 0);
        assert_eq!(totals.blocks_free(), 0);
    });
}

/// Without allow_other nobody but the mounter gets in, not even past the modes.
#[test]
fn others_are_kept_out() {
    if lacking(&[Need::Root, Need::Program("setpriv")]) {
        return;
    }
    mounted(serving_three(), &[], |mount, _| {
        let nobody = [
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
            "ls",
        ];
        let outcome = run(Command::new("setpriv").args(nobody).arg(mount.path()));
        assert!(!outcome.status.success(), "{outcome:?}");
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

fn read(mount: &Mount, name: &str) -> String {
    fs::read_to_string(mount.file(name)).expect("a file to read")
}
