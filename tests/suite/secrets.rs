//! The password is in no place where somebody could find it.

use std::fs;
use std::path::Path;
use std::process::Command;

use pop3fs_server::{Fault, Server, When};

use crate::support::account::Account;
use crate::support::corpus::Letter;
use crate::support::dovecot::{Dovecot, Logins};
use crate::support::giving::{FOUND_ANEW, Give, PROXY, by_token_command, in_variable, left_behind};
#[cfg(feature = "keyring")]
use crate::support::keyring::{KEYRING, Keyring};
use crate::support::mailbox::serving_three_for;
use crate::support::mount::{Site, files_under};
use crate::support::namespace::{NEEDS, for_nobody};
use crate::support::process::{Outcome, run};
use crate::support::proxy::Proxy;
use crate::support::secret::{gives_away, holds, shown};
use crate::support::skip::{Need, lacking};
use crate::support::terminal::Terminal;

const USER: &str = "ann";
const PASSWORD: &str = "correct horse battery staple";

/// Too short to tell from a password, so that it goes with the command.
const PASSWORD_LIKE_TOKEN: &str = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg";

/// No output, log, state file, control file, argument or environment of the daemon or of its
/// children holds the password, in clear or in base 64, wherever the password comes from, also when
/// everything that goes over the wire is logged, and when the server says it back.
#[test]
fn the_password_is_nowhere() {
    if lacking(&[Need::Fuse]) {
        return;
    }
    for give in FOUND_ANEW.into_iter().chain([in_variable as Give]) {
        let server = serving_three_for(USER, PASSWORD);
        let account = Account::in_clear(USER, PASSWORD, server.port());
        let site = Site::new();
        let mut traces = refused_run(traced(&site, &account, give), &server);
        let listing = format!("+OK\r\n1 one\r\n2 two\r\n3 three\r\nPASS {PASSWORD}\r\n.\r\n");
        let first = When::every("UIDL").times(1);
        server.fault(Fault::Replace(first, listing.into_bytes()));
        traces.extend(full_run(&site, traced(&site, &account, give)));
        assert_nowhere(PASSWORD, &traces);
        let log = fs::read(site.log()).expect("a log");
        for verb in [&b"UIDL"[..], b"RETR", b"DELE", b"QUIT"] {
            assert!(holds(&log, verb), "the log tells what goes over the wire");
        }
    }
}

/// The same for one that is typed: the terminal does not show it either.
#[test]
fn the_password_that_was_typed_is_nowhere() {
    if lacking(&[Need::Fuse, Need::Program("setsid")]) {
        return;
    }
    let (server, site) = (serving_three_for(USER, PASSWORD), Site::new());
    let account = Account::in_clear(USER, PASSWORD, server.port());
    let terminal = Terminal::new();
    let command = terminal.running(&traced(&site, &account, |_, _, _| {}));
    let typing = terminal.typing(PASSWORD);
    let mut traces = full_run(&site, command);
    let shown = typing.join().expect("a terminal");
    assert!(
        holds(&shown, b"password of ann"),
        "{}",
        shown.escape_ascii()
    );
    traces.push(("the terminal".to_owned(), shown));
    assert_nowhere(PASSWORD, &traces);
}

/// The same for the password of a proxy.
#[test]
fn the_password_of_a_proxy_is_nowhere() {
    if lacking(&[Need::Fuse]) {
        return;
    }
    for give in PROXY {
        let (server, site) = (serving_three_for(USER, "secret"), Site::new());
        let proxy = Proxy::wanting("gate", PASSWORD);
        let account = Account::in_clear(USER, "secret", server.port());
        let account = account.through(&proxy, "gate");
        let mut command = traced(&site, &account, in_variable);
        give(&site, PASSWORD, &mut command);
        assert_nowhere(PASSWORD, &full_run(&site, command));
        assert!(!proxy.asked().is_empty());
    }
}

/// The same for the desktop's keyring.
#[cfg(feature = "keyring")]
#[test]
fn the_password_in_the_keyring_is_nowhere() {
    if lacking(&[
        Need::Fuse,
        Need::Package(KEYRING),
        Need::Program("dbus-daemon"),
    ]) {
        return;
    }
    let (keyring, server) = (Keyring::start(), serving_three_for(USER, PASSWORD));
    keyring.keep(USER, PASSWORD);
    let account = Account::in_clear(USER, PASSWORD, server.port());
    let site = Site::new();
    let mut command = traced(&site, &account, |_, _, command| {
        command.arg("--keyring");
    });
    keyring.tell(&mut command);
    assert_nowhere(PASSWORD, &full_run(&site, command));
}

/// The same for every way to log in, with a password or a token, and a real server.
#[test]
fn no_way_to_log_in_leaves_a_secret_anywhere() {
    if lacking(&[Need::Fuse, Need::Dovecot, Need::Program("openssl")]) {
        return;
    }
    let all = "plain login cram-md5 scram-sha-1 scram-sha-256 apop xoauth2 oauthbearer";
    let logins = Logins::by(all).with_token(PASSWORD_LIKE_TOKEN);
    let dovecot = Dovecot::with_logins(&letters(), &logins);
    for way in all.split(' ') {
        let token = way.contains("oauth").then_some(PASSWORD_LIKE_TOKEN);
        let account = dovecot.stls().with_options(&["--auth", way]);
        let account = token.map_or(account.clone(), |token| account.with_password(token));
        let site = Site::new();
        let give = if way == "xoauth2" {
            by_token_command
        } else {
            in_variable
        };
        let traces = full_run(&site, traced(&site, &account, give));
        assert_nowhere(account.password(), &traces);
        let log = fs::read(site.log()).expect("a log");
        let command = if way == "apop" {
            "APOP".to_owned()
        } else {
            way.to_uppercase()
        };
        assert!(
            holds(&log, format!("{command} ").as_bytes()),
            "{way} was used"
        );
    }
}

/// Other processes of the same user can look neither into the daemon's memory nor at its
/// environment.
#[test]
fn the_process_is_closed_to_others_of_its_user() {
    if lacking(NEEDS) {
        return;
    }
    let (server, site) = (serving_three_for(USER, PASSWORD), Site::new());
    let account = Account::in_clear(USER, PASSWORD, server.port());
    for_nobody(LOOK_INTO_THE_DAEMON, &site, &account).succeeded();
}

const LOOK_INTO_THE_DAEMON: &str = r#"
refused() { "$@" 2>&1 | grep 'Permission denied'; }
set -ex
nobody pop3fs "$1" "$2" -o "$3"
unset POP3FS_PASSWORD
daemon=$(daemon "$2")
for process in $daemon $(cat /proc/$daemon/task/$daemon/children); do
    nobody cat /proc/$process/cmdline >/dev/null
    refused nobody cat /proc/$process/environ
    refused nobody cat /proc/$process/maps
    found=${found-}x
done
# The daemon and its keeper.
test $found = xx
nobody pop3fs umount "$2"
"#;

/// A place, and what was found there.
type Trace = (String, Vec<u8>);

/// A login that fails, the server repeating the password.
fn refused_run(mut mounting: Command, server: &Server) -> Vec<Trace> {
    let words = format!("[AUTH] {PASSWORD} is wrong");
    server.fault(Fault::Refuse(When::login(), words));
    let outcome = run(&mut mounting);
    assert!(!outcome.status.success());
    server.clear_faults();
    traces_of("the refused login", outcome)
}

/// Leaves something to remove for those who come after.
const REMOVE_LAST: &str = "rm \"$(ls | tail -n 1)\"";

/// Mounts, reads, removes, commits and unmounts.
fn full_run(site: &Site, mut mounting: Command) -> Vec<Trace> {
    let mount = site.mount_by(&mut mounting);
    let mut traces = vec![("the terminal".to_owned(), mount.said().into())];
    for script in ["ls -la", "cat one", REMOVE_LAST, "cat .pop3fs/status"] {
        let mut shell = Command::new("sh");
        let outcome = run(shell.args(["-c", script]).current_dir(mount.path()));
        traces.extend(traces_of(script, outcome.succeeded()));
    }
    traces.extend(files(&site.state()));
    let keeper = mount.daemon().keeper().expect("a keeper");
    for process in [mount.daemon().id(), keeper] {
        for file in ["cmdline", "environ"] {
            traces.push((format!("{file} of {process}"), shown(process, file)));
        }
    }
    for (verb, arguments) in [
        ("status", &["--json"][..]),
        ("status", &[]),
        ("commit", &[]),
    ] {
        traces.extend(traces_of(verb, mount.verb(verb, arguments).succeeded()));
    }
    traces.push(trace_of(
        &mount.file(".pop3fs/last-commit").display().to_string(),
    ));
    traces.extend(traces_of("umount", mount.umount().succeeded()));
    mount.daemon().await_end();
    traces.extend(files(&site.state()));
    traces.extend(children(site));
    traces.push(trace_of(&site.log().display().to_string()));
    traces
}

/// The command that mounts, logging all there is to log, with the password given in some way.
fn traced(site: &Site, account: &Account, give: Give) -> Command {
    let mut command = site.command_without_password(account);
    command.arg("-vv");
    give(site, account, &mut command);
    command
}

/// What the programs that were run have left behind.
fn children(site: &Site) -> Option<Trace> {
    let file = left_behind(site);
    file.exists().then(|| trace_of(&file.display().to_string()))
}

#[track_caller]
fn assert_nowhere(secret: &str, traces: &[Trace]) {
    for (place, octets) in traces {
        assert!(!gives_away(octets, secret), "{place} holds the secret");
    }
}

/// One to read, and one to remove for each way.
fn letters() -> [Letter; 9] {
    ["one", "s", "t", "u", "v", "w", "x", "y", "z"].map(|name| Letter {
        name: name.to_owned(),
        octets: format!("Subject: {name}\n\ntext\n").into_bytes(),
    })
}

fn traces_of(what: &str, outcome: Outcome) -> Vec<Trace> {
    vec![
        (format!("standard output of {what}"), outcome.stdout),
        (format!("standard error of {what}"), outcome.stderr.into()),
    ]
}

fn files(directory: &Path) -> Vec<Trace> {
    let files = files_under(directory);
    files
        .iter()
        .map(|file| trace_of(&file.display().to_string()))
        .collect()
}

fn trace_of(file: &str) -> Trace {
    (file.to_owned(), fs::read(file).expect("a file to read"))
}
