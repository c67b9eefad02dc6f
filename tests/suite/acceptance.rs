//! A mailbox of 3,000 real messages on a real Dovecot, end to end, over TLS and in clear.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use crate::support::account::Account;
use crate::support::corpus::{Letter, letters, odd_letters, write_as_sent};
use crate::support::dovecot::Dovecot;
use crate::support::mount::{Mount, Site, is_mounted};
use crate::support::process::run;
use crate::support::skip::{Need, lacking};

const NEEDS: &[Need] = &[Need::Fuse, Need::Dovecot, Need::Program("openssl")];

/// How many messages the tests of deletion remove.
const REMOVED: usize = 100;

/// A file holds the octets of the message as POP3 carries it: every line ends in CRLF, the last
/// one too.
///
/// Once it has been read its size is the number of those octets, whatever the server's
/// LIST said (Dovecot's is 2 too small for a message without a last line end). Implicit TLS, STLS
/// and clear text give the same.
#[test]
fn every_file_holds_the_octets_of_its_message() {
    if lacking(NEEDS) {
        return;
    }
    let mailbox = [letters(), &odd_letters()].concat();
    let dovecot = Dovecot::with_letters(&mailbox);
    for account in [dovecot.implicit_tls(), dovecot.stls(), dovecot.in_clear()] {
        let site = Site::new();
        let mount = site.mount(&account);
        assert_eq!(
            mount.names(),
            names(&mailbox).into_iter().collect::<Vec<_>>()
        );
        for letter in &mailbox {
            assert_holds(&mount, letter);
        }
        mount.umount().succeeded();
    }
    assert_eq!(dovecot.names(), names(&mailbox));
}

/// `cp -r`, `tar`, `rsync -a` and `grep -rc` see in a mount what they see in a directory that
/// holds the same messages: the same names, the same octets, the same matches. The control
/// directory is not among them.
#[test]
fn tools_that_walk_the_tree_see_what_they_see_in_a_local_copy() {
    if lacking(&[Need::Program("rsync")]) {
        return;
    }
    let mailbox = [letters(), &odd_letters()].concat();
    over_tls_and_in_clear(&mailbox, |_, account| {
        let site = Site::new();
        let local = site.beside("local");
        fs::create_dir(&local).expect("a directory to create");
        write_as_sent(&mailbox, &local);
        let expected = contents(&local);

        let mount = site.mount(account);
        let mail = mount.path();
        for script in [
            "grep -rc e . | sort",
            "grep -rl Subject: . | sort",
            "find . -type f | sort | xargs cat | cksum",
        ] {
            assert_eq!(said_in(&mail, script), said_in(&local, script), "{script}");
        }
        for (name, script) in [
            ("cp", r#"cp -r . "$1""#),
            ("tar", r#"tar -cf - . | tar -xf - -C "$1""#),
            ("rsync", r#"rsync -a ./ "$1""#),
        ] {
            let copy = site.beside(name);
            fs::create_dir(&copy).expect("a directory to create");
            run(shell(script).arg(&copy).current_dir(&mail)).succeeded();
            assert!(contents(&copy) == expected, "{name} copied something else");
        }
        mount.umount().succeeded();
    });
}

/// `rm` marks messages; `pop3fs umount` deletes exactly those on the server and says so.
#[test]
fn umount_deletes_exactly_the_removed_messages() {
    over_tls_and_in_clear(letters(), |dovecot, account| {
        let site = Site::new();
        let mount = site.mount(account);
        let removed = remove_some(&mount);
        assert_eq!(
            dovecot.names(),
            names(letters()),
            "rm alone deletes nothing"
        );

        let umount = mount.umount().succeeded();

        let left = &names(letters()) - &removed;
        assert_eq!(dovecot.names(), left);
        assert!(umount.says(&format!("{REMOVED} deleted")), "{umount:?}");
        assert!(!is_mounted(&mount.path()));
        mount.daemon().await_end();
    });
}

/// Marks outlive the process. A process that is killed commits nothing; the next mount takes its
/// marks over and says so.
///
/// Unmounting that one deletes the messages.
#[test]
fn a_killed_daemon_deletes_nothing_and_the_next_mount_takes_its_marks_over() {
    over_tls_and_in_clear(letters(), |dovecot, account| {
        let site = Site::new();
        let mount = site.mount(account);
        let removed = remove_some(&mount);
        mount.kill();
        drop(mount);
        assert_eq!(dovecot.names(), names(letters()));

        let next = site.mount(account);
        let left = &names(letters()) - &removed;
        assert!(
            next.said().contains(&REMOVED.to_string()),
            "{}",
            next.said()
        );
        assert_eq!(next.names(), left.iter().cloned().collect::<Vec<_>>());
        next.umount().succeeded();
        assert_eq!(dovecot.names(), left);
    });
}

/// Goes through a test with a Dovecot of these messages over TLS, and with another one in clear; or
/// leaves it out.
fn over_tls_and_in_clear(mailbox: &[Letter], test: impl Fn(&Dovecot, &Account)) {
    if lacking(NEEDS) {
        return;
    }
    for way in [Dovecot::implicit_tls, Dovecot::in_clear] {
        let dovecot = Dovecot::with_letters(mailbox);
        test(&dovecot, &way(&dovecot));
    }
}

fn names(letters: &[Letter]) -> BTreeSet<String> {
    letters.iter().map(|letter| letter.name.clone()).collect()
}

#[track_caller]
fn assert_holds(mount: &Mount, letter: &Letter) {
    let path = mount.file(&letter.name);
    let octets = fs::read(&path).expect("a file to read");
    assert!(
        octets == letter.as_sent(),
        "{} holds something else",
        letter.name
    );
    let size = fs::metadata(&path).expect("a file to stat").size();
    assert_eq!(size, octets.len() as u64, "the size of {}", letter.name);
}

/// Removes every so many-th message with one rm; their names.
fn remove_some(mount: &Mount) -> BTreeSet<String> {
    let step = letters().len() / REMOVED;
    let removed: BTreeSet<String> = names(letters())
        .into_iter()
        .step_by(step)
        .take(REMOVED)
        .collect();
    run(Command::new("rm").args(&removed).current_dir(mount.path())).succeeded();
    removed
}

fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("a directory entry"))
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).expect("a file to read"))
        })
        .collect()
}

fn said_in(directory: &Path, script: &str) -> String {
    run(shell(script).current_dir(directory)).succeeded().text()
}

/// The arguments that follow are `$1`, `$2` and so on.
fn shell(script: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-o", "pipefail", "-c", script, "bash"]);
    command
}
