//! The password in the desktop's keyring.

use std::fs;
use std::process::Command;

use nix::errno::Errno;
use pop3fs_server::Server;

use crate::support::exit_status::CONFIGURATION;
use crate::support::keyring::{Bus, KEYRING, Keyring, Locked};
use crate::support::mailbox::{account, serving_three, text};
use crate::support::mount::{Mount, Site};
use crate::support::process::{Outcome, run};
use crate::support::skip::{Need, lacking};

const NEEDS: &[Need] = &[
    Need::Fuse,
    Need::Package(KEYRING),
    Need::Program("dbus-daemon"),
];

/// The keyring tells the password, by the same attributes as for mpop(1), and before the environment
/// does.
#[test]
fn the_keyring_tells_the_password() {
    if lacking(NEEDS) {
        return;
    }
    let (keyring, server, site) = (Keyring::start(), serving_three(), Site::new());
    keyring.keep("ann", "secret");
    keyring.keep("bob", "wrong");
    let mut command = command(&keyring, &site, &server);
    let mount = site.mount_by(command.env("POP3FS_PASSWORD", "wrong"));
    assert_eq!(mount.names(), ["one", "three", "two"]);
    mount.umount().succeeded();
}

/// The keyring is asked anew at each login.
#[test]
fn each_login_asks_the_keyring() {
    if lacking(NEEDS) {
        return;
    }
    let (keyring, server, site) = (Keyring::start(), serving_three(), Site::new());
    keyring.keep("ann", "secret");
    let mount = site.mount_by(&mut command(&keyring, &site, &server));
    let read_in_new_session = |mount: &Mount<'_>| {
        mount.verb("park", &[]).succeeded();
        fs::read_to_string(mount.file("one"))
    };
    keyring.keep("ann", "wrong");
    let refused = read_in_new_session(&mount).expect_err("another password");
    assert_eq!(refused.raw_os_error(), Some(Errno::EACCES as i32));
    keyring.keep("ann", "secret");
    mount.verb("refresh", &[]).succeeded();
    assert_eq!(read_in_new_session(&mount).unwrap(), text("one"));
    mount.umount().succeeded();
}

/// A keyring that is locked, and that nobody unlocks, is a failure of its own; unlocked, it does.
#[test]
fn a_keyring_that_stays_locked_is_said_to_be() {
    if lacking(NEEDS) {
        return;
    }
    let (mut keyring, server, site) = (Keyring::start(), serving_three(), Site::new());
    keyring.keep("ann", "secret");
    keyring.lock();
    let outcome = refused(&mut command(&keyring, &site, &server), &server);
    assert!(outcome.says("the keyring is locked"), "{outcome:?}");
    keyring.unlock();
    let mount = site.mount_by(&mut command(&keyring, &site, &server));
    mount.umount().succeeded();
}

/// Somebody who is asked on the desktop to unlock the keyring decides how it goes on.
#[test]
fn somebody_is_asked_to_unlock_the_keyring() {
    if lacking(NEEDS) {
        return;
    }
    for (consent, words) in [
        (true, "there is nothing behind this"),
        (false, "the keyring is locked, and was not unlocked"),
    ] {
        let (bus, server, site) = (Bus::start(), serving_three(), Site::new());
        let _keyring = Locked::start(&bus, consent);
        let mut command = site.command_without_password(&account(&server));
        bus.tell(command.arg("--keyring"));
        let outcome = refused(&mut command, &server);
        assert!(outcome.says(words), "{outcome:?}");
    }
}

/// Where the keyring has no password for the account, it is told how to keep it there; nothing else is
/// looked for.
#[test]
fn what_the_keyring_lacks_is_told() {
    if lacking(NEEDS) {
        return;
    }
    let (keyring, server, site) = (Keyring::start(), serving_three(), Site::new());
    keyring.keep("bob", "secret");
    let mut command = command(&keyring, &site, &server);
    let outcome = refused(command.env("POP3FS_PASSWORD", "secret"), &server);
    let way = "secret-tool store --label=pop3fs host 127.0.0.1 service pop3 user ann";
    assert!(outcome.says(way), "{outcome:?}");
}

/// Without a keyring on the bus, or without a bus, it is said where one is looked for.
#[test]
fn no_keyring_is_an_error() {
    let (server, site) = (serving_three(), Site::new());
    let mut command = site.command_without_password(&account(&server));
    command.arg("--keyring");
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/does/not/exist");
    let outcome = refused(&mut command, &server);
    assert!(outcome.says("the keyring cannot be asked"), "{outcome:?}");
    assert!(outcome.says("DBUS_SESSION_BUS_ADDRESS"), "{outcome:?}");
}

fn command(keyring: &Keyring, site: &Site, server: &Server) -> Command {
    let mut command = site.command_without_password(&account(server));
    keyring.tell(command.arg("--keyring"));
    command
}

/// Fails to mount, and the server hears nothing.
#[track_caller]
fn refused(command: &mut Command, server: &Server) -> Outcome {
    let outcome = run(command);
    assert_eq!(outcome.code(), Some(CONFIGURATION), "{outcome:?}");
    assert_eq!(server.sessions(), 0);
    outcome
}
