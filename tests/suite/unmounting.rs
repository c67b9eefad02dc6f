//! The verbs `umount` and `commit`: they wait as long as it takes, and no longer than whoever
//! called them.

use std::fs;
use std::io::Read;
use std::process::Command;

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pop3fs_server::{Fault, When};

use crate::support::exit_status::TEMPORARY_FAILURE;
use crate::support::mailbox::{account, held_by, serving_three};
use crate::support::mount::{Mount, is_mounted, pop3fs};
use crate::support::process::{Running, eventually, start};
use crate::support::skip::Need;
use crate::support::stage::{mounted, played_by_nobody, staged};

/// A verb that waits for the server can be interrupted at any time; what it asked for goes on.
#[test]
fn a_verb_can_be_interrupted_and_its_commit_goes_on() {
    mounted(serving_three(), &[], |mount, server| {
        mount.remove(&["two"]);
        let answer = server.hold_reply(When::first("QUIT"));
        let commit = beginning(mount, "commit");
        assert!(answer.reached());
        let id = Pid::from_raw(commit.id().try_into().expect("a process id"));
        kill(id, Signal::SIGINT).expect("a verb to interrupt");
        assert_eq!(commit.finish().code(), None, "it ends by the signal");
        answer.release();
        eventually("the commit ends", || held_by(server) == ["one", "three"]);
    });
}

/// The verbs wait for a commit that takes longer than a write to `ctl` may.
#[test]
fn a_verb_outwaits_the_time_out() {
    mounted(serving_three(), &["--timeout", "5"], |mount, server| {
        mount.remove(&["two"]);
        let answer = server.hold_reply(When::first("QUIT"));
        let mut umount = beginning(mount, "umount");
        assert!(answer.reached());
        let by_hand = fs::write(mount.file(".pop3fs/ctl"), "commit\n").expect_err("a time-out");
        assert_eq!(by_hand.raw_os_error(), Some(libc::ETIMEDOUT));
        assert!(!umount.has_ended());
        answer.release();
        umount.finish().succeeded();
        assert_eq!(held_by(server), ["one", "three"]);
    });
}

/// `commit nowait` returns before the commit is done; `status` tells when it is.
#[test]
fn a_write_that_does_not_wait_is_followed_in_status() {
    mounted(serving_three(), &[], |mount, server| {
        mount.remove(&["two"]);
        let answer = server.hold_reply(When::first("QUIT"));
        fs::write(mount.file(".pop3fs/ctl"), "commit nowait\n").expect("a commit begun");
        assert!(is_committing(mount));
        assert!(answer.reached());
        assert!(is_committing(mount));
        answer.release();
        eventually("the commit ends", || !is_committing(mount));
        assert_eq!(held_by(server), ["one", "three"]);
    });
}

/// A mount that programs use is neither committed nor unmounted by the verb umount, which names the
/// programs; with --lazy it is.
#[test]
fn a_mount_in_use_is_left_alone_unless_lazily() {
    mounted(serving_three(), &[], |mount, server| {
        mount.remove(&["two"]);
        let shell = start(Command::new("sleep").arg("600").current_dir(mount.path()));
        let umount = mount.umount();
        assert_eq!(umount.code(), Some(TEMPORARY_FAILURE), "{umount:?}");
        let holder = format!("sleep ({}) works in it", shell.id());
        assert!(umount.says(&holder), "{umount:?}");
        assert!(is_mounted(&mount.path()));
        assert_eq!(mount.names_in(".pop3fs/deleted"), ["two"]);
        assert_eq!(server.count("DELE"), 0);

        mount.verb("umount", &["--lazy"]).succeeded();
        assert!(!is_mounted(&mount.path()));
        assert_eq!(held_by(server), ["one", "three"]);
    });
}

/// What the verb umount could not delete is not tried a second time by the unmount that follows.
#[test]
fn a_commit_that_failed_is_not_repeated_by_the_unmount() {
    mounted(serving_three(), &[], |mount, server| {
        mount.remove(&["two"]);
        server.fault(Fault::refuse_dele("two", "not now"));
        let umount = mount.umount();
        assert_eq!(umount.code(), Some(TEMPORARY_FAILURE), "{umount:?}");
        mount.daemon().await_end();
        assert_eq!(server.count("DELE"), 1);
    });
}

/// With --force the verb umount ends the mount at once and without a commit, whatever the server and
/// the process do; what is marked stays marked.
#[test]
fn force_ends_a_mount_without_a_commit() {
    assert_ends_by_force(|_| {});
}

/// The same where the process does not listen.
#[test]
fn force_ends_a_process_that_is_stopped() {
    assert_ends_by_force(|mount| mount.daemon().signal(Signal::SIGSTOP));
}

/// The same where an ordinary user has mounted, whose processes cannot look into that of the mount.
#[test]
fn force_ends_a_process_that_is_closed_to_its_user() {
    played_by_nobody(serving_three(), FORCE_A_STOPPED_PROCESS, |forced, _| {
        assert!(!forced.succeeded().says("cannot be ended"));
    });
}

const FORCE_A_STOPPED_PROCESS: &str = r#"
set -ex
cd "${2%/*}"
for mail in "$2" "${2##*/}"; do
    nobody pop3fs "$1" "$mail" -o "$3"
    daemon=$(daemon "$mail")
    kill -STOP $daemon
    nobody pop3fs umount --force "$mail"
    test -z "$(tr -d '\0' </proc/$daemon/cmdline)"
done
"#;

/// Another mailbox stays as it is, even where its mount point was given by the same name.
#[test]
fn force_ends_no_process_of_another_mailbox() {
    played_by_nobody(serving_three(), FORCE_BESIDE_ANOTHER, |forced, _| {
        forced.succeeded();
    });
}

const FORCE_BESIDE_ANOTHER: &str = r#"
set -ex
cd "${2%/*}"
nobody mkdir -p "other/${2##*/}"
nobody pop3fs "$1" "${2##*/}" -o "$3"
nobody pop3fs park "$2"
nobody pop3fs "$1" "$PWD/other/${2##*/}" -o "$3,ro"
kill -9 "$(daemon "other/${2##*/}")"
nobody pop3fs umount --force "other/${2##*/}"
test -z "$(findmnt "$PWD/other/${2##*/}")"
nobody pop3fs umount "$2"
"#;

/// The mount is waiting for the server when it is hindered, and ended.
#[track_caller]
fn assert_ends_by_force(hinder: impl FnOnce(&Mount)) {
    mounted(serving_three(), &[], |mount, server| {
        mount.remove(&["two"]);
        let answer = server.hold_reply(When::first("QUIT"));
        let commit = beginning(mount, "commit");
        assert!(answer.reached());
        hinder(mount);
        let forced = mount.verb("umount", &["--force"]).succeeded();
        assert!(forced.says("marked"), "{forced:?}");
        assert!(!is_mounted(&mount.path()));
        assert!(!mount.daemon().is_running());
        assert!(!commit.finish().status.success());
    });
}

/// Users who are not root unmount in every manner; what they have in use is named to them, too.
#[test]
fn users_unmount_in_every_manner() {
    played_by_nobody(serving_three(), UNMOUNT_AS_NOBODY, |unmounted, server| {
        unmounted.succeeded();
        assert_eq!(held_by(server), ["three"]);
    });
}

const UNMOUNT_AS_NOBODY: &str = r#"
set -ex
nobody pop3fs "$1" "$2" -o "$3"
nobody rm "$2/one"
nobody pop3fs umount --force "$2" | grep 'the marked message stays marked'
test -z "$(findmnt "$2")"

nobody pop3fs "$1" "$2" -o "$3"
nobody rm "$2/two"
mkfifo -m 666 "$2.opened"
nobody sh -c 'exec <"$0/three"; echo $$ >"$0.opened"; exec sleep 600' "$2" &
read -r holder <"$2.opened"
nobody pop3fs umount "$2" 2>&1 | grep 'has .*/three open'
nobody pop3fs umount --lazy "$2" | grep '2 deleted, 1 left, verified'
kill $holder
"#;

/// SIGQUIT ends the process without a commit, and the next mount takes the marks over.
#[test]
fn a_quit_commits_nothing() {
    staged(serving_three(), &[Need::Fuse], |site, server| {
        let mount = site.mount(&account(server));
        mount.remove(&["two"]);
        mount.daemon().signal(Signal::SIGQUIT);
        mount.daemon().await_end();
        assert!(!is_mounted(&mount.path()));
        assert_eq!(server.count("DELE"), 0);
        drop(mount);
        let next = site.mount(&account(server));
        assert_eq!(next.names_in(".pop3fs/deleted"), ["two"]);
    });
}

/// A commit that is verified is held against a new listing: what the server confirmed and still lists
/// stays marked, and what could not be looked at is not said to be gone.
#[test]
fn a_commit_is_held_against_a_new_listing() {
    mounted(serving_three(), &[], |mount, server| {
        mount.remove(&["two", "three"]);
        server.fault(Fault::QuitForgets("two".into()));
        let commit = mount.verb("commit", &[]);
        assert_eq!(commit.code(), Some(TEMPORARY_FAILURE), "{commit:?}");
        assert!(commit.says("1 deleted, 2 left, verified"), "{commit:?}");
        assert!(
            commit.says("two: not deleted: the server confirmed"),
            "{commit:?}"
        );
        assert_eq!(mount.names_in(".pop3fs/deleted"), ["two"]);

        server.clear_faults();
        server.fault(Fault::CutAfter(When::first("QUIT")));
        server.close_door();
        let unsure = mount.verb("commit", &[]);
        assert_eq!(unsure.code(), Some(TEMPORARY_FAILURE), "{unsure:?}");
        assert!(
            unsure.says("two: not confirmed: the server confirmed"),
            "{unsure:?}"
        );
        assert_eq!(held_by(server), ["one"]);

        server.open_door();
        let settled = mount.verb("commit", &[]).succeeded();
        assert!(settled.says("1 deleted, 1 left"), "{settled:?}");
        assert_eq!(server.count("DELE"), 3);
    });
}

/// With `--verify-commit` a plain unmount is verified, too.
#[test]
fn a_mount_can_have_every_commit_verified() {
    for (options, kept) in [(&[][..], false), (&["-o", "verify_commit"], true)] {
        mounted(serving_three(), options, |mount, server| {
            mount.remove(&["two"]);
            server.fault(Fault::QuitForgets("two".into()));
            mount.daemon().signal(Signal::SIGTERM);
            mount.daemon().await_end();
            let log = fs::read_to_string(mount.site().log()).expect("a log");
            assert_eq!(log.contains("still lists it"), kept, "{log}");
        });
    }
}

/// With commit_every a commit deletes so many messages in one session and goes on in the next, so that
/// a lost link leaves only those in doubt that were deleted in its session.
#[test]
fn a_large_commit_can_be_spread_over_sessions() {
    mounted(
        serving_three(),
        &["-o", "commit_every=1"],
        |mount, server| {
            for name in ["one", "two", "three"] {
                fs::remove_file(mount.file(name)).expect("a file to remove");
            }
            server.fault(Fault::CutUndone(When::nth("QUIT", 3)));
            let commit = mount.verb("commit", &[]).succeeded();
            assert!(commit.says("3 deleted, 0 left, verified"), "{commit:?}");
            assert_eq!(server.count("DELE"), 4, "the third twice");
            assert_eq!(held_by(server), [""; 0]);
        },
    );
}

/// With delete_guard no commit deletes more messages than that which no program has read to the end in
/// this mount, unless the verb that asks for it says yes; they stay marked, also when the mailbox is
/// unmounted.
#[test]
fn what_nobody_has_read_is_guarded() {
    staged(serving_three(), &[Need::Fuse], |site, server| {
        let mount = site.mount_with(&account(server), &["-o", "delete_guard=1"]);
        mount.remove(&["one", "two", "three"]);
        mount.daemon().signal(Signal::SIGTERM);
        mount.daemon().await_end();
        assert_eq!(server.count("DELE"), 0);
        drop(mount);

        let mount = site.mount_with(&account(server), &["-o", "delete_guard=1"]);
        assert_eq!(mount.names_in(".pop3fs/deleted").len(), 3);
        for name in ["one", "two", "three"] {
            let mut file =
                fs::File::open(mount.file(".pop3fs/deleted").join(name)).expect("a file");
            file.read_exact(&mut [0; 4]).expect("its beginning");
        }
        let refused = mount.verb("commit", &[]);
        assert_eq!(refused.code(), Some(TEMPORARY_FAILURE), "{refused:?}");
        assert!(
            refused.says("3 of the 3 marked messages were never read"),
            "{refused:?}"
        );
        for name in ["one", "two"] {
            fs::read(mount.file(".pop3fs/deleted").join(name)).expect("a file to read");
        }
        mount.verb("commit", &[]).succeeded();
        assert_eq!(held_by(server), [""; 0]);
        mount.umount().succeeded();
    });
}

/// The verb umount can say yes, too.
#[test]
fn who_unmounts_can_say_yes() {
    mounted(
        serving_three(),
        &["-o", "delete_guard=0"],
        |mount, server| {
            mount.remove(&["two"]);
            mount.verb("umount", &["--yes"]).succeeded();
            assert_eq!(held_by(server), ["one", "three"]);
        },
    );
}

fn beginning(mount: &Mount, verb: &str) -> Running {
    start(pop3fs().arg(verb).arg(mount.path()))
}

fn is_committing(mount: &Mount) -> bool {
    let status = fs::read_to_string(mount.file(".pop3fs/status")).expect("a status");
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    status["committing"] == true
}
