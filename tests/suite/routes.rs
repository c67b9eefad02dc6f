//! Other ways to the server than the direct one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use pop3fs_server::{Identity, Message, Server};
use tempfile::TempDir;

use crate::support::account::Account;
use crate::support::exit_status::{CONFIGURATION, OS_ERROR, TEMPORARY_FAILURE, UNAVAILABLE};
use crate::support::mailbox::{account, serving_three};
use crate::support::mount::{Site, is_mounted};
use crate::support::process::run;
use crate::support::proxy::Proxy;
use crate::support::secret::shown;
use crate::support::skip::{Need, lacking};

/// With `--proxy`, everything goes through a SOCKS 5 proxy, which looks up the server's name; its
/// password comes from a file or from POP3FS_PROXY_PASSWORD.
#[test]
fn a_proxy_passes_everything_on() {
    through_proxy(|site, command| {
        command.arg("--proxy-password-file").arg(hidden(site));
    });
    through_proxy(|_, command| {
        command.env(VARIABLE, PASSWORD);
    });
}

/// A proxy that refuses the login is "unavailable" (69), one whose password is not given a matter
/// of configuration (78); the server hears nothing.
#[test]
fn a_proxy_that_refuses_passes_nothing_on() {
    if lacking(NEEDS) {
        return;
    }
    let (server, account, _directory) = serving_over_tls();
    let proxy = Proxy::wanting(LOGIN, PASSWORD);
    for (password, status, words) in [
        (Some("wrong"), UNAVAILABLE, "it refuses the login"),
        (None, CONFIGURATION, "--proxy-password-file"),
    ] {
        let site = Site::new();
        let mut command = by_proxy(&site, &account, &proxy);
        let outcome = run(command.envs(password.map(|password| (VARIABLE, password))));
        assert_eq!(outcome.code(), Some(status), "{outcome:?}");
        assert!(outcome.says(words), "{outcome:?}");
        assert!(!is_mounted(&site.mountpoint()));
    }
    assert_eq!((server.sessions(), proxy.asked()), (0, vec![]));
}

/// With `--connect-command`, a program's standard input and output are the connection; `%h` and
/// `%p` in its arguments are the host and the port.
#[test]
fn a_program_can_be_the_connection() {
    if lacking(&[Need::Fuse, Need::Program("bash")]) {
        return;
    }
    let (server, site) = (serving_three(), Site::new());
    let mailbox = account(&server).with_options(&["--connect-command", RELAY, CLEAR]);
    let mount = site.mount(&mailbox);
    assert_eq!(mount.names(), ["one", "three", "two"]);
    fs::remove_file(mount.file("two")).expect("a file to remove");
    mount.umount().succeeded();
    assert_eq!(server.unique_ids().len(), 2);
}

/// A program that fails is a temporary failure (75), and what it said is passed on; one that cannot
/// be run is an error of the system (71).
#[test]
fn a_program_that_fails_is_quoted() {
    if lacking(&[Need::Fuse]) {
        return;
    }
    let server = serving_three();
    for (script, status, words) in [
        (
            "sh -c 'echo no route >&2; exit 9'",
            TEMPORARY_FAILURE,
            "sh failed: exit status: 9: no route",
        ),
        (
            "sh -c 'exit 9'",
            TEMPORARY_FAILURE,
            "sh failed: exit status: 9",
        ),
        (
            "/does/not/exist",
            OS_ERROR,
            "cannot run the connect command",
        ),
        ("'", CONFIGURATION, "a quote in it has no end"),
    ] {
        let unused = "unused".as_ref();
        let over_tls = Account::implicit_tls("ann", "secret", server.port(), unused);
        for mailbox in [account(&server), over_tls.without_options()] {
            let mailbox = mailbox.with_options(&["--connect-command", script, CLEAR]);
            let outcome = run(&mut Site::new().command(&mailbox));
            assert_eq!(outcome.code(), Some(status), "{outcome:?}");
            assert!(outcome.says(words), "{outcome:?}");
        }
    }
    assert_eq!(server.sessions(), 0);
}

/// Where a program leads to is not known.
const CLEAR: &str = "--insecure-cleartext";

/// What `nc %h %p` does where there is one.
const RELAY: &str = "bash -c 'exec 3<>/dev/tcp/$0/$1; cat <&3 & cat >&3; kill $!' %h %p";

const NEEDS: &[Need] = &[Need::Fuse, Need::Program("openssl")];

const LOGIN: &str = "gate";
const PASSWORD: &str = "open sesame";
const VARIABLE: &str = "POP3FS_PROXY_PASSWORD";

fn serving_over_tls() -> (Server, Account, TempDir) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let identity = Identity::temporary(directory.path()).expect("a certificate");
    let authority = identity.ca_file().expect("an authority").to_owned();
    let server = Server::with_messages(vec![Message::new("one", b"text")])
        .tls(identity)
        .start()
        .expect("a server on loopback");
    let account = Account::implicit_tls("ann", "secret", server.port(), &authority);
    (server, account, directory)
}

fn by_proxy(site: &Site, account: &Account, proxy: &Proxy) -> Command {
    let mut command = site.command(account);
    let proxy = format!("socks5://{LOGIN}@127.0.0.1:{}", proxy.port());
    command.args(["--proxy", &proxy]).env_remove(VARIABLE);
    command
}

#[track_caller]
fn through_proxy(add: impl FnOnce(&Site, &mut Command)) {
    if lacking(NEEDS) {
        return;
    }
    let (server, account, _directory) = serving_over_tls();
    let (proxy, site) = (Proxy::wanting(LOGIN, PASSWORD), Site::new());
    let mut command = by_proxy(&site, &account, &proxy);
    add(&site, command.arg("-vv"));
    let mount = site.mount_by(&mut command);
    assert_eq!(mount.names(), ["one"]);
    let log = fs::read(site.log()).expect("a log");
    for octets in [shown(mount.daemon().id(), "environ"), log] {
        assert!(!String::from_utf8_lossy(&octets).contains(PASSWORD));
    }
    mount.umount().succeeded();
    assert_eq!(proxy.asked().len(), server.sessions());
    assert!(proxy.asked().iter().all(|host| host == "localhost"));
}

fn hidden(site: &Site) -> std::path::PathBuf {
    let path = site.beside("password");
    fs::write(&path, PASSWORD).expect("a file to write");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("our own file");
    path
}
