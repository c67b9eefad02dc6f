//! The process beside the one that serves the mailbox.

use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pop3fs_server::Message;

use crate::support::exit_status::TEMPORARY_FAILURE;
use crate::support::mailbox::{account, held_by, long_text, serving, serving_three};
use crate::support::mount::Mount;
use crate::support::namespace::NOBODY;
use crate::support::process::{eventually, run};
use crate::support::skip::Need;
use crate::support::stage::{mounted, staged};

/// More than is kept in memory of one message: half of the usual cache.
const TOO_LONG: usize = 33 << 20;

/// Where the keeper was killed, a commit still deletes what was marked, and says that the journal, which it
/// names, could not be written anew. The next mount finds that what it says is done.
#[test]
fn a_journal_is_out_of_date_where_the_keeper_was_killed() {
    staged(serving_three(), &[Need::Fuse], |site, server| {
        let mount = site.mount(&account(server));
        mount.remove(&["two"]);
        kill_keeper(&mount);
        let said = mount.verb("commit", &["--no-verify"]);
        let journal = site.journal();
        assert!(
            said.says(journal.to_str().expect("a path of ours")),
            "{said:?}"
        );
        assert!(said.says("the keeper is gone"), "{said:?}");
        mount.kill();
        drop(mount);
        site.mount(&account(server)).umount().succeeded();
        assert_eq!(held_by(server), ["one", "three"]);
    });
}

/// A message that is too long for memory is kept in a file without a name. The keeper makes it, where the
/// process that serves the mailbox can make none, and does not keep it.
#[test]
fn the_keeper_makes_the_file_of_a_long_message() {
    let message = long_text("long", TOO_LONG);
    let server = serving(vec![Message::new("long", &message)]);
    staged(server, &[Need::Fuse, Need::Root], |site, server| {
        let closed = site.beside("closed");
        fs::create_dir(&closed).expect("a directory to create");
        fs::set_permissions(&closed, Permissions::from_mode(0o700)).expect("our own directory");
        chown(&closed, Some(NOBODY), None).expect("a directory to give away");
        let mount = site.mount_by(site.command(&account(server)).env("TMPDIR", &closed));
        let mut file = File::open(mount.file("long")).expect("a message to open");
        let mut read = Vec::new();
        file.read_to_end(&mut read).expect("a message to read");
        assert!(read == message);
        let is_there = |file: &PathBuf| file.starts_with(&closed);
        let daemon = mount.daemon();
        assert_eq!(opened(daemon.id()).filter(is_there).count(), 1);
        let keeper = daemon.keeper().expect("a keeper");
        assert_eq!(opened(keeper).filter(is_there).count(), 0);
        assert_eq!(fs::read_dir(&closed).expect("a directory").count(), 0);
        drop(file);
        eventually("the file goes with who has it open", || {
            !opened(daemon.id()).any(|file| is_there(&file))
        });
    });
}

/// The keeper holds no connection to the kernel, which would keep the mount from ending.
#[test]
fn the_keeper_does_not_keep_the_mount() {
    staged(
        serving_three(),
        &[Need::Fuse, Need::Root],
        |site, server| {
            let mount = site.mount(&account(server));
            let keeper = mount.daemon().keeper().expect("a keeper");
            assert!(!opened(keeper).any(|it| it == Path::new("/dev/fuse")));
        },
    );
}

/// The keeper ends with the daemon, however that ends.
#[test]
fn the_keeper_ends_with_the_daemon() {
    mounted(serving_three(), &[], |mount, _| {
        assert!(mount.daemon().keeper().is_some());
        mount.kill();
        eventually("the keeper ends", || mount.daemon().keeper().is_none());
    });
}

/// A keeper that was killed is missed at once: the log and `status` say so.
#[test]
fn a_keeper_that_was_killed_is_missed_at_once() {
    mounted(serving_three(), &[], |mount, _| {
        assert!(!mount.verb("status", &[]).says("keeper"));
        kill_keeper(mount);
        eventually("status says so", || {
            mount.verb("status", &[]).says("keeper    gone")
        });
        let log = fs::read_to_string(mount.site().log()).expect("a log");
        assert!(log.contains("the keeper is gone"), "{log}");
    });
}

/// The keeper of a daemon that was killed may still be busy with the journal: no other mount has that
/// before it has ended.
#[test]
fn nobody_else_has_the_journal_before_the_keeper_has_ended() {
    staged(serving_three(), &[Need::Fuse], |site, server| {
        let mount = site.mount(&account(server));
        mount.remove(&["two"]);
        let keeper = mount.daemon().keeper().expect("a keeper");
        kill(keeper, Signal::SIGSTOP).expect("a process of ours");
        mount.kill();
        drop(mount);
        let refused = run(&mut site.command(&account(server)));
        kill(keeper, Signal::SIGCONT).expect("a process of ours");
        assert_eq!(refused.code(), Some(TEMPORARY_FAILURE), "{refused:?}");
        assert!(refused.says("has not quite ended"), "{refused:?}");
        site.mount(&account(server)).umount().succeeded();
        assert_eq!(held_by(server), ["one", "three"]);
    });
}

fn kill_keeper(mount: &Mount<'_>) {
    let keeper = mount.daemon().keeper().expect("a keeper");
    kill(keeper, Signal::SIGKILL).expect("a process of ours");
}

/// What a process has open.
fn opened(process: Pid) -> impl Iterator<Item = PathBuf> {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).expect("descriptors");
    descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
}
