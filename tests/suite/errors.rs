//! Errors at the start: they reach the terminal, tell the exit status, and leave no mount.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;

use crate::support::account::Account;
use crate::support::exit_status::{
    CANNOT_CREATE, NO_HOST, NO_INPUT, NO_PERMISSION, PROTOCOL, TEMPORARY_FAILURE, UNAVAILABLE,
    USAGE,
};
use crate::support::mailbox::{account, serving_three};
use crate::support::mount::{Site, is_mounted, pop3fs};
use crate::support::process::run;
use crate::support::skip::{Need, lacking};
use crate::support::stage::played_by_nobody;
use crate::support::terminal::Terminal;
use pop3fs_server::{Fault, Identity, Message, Server, When};

/// A wrong password is "no permission" (77).
#[test]
fn a_wrong_password_is_no_permission() {
    let server = serving_three();
    let account = account(&server).with_password("sesame");
    assert_fails(&account, NO_PERMISSION, "wrong name or password");
    assert_eq!(server.count("UIDL"), 0, "nobody got in");
}

/// A login that the server refuses is "no permission" (77), and the server's own words are told.
#[test]
fn a_refused_login_is_no_permission() {
    let server = serving_three();
    server.fault(Fault::refuse_login("[AUTH] go away", 1));
    assert_fails(&account(&server), NO_PERMISSION, "go away");
}

/// Ctrl-D in place of a password mounts nothing, and what is said then has a line of its own.
#[test]
fn no_password_is_told_on_a_line_of_its_own() {
    if lacking(&[Need::Fuse, Need::Program("setsid")]) {
        return;
    }
    let (server, site) = (serving_three(), Site::new());
    let terminal = Terminal::new();
    let mut command = terminal.running(&site.command_without_password(&account(&server)));
    let typing = terminal.typing("\u{4}");
    let outcome = run(&mut command);
    drop(command);
    let shown = typing.join().expect("a terminal");
    assert!(outcome.says("no password was typed"), "{outcome:?}");
    assert!(shown.ends_with(b": \r\n"), "{}", shown.escape_ascii());
}

/// Where marks cannot be kept, nothing is mounted (73), and a way out is told.
#[test]
fn a_state_directory_that_is_not_to_be_had_is_told_with_a_way_out() {
    played_by_nobody(serving_three(), MOUNT_WITHOUT_STATE, |played, server| {
        assert_eq!(played.code(), Some(CANNOT_CREATE), "{played:?}");
        assert!(played.says("use --state-dir"), "{played:?}");
        assert_eq!(server.sessions(), 0);
    });
}

const MOUNT_WITHOUT_STATE: &str = r#"
mkdir -m 700 /mnt/closed
nobody pop3fs "$1" "$2" -o tls=off,state_dir=/mnt/closed/state
"#;

/// The same where the disk is full; the file that has no room is named.
#[test]
fn a_disk_that_is_full_is_told_with_a_way_out() {
    played_by_nobody(serving_three(), MOUNT_WITHOUT_ROOM, |played, server| {
        assert_eq!(played.code(), Some(CANNOT_CREATE), "{played:?}");
        for words in [".journal: No space left", "make room", "--state-dir"] {
            assert!(played.says(words), "{played:?}");
        }
        assert_eq!(server.sessions(), 0);
    });
}

const MOUNT_WITHOUT_ROOM: &str = r#"
mkdir -m 777 /mnt/full &&
mount -t tmpfs -o size=16k,mode=700,uid=65534 tmpfs /mnt/full &&
nobody sh -c 'cat /dev/zero >/mnt/full/ballast' 2>/mnt/said
nobody pop3fs "$1" "$2" -o tls=off,state_dir=/mnt/full
"#;

/// A mailbox that another client holds is a temporary failure (75).
#[test]
fn a_mailbox_in_use_is_a_temporary_failure() {
    let server = serving_three();
    server.fault(Fault::refuse_login(
        "[IN-USE] another client holds it",
        usize::MAX,
    ));
    assert_fails(
        &account(&server),
        TEMPORARY_FAILURE,
        "another client holds it",
    );
}

/// A host that does not exist is "no host" (68).
#[test]
fn an_unknown_host_is_no_host() {
    let account = Account::in_clear("ann", "secret", 110).at_host("no-such-host.invalid");
    let account = account.with_option("--insecure-cleartext");
    assert_fails(&account, NO_HOST, "no-such-host.invalid");
}

/// A host where nothing listens is "unavailable" (69).
#[test]
fn a_refused_connection_is_unavailable() {
    let gone = account(&serving_three());
    let advice = "check host and port, and that the server runs";
    assert_fails(&gone, UNAVAILABLE, advice);
}

/// A server whose certificate nobody vouches for is a protocol error (76), and hears no password.
#[test]
fn an_unknown_authority_is_a_protocol_error() {
    if lacking(&[Need::Program("openssl")]) {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let identity = Identity::temporary(directory.path()).expect("a certificate");
    let server = Server::with_messages(vec![Message::new("one", b"text")])
        .tls(identity)
        .start()
        .expect("a server on loopback");
    let account = Account::implicit_tls("ann", "secret", server.port(), Path::new("unused"));
    assert_fails(&account.without_options(), PROTOCOL, "certificate");
    assert_eq!(server.count("PASS") + server.count("AUTH"), 0);
}

/// What does not speak POP3 is a protocol error (76), and hears no password.
#[test]
fn a_server_of_another_kind_is_a_protocol_error() {
    let server = serving_three();
    let greeting = b"220 mail.example.org ESMTP\r\n".to_vec();
    server.fault(Fault::Replace(When::every("GREETING"), greeting));
    assert_fails(&account(&server), PROTOCOL, "220 mail.example.org ESMTP");
    assert_eq!(server.count("PASS") + server.count("AUTH"), 0);
}

/// `pop3://` insists on STLS; a server that does not offer it is "unavailable" (69), and hears no
/// password.
#[test]
fn a_server_without_stls_hears_no_password() {
    let server = serving_three();
    assert_fails(&account(&server).without_options(), UNAVAILABLE, "STLS");
    assert_eq!(
        server.count("USER") + server.count("PASS") + server.count("AUTH"),
        0
    );
}

/// Clear text to a host that is not this one needs a second word from the user (64).
#[test]
fn clear_text_to_another_host_must_be_insisted_on() {
    let account = Account::in_clear("ann", "secret", 110).at_host("pop.example.org");
    assert_fails(&account, USAGE, "--insecure-cleartext");
}

/// A mountpoint that does not exist is "no input" (66); the server is not even asked.
#[test]
fn a_missing_mountpoint_is_no_input() {
    let server = serving_three();
    let site = Site::new();
    fs::remove_dir(site.mountpoint()).expect("a directory to remove");
    let outcome = run(&mut site.command(&account(&server)));
    assert_eq!(outcome.code(), Some(NO_INPUT), "{outcome:?}");
    assert_eq!(server.sessions(), 0);
}

/// The status tells, also where nobody can be told more.
#[test]
fn an_error_that_cannot_be_told_has_its_status() {
    let server = serving_three();
    let site = Site::new();
    fs::remove_dir(site.mountpoint()).expect("a directory to remove");
    let mut command = site.command(&account(&server));
    let full = File::options().write(true).open("/dev/full");
    command.stdin(Stdio::null());
    command.stderr(full.expect("a device that is always full"));
    let status = command.status().expect("a program that runs");
    assert_eq!(status.code(), Some(NO_INPUT));
}

/// A word on the command line that means nothing is a usage error (64).
#[test]
fn an_unknown_option_is_a_usage_error() {
    let outcome = run(pop3fs().args(["pop3s://ann@localhost", "/mnt", "--no-such-option"]));
    assert_eq!(outcome.code(), Some(USAGE), "{outcome:?}");
    assert!(outcome.stderr.contains("--no-such-option"), "{outcome:?}");
}

#[track_caller]
fn assert_fails(account: &Account, status: i32, word: &str) {
    if lacking(&[Need::Fuse]) {
        return;
    }
    let site = Site::new();
    let outcome = run(&mut site.command(account));
    assert_eq!(outcome.code(), Some(status), "{outcome:?}");
    assert!(outcome.stderr.contains(word), "{outcome:?}");
    assert!(!outcome.stderr.contains(account.password()), "{outcome:?}");
    assert!(!is_mounted(&site.mountpoint()));
}
