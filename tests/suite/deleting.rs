//! Removing messages, taking that back, and committing it.

use std::fs::{self, File};
use std::io::Read;

use pop3fs_server::Fault;
use serde_json::Value;

use crate::support::mailbox::{held_by, serving_three, text};
use crate::support::mount::Mount;
use crate::support::stage::mounted;

/// `rm` takes a message out of the root and into `.pop3fs/deleted`, where it can still be read.
/// Nothing goes to the server.
#[test]
fn a_removed_message_moves_to_the_deleted_ones() {
    mounted(serving_three(), &[], |mount, server| {
        remove(mount, "two");
        assert_eq!(mount.names(), ["one", "three"]);
        assert_eq!(mount.names_in(DELETED), ["two"]);
        assert_eq!(read(mount, ".pop3fs/deleted/two"), text("two"));
        assert_eq!(server.count("DELE"), 0);
    });
}

/// A file that is open stays readable after `rm`.
#[test]
fn an_open_file_outlives_its_name() {
    mounted(serving_three(), &[], |mount, _| {
        let mut file = File::open(mount.file("two")).expect("a file to open");
        remove(mount, "two");
        let mut octets = String::new();
        file.read_to_string(&mut octets).expect("a file to read");
        assert_eq!(octets, text("two"));
    });
}

/// `pop3fs undelete` brings messages back, by name or all of them; what was brought back is not
/// deleted.
#[test]
fn undelete_brings_messages_back() {
    mounted(serving_three(), &[], |mount, server| {
        for name in ["one", "two", "three"] {
            remove(mount, name);
        }
        mount.verb("undelete", &["one"]).succeeded();
        assert_eq!(mount.names(), ["one"]);
        mount.verb("undelete", &["--all"]).succeeded();
        assert_eq!(mount.names(), ["one", "three", "two"]);
        assert!(mount.names_in(DELETED).is_empty());
        mount.umount().succeeded();
        assert_eq!(held_by(server), ["one", "two", "three"]);
    });
}

/// Moving a message from `.pop3fs/deleted` back into the root takes its mark off, too.
#[test]
fn a_move_out_of_the_deleted_ones_takes_the_mark_off() {
    mounted(serving_three(), &[], |mount, server| {
        remove(mount, "two");
        let marked = mount.file(".pop3fs/deleted/two");
        fs::rename(marked, mount.file("two")).expect("a file to move");
        assert_eq!(mount.names(), ["one", "three", "two"]);
        mount.umount().succeeded();
        assert_eq!(held_by(server), ["one", "two", "three"]);
    });
}

/// To undelete what is not marked is an error.
#[test]
fn what_is_not_marked_cannot_be_undeleted() {
    mounted(serving_three(), &[], |mount, _| {
        let outcome = mount.verb("undelete", &["one"]);
        assert!(!outcome.status.success(), "{outcome:?}");
        assert!(outcome.says("one"), "{outcome:?}");
    });
}

/// `pop3fs commit` deletes the marked messages on the server and leaves the mount in place;
/// `.pop3fs/last-commit` tells what became of each.
#[test]
fn commit_deletes_and_leaves_the_mount() {
    mounted(serving_three(), &[], |mount, server| {
        remove(mount, "two");
        let commit = mount.verb("commit", &[]).succeeded();
        assert!(commit.says("1 deleted, 2 left"), "{commit:?}");
        assert_eq!(held_by(server), ["one", "three"]);
        assert_eq!(mount.names(), ["one", "three"]);
        assert!(mount.names_in(DELETED).is_empty());
        assert_eq!(read(mount, "one"), text("one"));

        let report = json(mount, ".pop3fs/last-commit");
        assert_eq!(report["complete"], true);
        assert_eq!(report["messages"][0]["name"], "two");
        assert_eq!(report["messages"][0]["outcome"], "deleted");
    });
}

/// Writing `commit` to `.pop3fs/ctl` is the same; the write returns when it is done.
#[test]
fn a_write_to_ctl_commits() {
    mounted(serving_three(), &[], |mount, server| {
        remove(mount, "two");
        fs::write(mount.file(".pop3fs/ctl"), "commit\n").expect("a commit");
        assert_eq!(held_by(server), ["one", "three"]);
    });
}

/// A message that the server will not delete stays marked; the others are deleted, and the commit
/// tells which is which, in the server's words.
#[test]
fn a_refused_deletion_is_told_message_by_message() {
    mounted(serving_three(), &[], |mount, server| {
        server.fault(Fault::refuse_dele("two", "it is precious"));
        remove(mount, "one");
        remove(mount, "two");
        let commit = mount.verb("commit", &[]);
        assert!(!commit.status.success(), "{commit:?}");
        assert!(commit.says("it is precious"), "{commit:?}");
        assert!(held_by(server).contains(&"two".to_owned()));
        assert_eq!(
            mount.names_in(DELETED).last().map(String::as_str),
            Some("two")
        );
        assert!(fs::write(mount.file(".pop3fs/ctl"), "commit\n").is_err());
    });
}

/// Marks outlive a commit that the server refuses, and the next commit carries them out.
#[test]
fn a_commit_can_be_tried_again() {
    mounted(serving_three(), &[], |mount, server| {
        remove(mount, "two");
        server.fault(Fault::refuse_quit("not now"));
        assert!(!mount.verb("commit", &[]).status.success());
        assert_eq!(mount.names_in(DELETED), ["two"]);
        server.clear_faults();
        mount.verb("commit", &[]).succeeded();
        assert_eq!(held_by(server), ["one", "three"]);
    });
}

/// `-o ro` refuses `rm`.
#[test]
fn a_read_only_mount_refuses_to_remove() {
    mounted(serving_three(), &["-o", "ro"], |mount, server| {
        let error = fs::remove_file(mount.file("two")).expect_err("a refusal");
        assert_eq!(error.raw_os_error(), Some(nix::libc::EROFS));
        mount.umount().succeeded();
        assert_eq!(server.count("DELE"), 0);
    });
}

/// `pop3fs status` tells how many messages there are and how many are marked, for people and, with
/// `--json`, for programs; `.pop3fs/status` is the same.
#[test]
fn status_tells_messages_and_marks() {
    mounted(serving_three(), &[], |mount, _| {
        remove(mount, "two");
        let told = mount.verb("status", &["--json"]).succeeded().text();
        for status in [
            serde_json::from_str(&told).expect("JSON"),
            json(mount, ".pop3fs/status"),
        ] {
            assert_eq!(status["messages"], 3);
            assert_eq!(status["marked"], 1);
            assert_eq!(status["pid"], mount.daemon().id().as_raw());
        }
        let table = mount.verb("status", &[]).succeeded();
        assert!(table.says("marked"), "{table:?}");
    });
}

const DELETED: &str = ".pop3fs/deleted";

fn remove(mount: &Mount, name: &str) {
    fs::remove_file(mount.file(name)).expect("a file to remove");
}

fn read(mount: &Mount, name: &str) -> String {
    fs::read_to_string(mount.file(name)).expect("a file to read")
}

fn json(mount: &Mount, name: &str) -> Value {
    serde_json::from_str(&read(mount, name)).expect("JSON")
}
