//! The password is in no place where somebody could find it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use pop3fs_server::{Fault, Server, When};

use crate::support::account::Account;
use crate::support::mailbox::serving_three_for;
use crate::support::mount::{Site, files_under};
use crate::support::process::{Outcome, run};
use crate::support::skip::{Need, lacking};

const USER: &str = "ann";
const PASSWORD: &str = "correct horse battery staple";

/// No output, log, state file, control file, argument or environment of the daemon holds the
/// password, in clear or in base 64, also when everything that goes over the wire is logged, and
/// when the server says it back.
#[test]
fn the_password_is_nowhere() {
    if lacking(&[Need::Fuse]) {
        return;
    }
    let server = serving_three_for(USER, PASSWORD);
    let account = Account::in_clear(USER, PASSWORD, server.port());
    let site = Site::new();
    let traces = [
        refused_run(&site, &account, &server),
        full_run(&site, &account),
    ]
    .concat();
    let log = fs::read(site.log()).expect("a log");
    for verb in [&b"UIDL"[..], b"RETR", b"DELE", b"QUIT"] {
        assert!(holds(&log, verb), "the log tells what goes over the wire");
    }
    for (place, octets) in &traces {
        for secret in forms_of(PASSWORD) {
            assert!(!holds(octets, &secret), "{place} holds the password");
        }
    }
}

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
fn refused_run(site: &Site, account: &Account, server: &Server) -> Vec<Trace> {
    let words = format!("[AUTH] {PASSWORD} is wrong");
    server.fault(Fault::Refuse(When::login(), words));
    let outcome = run(&mut traced(site, account));
    assert!(!outcome.status.success());
    server.clear_faults();
    traces_of("the refused login", outcome)
}

/// Mounts, reads, removes, commits and unmounts.
fn full_run(site: &Site, account: &Account) -> Vec<Trace> {
    let mount = site.mount_by(&mut traced(site, account));
    let mut traces = vec![("the terminal".to_owned(), mount.said().into())];
    for script in ["ls -la", "cat one", "rm two", "cat .pop3fs/status"] {
        let mut shell = Command::new("sh");
        let outcome = run(shell.args(["-c", script]).current_dir(mount.path()));
        traces.extend(traces_of(script, outcome.succeeded()));
    }
    traces.extend(files(&site.state()));
    for file in ["cmdline", "environ"] {
        traces.push(trace_of(&format!("/proc/{}/{file}", mount.daemon().id())));
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
    traces.push(trace_of(&site.log().display().to_string()));
    traces
}

/// The command that mounts, logging all there is to log. The password is in a file, as an
/// environment given by the user is there for all to see who may.
fn traced(site: &Site, account: &Account) -> Command {
    let file = site.beside("password");
    fs::write(&file, format!("{PASSWORD}\n")).expect("a file to write");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("our own file");
    let mut command = site.command(account);
    command
        .env_remove("POP3FS_PASSWORD")
        .arg("--password-file")
        .arg(file)
        .arg("-vv");
    command
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
