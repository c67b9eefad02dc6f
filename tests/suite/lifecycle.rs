//! How a mount begins, and that every orderly end of it commits.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use nix::sys::signal::Signal;
use pop3fs_server::{Fault, Server, When};

use crate::support::exit_status::{CONFIGURATION, TEMPORARY_FAILURE};
use crate::support::mailbox::{account, held_by, serving_three, text};
use crate::support::mount::{Mount, Site, is_mounted, pop3fs};
use crate::support::process::{Running, eventually, run, start};
use crate::support::skip::{Need, lacking};
use crate::support::stage::{mounted, staged};

/// Unmounting commits, in whatever way it is done: by the verb `umount`, by umount(8) or
/// fusermount3(1), lazily, with files still open, or by sending SIGTERM or SIGINT to the process.
///
/// The daemon ends, too: soon after the last open file is closed.
#[test]
fn every_way_to_unmount_commits() {
    for (way, end) in WAYS {
        println!("{way}");
        assert_commits(end);
    }
    for (way, end) in WAYS_WITH_A_FILE_OPEN {
        println!("{way}, with a file open");
        assert_commits_with_a_file_open(end);
    }
}

/// How an unmount is asked for.
type Way = (&'static str, fn(&Mount));

const WAYS: [Way; 6] = [
    ("the verb umount", |mount| drop(mount.umount().succeeded())),
    ("umount", |mount| by(mount, "umount", "--")),
    ("fusermount3", |mount| by(mount, "fusermount3", "-u")),
    LAZY,
    TERMINATION,
    ("SIGINT", |mount| mount.daemon().signal(Signal::SIGINT)),
];

const WAYS_WITH_A_FILE_OPEN: [Way; 2] = [LAZY, TERMINATION];

const LAZY: Way = ("umount -l", |mount| by(mount, "umount", "-l"));

const TERMINATION: Way = ("SIGTERM", |mount| mount.daemon().signal(Signal::SIGTERM));

fn by(mount: &Mount, program: &str, option: &str) {
    run(Command::new(program).arg(option).arg(mount.path())).succeeded();
}

/// The daemon ends also if a file stays open, so that it does not outlive its use.
#[test]
fn a_file_that_stays_open_does_not_keep_the_daemon() {
    let mut open = None;
    assert_commits(|mount| {
        open = Some(File::open(mount.file("one")).expect("a file to open"));
        mount.daemon().signal(Signal::SIGTERM);
    });
}

/// A second SIGTERM or SIGINT ends the process at once, in the middle of a commit as well: what the
/// server has not been told by QUIT to delete is not deleted, and stays marked.
#[test]
fn a_commit_can_be_interrupted() {
    staged(serving_three(), &[Need::Fuse], |site, server| {
        let mount = site.mount(&account(server));
        mount.remove(&["one", "two"]);
        let answer = server.hold_reply(When::first("DELE"));
        mount.daemon().signal(Signal::SIGTERM);
        assert!(answer.reached());
        mount.daemon().signal(Signal::SIGTERM);
        mount.daemon().await_end();
        answer.release();
        drop(mount);
        assert_eq!(server.count("QUIT"), 0);
        let log = fs::read_to_string(site.log()).expect("a log");
        assert!(
            log.contains("commit: interrupted; the marks are kept"),
            "{log}"
        );

        let next = site.mount(&account(server));
        assert_eq!(next.names_in(".pop3fs/deleted"), ["one", "two"]);
        assert_eq!(held_by(server).len(), 3);
    });
}

/// `umount` commits, and the daemon ends, while another mount namespace (a container, a sandbox)
/// still holds a copy of the mount.
#[test]
fn umount_commits_though_a_namespace_holds_a_copy() {
    if lacking(&[Need::Root]) {
        return;
    }
    let mut namespace = None;
    assert_commits(|mount| {
        namespace = Some(namespace_with_a_copy(mount));
        run(Command::new("umount").arg(mount.path())).succeeded();
    });
}

/// `kill -9` commits nothing.
#[test]
fn a_killed_daemon_commits_nothing() {
    mounted(serving_three(), &[], |mount, server| {
        mount.remove(&["two"]);
        mount.kill();
        assert_eq!(held_by(server), ["one", "two", "three"]);
        assert_eq!(server.count("DELE"), 0);
    });
}

/// `pop3fs umount` takes a mount away whose daemon was killed, and says that nothing is committed.
#[test]
fn a_dead_mount_can_be_taken_away() {
    mounted(serving_three(), &[], |mount, server| {
        mount.remove(&["two"]);
        mount.kill();

        let umount = mount.umount();
        assert_eq!(umount.code(), Some(TEMPORARY_FAILURE), "{umount:?}");
        assert!(umount.says("nothing is committed"), "{umount:?}");
        assert!(!is_mounted(&mount.path()));
        assert_eq!(held_by(server), ["one", "two", "three"]);
    });
}

/// An account's journal is one process's at a time, which is named to whoever wants it too.
#[test]
fn an_account_is_mounted_once_and_it_is_told_by_whom() {
    mounted(serving_three(), &[], |mount, server| {
        let elsewhere = mount.site().beside("elsewhere");
        fs::create_dir(&elsewhere).expect("a directory to create");
        let account = account(server);
        let refused = run(pop3fs()
            .arg(account.source())
            .arg(elsewhere)
            .args(account.options())
            .arg("--state-dir")
            .arg(mount.site().state()));
        assert_eq!(refused.code(), Some(TEMPORARY_FAILURE), "{refused:?}");
        let holder = format!("process {} has this account mounted", mount.daemon().id());
        assert!(refused.says(&holder), "{refused:?}");
    });
}

/// With `-f` the program stays in the foreground until the mount is gone; its exit status is 0
/// when everything is committed.
#[test]
fn in_the_foreground_the_exit_status_tells_that_all_is_committed() {
    if lacking(&[Need::Fuse]) {
        return;
    }
    let server = serving_three();
    let site = Site::new();
    let (program, mount) = site.mount_in_foreground(&account(&server));
    mount.remove(&["two"]);
    run(Command::new("umount").arg(mount.path())).succeeded();
    program.finish().succeeded();
    assert_eq!(held_by(&server), ["one", "three"]);
}

/// What a commit could not delete, or could not be sure of, stays marked, and the commit is no
/// success.
#[test]
fn what_is_not_gone_for_sure_stays_marked() {
    mounted(serving_three(), &[], |mount, server| {
        mount.remove(&["two"]);
        server.fault(Fault::refuse_dele("two", "not now"));
        let refused = mount.verb("commit", &[]);
        assert_eq!(refused.code(), Some(TEMPORARY_FAILURE), "{refused:?}");
        assert_eq!(mount.names_in(".pop3fs/deleted"), ["two"]);
    });
    mounted(serving_three(), &[], |mount, server| {
        mount.remove(&["two"]);
        let answer = server.hold_reply(When::first("QUIT"));
        let commit = start(pop3fs().arg("commit").arg(mount.path()));
        assert!(answer.reached());
        server.close_door();
        server.cut();
        answer.release();
        let unsure = commit.finish();
        assert_eq!(unsure.code(), Some(TEMPORARY_FAILURE), "{unsure:?}");
        assert!(unsure.says("two: not confirmed"), "{unsure:?}");
        assert!(unsure.says("marked in the journal: 1"), "{unsure:?}");
        assert_eq!(mount.names_in(".pop3fs/deleted"), ["two"]);
    });
}

/// A commit that the server refuses is no success: `pop3fs umount` fails and says why, the program
/// in the foreground fails too, and the marks are kept for the next mount.
#[test]
fn a_refused_commit_fails_and_keeps_the_marks() {
    if lacking(&[Need::Fuse]) {
        return;
    }
    let server = serving_three();
    let site = Site::new();
    let (program, mount) = site.mount_in_foreground(&account(&server));
    mount.remove(&["two"]);
    server.fault(Fault::refuse_quit("[SYS/TEMP] not now"));

    let umount = mount.umount();
    assert_eq!(umount.code(), Some(TEMPORARY_FAILURE), "{umount:?}");
    assert!(umount.says("not now"), "{umount:?}");
    assert_eq!(program.finish().code(), Some(TEMPORARY_FAILURE));
    assert_eq!(held_by(&server), ["one", "two", "three"]);

    server.clear_faults();
    drop(mount);
    let next = site.mount(&account(&server));
    assert_eq!(next.names(), ["one", "three"]);
    next.umount().succeeded();
    assert_eq!(held_by(&server), ["one", "three"]);
}

/// A commit is complete when the server has said so, or when a new listing shows that the messages
/// are gone.
#[test]
fn a_commit_whose_answer_is_lost_is_looked_into() {
    mounted(serving_three(), &[], |mount, server| {
        mount.remove(&["two"]);
        server.fault(Fault::CutBefore(When::first("QUIT")));
        mount.umount().succeeded();
        assert_eq!(held_by(server), ["one", "three"]);
    });
}

/// Who can write to the state directory can have the log written elsewhere, which matters to a
/// read-only mount as well.
#[test]
fn a_read_only_mount_does_not_use_a_directory_that_others_can_write_to() {
    let (server, site) = (serving_three(), Site::new());
    fs::set_permissions(site.state(), fs::Permissions::from_mode(0o777))
        .expect("our own directory");
    let refused = run(site.command(&account(&server)).args(["-o", "ro"]));
    assert_eq!(refused.code(), Some(CONFIGURATION), "{refused:?}");
    assert!(refused.says("chmod go-w"), "{refused:?}");
    let left = fs::read_dir(site.state()).expect("a directory");
    assert_eq!(left.count(), 0);
}

/// Mounts, removes `two`, ends the mount in some way, and looks at what became of it.
#[track_caller]
fn assert_commits(end: impl FnOnce(&Mount)) {
    mounted(serving_three(), &[], |mount, server| {
        mount.remove(&["two"]);
        end(mount);
        assert_ended_with_commit(mount, server);
    });
}

/// The same with a file open meanwhile, which can be read on until it is closed.
#[track_caller]
fn assert_commits_with_a_file_open(end: impl FnOnce(&Mount)) {
    mounted(serving_three(), &[], |mount, server| {
        let mut file = File::open(mount.file("one")).expect("a file to open");
        mount.remove(&["two"]);
        end(mount);
        eventually("it commits", || held_by(server) == ["one", "three"]);
        let mut octets = String::new();
        file.read_to_string(&mut octets).expect("a file to read");
        assert_eq!(octets, text("one"));
        drop(file);
        assert_ended_with_commit(mount, server);
    });
}

#[track_caller]
fn assert_ended_with_commit(mount: &Mount, server: &Server) {
    mount.daemon().await_end();
    assert_eq!(held_by(server), ["one", "three"]);
    assert!(!is_mounted(&mount.path()));
}

/// A process in a mount namespace of its own, made while the mount was there.
fn namespace_with_a_copy(mount: &Mount) -> Running {
    let mut process = start(Command::new("unshare").args(["-m", "sleep", "600"]));
    let own = fs::read_link("/proc/self/ns/mnt").expect("a namespace");
    let theirs = format!("/proc/{}/ns/mnt", process.id());
    eventually("the namespace is made", || {
        process.has_ended() || fs::read_link(&theirs).is_ok_and(|theirs| theirs != own)
    });
    let table = fs::read_to_string(format!("/proc/{}/mountinfo", process.id()));
    let path = mount.path().display().to_string();
    assert!(table.expect("a mount table").contains(&path));
    process
}
