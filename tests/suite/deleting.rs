//! Removing messages, taking that back, and committing it.

use std::fs::{self, File};
use std::io::Read;

use nix::libc;
use pop3fs_server::{Fault, Message, When};
use serde_json::Value;

use crate::support::mailbox::{account, held_by, serving, serving_three, text};
use crate::support::mount::{Mount, Site};
use crate::support::process::eventually;
use crate::support::skip::{Need, lacking};
use crate::support::stage::mounted;

/// Removing a file marks its message and deletes nothing on the server. The file moves to the
/// directory deleted in the control directory.
///
/// It can still be read there.
#[test]
fn a_removed_message_moves_to_the_deleted_ones() {
    mounted(serving_three(), &[], |mount, server| {
        mount.remove(&["two"]);
        assert_eq!(mount.names(), ["one", "three"]);
        assert_eq!(mount.names_in(DELETED), ["two"]);
        assert_eq!(read(mount, ".pop3fs/deleted/two"), text("two"));
        assert_eq!(server.count("DELE"), 0);
        assert_eq!(held_by(server), ["one", "two", "three"]);
    });
}

/// Whoever has a file open when it is removed can read on.
#[test]
fn an_open_file_outlives_its_name() {
    mounted(serving_three(), &[], |mount, _| {
        let mut file = File::open(mount.file("two")).expect("a file to open");
        mount.remove(&["two"]);
        let mut octets = String::new();
        file.read_to_string(&mut octets).expect("a file to read");
        assert_eq!(octets, text("two"));
    });
}

/// `pop3fs undelete` brings messages back, by name or all of them.
#[test]
fn undelete_brings_messages_back() {
    mounted(serving_three(), &[], |mount, server| {
        for name in ["one", "two", "three"] {
            mount.remove(&[name]);
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

/// A mark is taken off by moving the file from `deleted` back to the root, under its own name, or by
/// the verb `undelete`.
///
/// What was brought back so is not deleted.
#[test]
fn a_move_or_the_verb_takes_a_mark_off() {
    mounted(serving_three(), &[], |mount, server| {
        mount.remove(&["two"]);
        mount.remove(&["three"]);
        let marked = mount.file(".pop3fs/deleted/two");
        fs::rename(&marked, mount.file("another")).expect_err("another name");
        assert_eq!(mount.names_in(DELETED), ["three", "two"]);
        fs::rename(&marked, mount.file("two")).expect("a file to move");
        mount.verb("undelete", &["three"]).succeeded();
        assert_eq!(mount.names(), ["one", "three", "two"]);
        mount.umount().succeeded();
        assert_eq!(held_by(server), ["one", "two", "three"]);
    });
}

/// Where the server lists a part of the mailbox, or says that it lists no more what was retrieved
/// (EXPIRE 0), a marked message that it lists no longer is not taken for deleted: the mark is kept
/// until the message is listed again, or until undelete takes the mark off, and no commit is complete
/// before that.
#[test]
fn a_mark_out_of_sight_is_kept_until_it_is_taken_off() {
    const WINDOW: usize = 250;
    let message = |name: &str| Message::new(name, text(name).as_bytes());
    let messages = (0..WINDOW).map(|number| message(&format!("m{number}")));
    mounted(serving(messages.collect()), &[], |mount, server| {
        server.fault(Fault::NewestOnly(WINDOW));
        mount.remove(&["m0", "m1"]);
        server.deliver(message("x"));
        server.deliver(message("y"));
        mount.verb("refresh", &[]).succeeded();
        let status = mount.verb("status", &[]);
        assert!(status.says("2, 2 of them not listed now"), "{status:?}");

        let commit = mount.verb("commit", &[]);
        assert!(!commit.status.success() && commit.says("m1: not confirmed"));
        let undelete = mount.verb("undelete", &["m1"]).succeeded();
        assert_eq!(
            undelete.text(),
            "m1: not marked any more, and not listed now\n"
        );
        server.expunge(b"x");
        server.expunge(b"y");
        mount.verb("refresh", &[]).succeeded();
        mount.verb("commit", &[]).succeeded();
        let held = held_by(server);
        assert!(!held.contains(&"m0".to_owned()) && held.contains(&"m1".to_owned()));
    });
}

/// While a commit deletes a message, and until a listing shows what has become of one that a commit may
/// have deleted, its mark cannot be taken off (EBUSY).
#[test]
fn what_may_be_gone_is_not_brought_back() {
    mounted(serving_three(), &[], |mount, server| {
        let assert_busy = |name: &str| {
            let back = fs::rename(mount.file(DELETED).join(name), mount.file(name));
            let error = back.expect_err("it may be gone");
            assert_eq!(error.raw_os_error(), Some(libc::EBUSY));
        };
        mount.remove(&["two"]);
        let answer = server.hold_reply(When::first("QUIT"));
        fs::write(mount.file(".pop3fs/ctl"), "commit nowait\n").expect("a commit begun");
        assert!(answer.reached());
        assert_busy("two");
        answer.release();

        mount.verb("refresh", &[]).succeeded();
        mount.remove(&["three"]);
        server.fault(Fault::CutBefore(When::every("QUIT")));
        server.close_door();
        let unsure = mount.verb("commit", &[]);
        assert!(unsure.says("three: not confirmed"), "{unsure:?}");
        assert_busy("three");
        server.open_door();
        mount.verb("refresh", &[]).succeeded();
        assert_eq!(mount.names_in(DELETED), [""; 0]);
        assert_eq!(held_by(server), ["one"]);
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

/// A commit deletes the marked messages on the server, those and no others.
///
/// `pop3fs commit` leaves the mount in place; `.pop3fs/last-commit` tells what became of each.
#[test]
fn commit_deletes_and_leaves_the_mount() {
    mounted(serving_three(), &[], |mount, server| {
        mount.remove(&["two"]);
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
        mount.remove(&["two"]);
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
        mount.remove(&["one"]);
        mount.remove(&["two"]);
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
        mount.remove(&["two"]);
        server.fault(Fault::refuse_quit("not now"));
        assert!(!mount.verb("commit", &[]).status.success());
        assert_eq!(mount.names_in(DELETED), ["two"]);
        server.clear_faults();
        mount.verb("commit", &[]).succeeded();
        assert_eq!(held_by(server), ["one", "three"]);
    });
}

/// With `ro` nothing can be removed, and no marks are taken over.
///
/// They stay for a mount that can carry them out.
#[test]
fn a_read_only_mount_neither_removes_nor_takes_marks_over() {
    if lacking(&[Need::Fuse]) {
        return;
    }
    let (server, site) = (serving_three(), Site::new());
    let killed = site.mount(&account(&server));
    killed.remove(&["one"]);
    killed.kill();
    drop(killed);

    let reading = site.mount_with(&account(&server), &["-o", "ro"]);
    assert_eq!(reading.names(), ["one", "three", "two"]);
    let error = fs::remove_file(reading.file("two")).expect_err("a refusal");
    assert_eq!(error.raw_os_error(), Some(libc::EROFS));
    reading.umount().succeeded();
    assert_eq!(server.count("DELE"), 0);
    drop(reading);

    let next = site.mount(&account(&server));
    assert_eq!(next.names(), ["three", "two"]);
}

/// A mark holds for no other message that has been given the same unique-id since: for none of
/// another size, nor, where the message was in memory when it was removed and the server has TOP,
/// for one with another Message-ID, Date, From or Subject.
#[test]
fn a_mark_does_not_pass_to_another_message() {
    if lacking(&[Need::Fuse]) {
        return;
    }
    let (server, site) = (serving_three(), Site::new());
    let killed = site.mount(&account(&server));
    for name in ["one", "two", "three"] {
        assert_eq!(read(&killed, name), text(name));
        killed.remove(&[name]);
    }
    killed.kill();
    drop(killed);
    for (name, another) in [("one", "six"), ("two", "eleven")] {
        server.expunge(name.as_bytes());
        server.deliver(Message::new(name, text(another).as_bytes()));
    }

    let next = site.mount(&account(&server));
    eventually("two marks are off", || next.names() == ["one", "two"]);
    assert_eq!(next.names_in(DELETED), ["three"]);
    assert_eq!(read(&next, "one"), text("six"));
    next.umount().succeeded();
    assert_eq!(held_by(&server), ["one", "two"]);
}

/// A message that the server gives no unique-id cannot be removed, as it could not be found again
/// to be deleted, and what was read of it is fetched anew in each session.
#[test]
fn what_has_no_unique_id_cannot_be_removed() {
    let server = serving_three();
    for name in ["two", "three"] {
        server.fault(Fault::UniqueId(name.into(), Vec::new()));
    }
    mounted(server, &[], |mount, server| {
        let names = mount.names();
        assert_eq!(names, ["%no-unique-id", "%no-unique-id~2", "one"]);
        for name in &names[..2] {
            let error = fs::remove_file(mount.file(name)).expect_err("a refusal");
            assert_eq!(error.raw_os_error(), Some(libc::EPERM), "{name}");
        }
        mount.remove(&["one"]);
        mount.umount().succeeded();
        assert_eq!(held_by(server), ["two", "three"]);
    });
}

/// `pop3fs status` tells how many messages there are and how many are marked, for people and, with
/// `--json`, for programs; `.pop3fs/status` is the same.
#[test]
fn status_tells_messages_and_marks() {
    mounted(serving_three(), &[], |mount, _| {
        mount.remove(&["two"]);
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

fn read(mount: &Mount, name: &str) -> String {
    fs::read_to_string(mount.file(name)).expect("a file to read")
}

fn json(mount: &Mount, name: &str) -> Value {
    serde_json::from_str(&read(mount, name)).expect("JSON")
}
