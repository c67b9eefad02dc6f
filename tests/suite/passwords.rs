//! Where the password comes from.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use nix::pty::openpty;

use crate::support::exit_status::CONFIGURATION;
use crate::support::mailbox::{account, serving_three};
use crate::support::mount::Site;
use crate::support::process::run;
use crate::support::skip::{Need, lacking};

const VARIABLE: &str = "POP3FS_PASSWORD";

/// The password is the first line of what `--password-command` writes.
#[test]
fn a_command_tells_the_password() {
    assert_mounts(|_, command| {
        command.args(["--password-command", "echo secret"]);
    });
}

/// The password is the first line of `--password-file`.
#[test]
fn a_file_tells_the_password() {
    assert_mounts(|site, command| {
        command
            .arg("--password-file")
            .arg(file(site, "secret\nmore\n", 0o600));
    });
}

/// A service manager's credential tells the password: `pop3fs.password` in
/// `$CREDENTIALS_DIRECTORY`, which an access list may open to us.
#[test]
fn a_service_credential_tells_the_password() {
    assert_mounts(|site, command| {
        let path = file(site, "secret\n", 0o440);
        fs::rename(&path, path.with_file_name("pop3fs.password")).expect("a file to rename");
        command
            .env("CREDENTIALS_DIRECTORY", site.home())
            .env(VARIABLE, "wrong");
    });
}

/// The environment variable POP3FS_PASSWORD tells the password.
#[test]
fn the_environment_tells_the_password() {
    assert_mounts(|_, command| {
        command.env(VARIABLE, "secret");
    });
}

/// `~/.netrc` tells the password of a host and login.
#[test]
fn netrc_tells_the_password() {
    assert_mounts(|site, _| {
        let netrc = "machine example.org login ann password wrong\n\
            machine 127.0.0.1 login ann password secret\n";
        let path = file(site, netrc, 0o600);
        fs::rename(&path, path.with_file_name(".netrc")).expect("a file to rename");
    });
}

/// A command is asked before a file, and a file before the environment.
#[test]
fn the_nearer_word_counts() {
    assert_mounts(|site, command| {
        command
            .args(["--password-command", "echo secret", "--password-file"])
            .arg(file(site, "wrong\n", 0o600))
            .env(VARIABLE, "wrong");
    });
    assert_mounts(|site, command| {
        command
            .arg("--password-file")
            .arg(file(site, "secret\n", 0o600))
            .env(VARIABLE, "wrong");
    });
}

/// A password file that others can read is refused, and the server hears nothing of it.
#[test]
fn a_file_that_others_can_read_is_refused() {
    let (server, site) = (serving_three(), Site::new());
    let mut command = site.command_without_password(&account(&server));
    let path = file(&site, "secret\n", 0o644);
    let outcome = run(command.arg("--password-file").arg(&path));
    assert_eq!(outcome.code(), Some(CONFIGURATION), "{outcome:?}");
    assert!(outcome.says(&path.display().to_string()), "{outcome:?}");
    assert_eq!(server.count("PASS") + server.count("AUTH"), 0);
}

/// What a command said last is passed on when it fails, and the server hears nothing.
#[test]
fn a_command_that_fails_is_quoted() {
    for option in ["--password-command", "--token-command"] {
        let (server, site) = (serving_three(), Site::new());
        let mut command = site.command_without_password(&account(&server));
        let script = "sh -c 'echo secret; echo cannot unlock the store >&2; exit 2'";
        let outcome = run(command.args([option, script]));
        assert_eq!(outcome.code(), Some(CONFIGURATION), "{outcome:?}");
        let words = "sh failed: exit status: 2: cannot unlock the store";
        assert!(outcome.says(words), "{outcome:?}");
        assert!(!outcome.says("secret"), "{outcome:?}");
        assert_eq!(server.count("PASS") + server.count("AUTH"), 0);
    }
}

/// Without a password, and without a terminal to ask for one, nothing is mounted.
#[test]
fn no_password_is_an_error() {
    let (server, site) = (serving_three(), Site::new());
    let command = site.command_without_password(&account(&server));
    let mut detached = Command::new("setsid");
    detached
        .arg("-w")
        .arg(command.get_program())
        .args(command.get_args());
    let home = command
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    let outcome = run(detached.env_remove(VARIABLE).envs(home));
    assert_eq!(outcome.code(), Some(CONFIGURATION), "{outcome:?}");
    assert!(outcome.says("password"), "{outcome:?}");
}

/// Whoever is asked for the password, and is not waited for, has the terminal as it was.
#[test]
fn a_question_that_is_cut_short_leaves_the_terminal_as_it_was() {
    if lacking(&[Need::Fuse, Need::Program("setsid"), Need::Program("stty")]) {
        return;
    }
    let (server, site) = (serving_three(), Site::new());
    let mount = site.command_without_password(&account(&server));
    let terminal = openpty(None, None).expect("a terminal");
    let outcome = Command::new("setsid")
        .args(["--ctty", "--wait", "sh", "-c", CUT_THE_QUESTION_SHORT, "sh"])
        .arg(mount.get_program())
        .args(mount.get_args())
        .arg("--foreground")
        .env("HOME", site.home())
        .env_remove(VARIABLE)
        .stdin(terminal.slave)
        .output()
        .expect("a program to run");
    assert!(outcome.status.success(), "{outcome:?}");
}

const CUT_THE_QUESTION_SHORT: &str = r#"
set -e
before=$(stty -g)
"$@" &
until test "$(stty -g)" != "$before"; do kill -0 $!; done
kill $!
wait $! || true
test "$(stty -g)" = "$before"
"#;

/// Mounts with what is added to the command, and looks whether the mailbox is there.
#[track_caller]
fn assert_mounts(add: impl FnOnce(&Site, &mut Command)) {
    if lacking(&[Need::Fuse]) {
        return;
    }
    let (server, site) = (serving_three(), Site::new());
    let mut command = site.command_without_password(&account(&server));
    add(&site, &mut command);
    let mount = site.mount_by(&mut command);
    assert_eq!(mount.names(), ["one", "three", "two"]);
    mount.umount().succeeded();
}

/// A file in the home directory.
fn file(site: &Site, text: &str, mode: u32) -> PathBuf {
    let path = site.home().join("secret");
    fs::write(&path, text).expect("a file to write");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("our own file");
    path
}
