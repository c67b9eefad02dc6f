//! The password is in no place where somebody could find it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use pop3fs_server::{Fault, Server, When};

use crate::support::account::Account;
use crate::support::corpus::Letter;
use crate::support::dovecot::{Dovecot, Logins};
#[cfg(feature = "keyring")]
use crate::support::keyring::{KEYRING, Keyring};
use crate::support::mailbox::serving_three_for;
use crate::support::mount::{Site, files_under};
use crate::support::namespace::{NEEDS, for_nobody};
use crate::support::process::{Outcome, run};
use crate::support::skip::{Need, lacking};

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
    for give in [in_file, in_variable, by_command] {
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
        let traces = full_run(&site, traced(&site, &account, in_variable));
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

/// The search above would find it.
#[test]
fn every_form_of_a_secret_is_found() {
    for before in ["", "\0", "\0a", "\0an", "\0ann\0"] {
        let encoded = base64(format!("{before}{PASSWORD} and more").as_bytes());
        let found = forms_of(PASSWORD)
            .iter()
            .any(|form| holds(encoded.as_bytes(), form));
        assert!(found, "{encoded}");
    }
    assert!(
        forms_of(PASSWORD)
            .iter()
            .any(|form| holds(PASSWORD.as_bytes(), form))
    );
}

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
            traces.push(trace_of(&format!("/proc/{process}/{file}")));
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
fn traced(site: &Site, account: &Account, give: fn(&Site, &Account, &mut Command)) -> Command {
    let mut command = site.command(account);
    command.env_remove("POP3FS_PASSWORD").arg("-vv");
    give(site, account, &mut command);
    command
}

fn in_file(site: &Site, account: &Account, command: &mut Command) {
    command.arg("--password-file").arg(hidden(site, account));
}

fn in_variable(_: &Site, account: &Account, command: &mut Command) {
    command.env("POP3FS_PASSWORD", account.password());
}

/// By a program that leaves behind what it was given, beside a variable that it is not given.
fn by_command(site: &Site, account: &Account, command: &mut Command) {
    in_variable(site, account, command);
    let script = format!(
        "cat /proc/self/environ /proc/self/cmdline >>{}; cat {}",
        site.beside("children").display(),
        hidden(site, account).display()
    );
    let words = format!("sh -c '{script}'");
    command.arg("--password-command").arg(words);
}

/// A file with the password in it that nobody else may read.
fn hidden(site: &Site, account: &Account) -> PathBuf {
    let file = site.beside("password");
    fs::write(&file, format!("{}\n", account.password())).expect("a file to write");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("our own file");
    file
}

/// What the programs that were run have left behind.
fn children(site: &Site) -> Option<Trace> {
    let file = site.beside("children");
    file.exists().then(|| trace_of(&file.display().to_string()))
}

#[track_caller]
fn assert_nowhere(secret: &str, traces: &[Trace]) {
    for (place, octets) in traces {
        for form in forms_of(secret) {
            assert!(!holds(octets, &form), "{place} holds the secret");
        }
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

fn holds(octets: &[u8], needle: &[u8]) -> bool {
    octets.windows(needle.len()).any(|window| window == needle)
}

/// A secret in clear, and what base 64 makes of it wherever it begins in a group of three octets:
/// without the characters that octets before or behind it have a part in.
fn forms_of(secret: &str) -> Vec<Vec<u8>> {
    let aligned = (0..3).map(|skipped| {
        let inner = &secret.as_bytes()[skipped..];
        base64(&inner[..inner.len() / 3 * 3]).into_bytes()
    });
    aligned.chain([secret.as_bytes().to_vec()]).collect()
}

/// RFC 4648 section 4, for whole groups; an unfinished one is left out.
fn base64(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    octets
        .chunks_exact(3)
        .map(|group| u32::from_be_bytes([0, group[0], group[1], group[2]]))
        .flat_map(|group| [18, 12, 6, 0].map(|shift| group >> shift & 0x3f))
        .map(|index| char::from(ALPHABET[index as usize]))
        .collect()
}
