//! Certificates that are refused, each for its reason, before anything is said to the server.

use pop3fs_server::{Message, Server};

use crate::support::account::Account;
use crate::support::authority::{Authority, Certificate, Validity};
use crate::support::dovecot::Dovecot;
use crate::support::exit_status::{CONFIGURATION, PROTOCOL};
use crate::support::mount::{Site, is_mounted, pop3fs};
use crate::support::process::{Outcome, run};
use crate::support::skip::{Need, lacking};

/// A certificate that has expired is refused (76).
#[test]
fn an_expired_certificate_is_refused() {
    with_authority(|authority| {
        let certificate = authority.issue("server", LOCALHOST, Validity::Expired);
        assert_refused(
            &certificate,
            &trusting(authority),
            "certificate has expired",
        );
    });
}

/// A certificate for another name is refused (76), and the option that may help is named.
#[test]
fn a_certificate_for_another_name_is_refused() {
    with_authority(|authority| {
        let elsewhere = Some("DNS:pop.example.org");
        let certificate = authority.issue("server", elsewhere, Validity::Good);
        let outcome = assert_refused(&certificate, &trusting(authority), "hostname mismatch");
        assert!(outcome.says("--tls-server-name"), "{outcome:?}");
        let named = [
            trusting(authority),
            words(&["--tls-server-name", "pop.example.org"]),
        ]
        .concat();
        assert_taken(&certificate, &named);
    });
}

/// A certificate that only vouches for itself is refused (76).
#[test]
fn a_self_signed_certificate_is_refused() {
    with_authority(|authority| {
        let certificate = authority.self_signed();
        assert_refused(&certificate, &[], "self-signed certificate");
    });
}

/// A certificate by an authority that nobody knows is refused (76), and the option that may help
/// is named.
#[test]
fn an_unknown_authority_is_refused() {
    with_authority(|authority| {
        let certificate = authority.issue("server", LOCALHOST, Validity::Good);
        let words = "unable to get local issuer certificate";
        let outcome = assert_refused(&certificate, &[], words);
        assert!(outcome.says("--ca-file"), "{outcome:?}");
        assert_taken(&certificate, &trusting(authority));
    });
}

/// With `--tls-fingerprint` alone, the certificate with that digest is taken, whatever else is said
/// of it, and any other is refused (76) and its digest told.
#[test]
fn a_fingerprint_decides_alone() {
    with_authority(|authority| {
        let certificate = authority.issue("server", None, Validity::Expired);
        let right = certificate.fingerprint();
        assert_taken(&certificate, &words(&["--tls-fingerprint", &right]));
        let other = authority.self_signed().fingerprint();
        let pinned = words(&["--tls-fingerprint", &other]);
        let shown = right.replace(':', "").to_lowercase();
        let shown = shown.strip_prefix("sha256").expect("a digest");
        assert_refused(&certificate, &pinned, shown);
    });
}

/// With `--ca-file` as well, both must be right.
#[test]
fn a_fingerprint_and_an_authority_must_both_be_right() {
    with_authority(|authority| {
        let certificate = authority.issue("server", LOCALHOST, Validity::Good);
        let pin = |pin: &str| [trusting(authority), words(&["--tls-fingerprint", pin])].concat();
        assert_taken(&certificate, &pin(&certificate.fingerprint()));
        let other = authority.self_signed();
        assert_refused(&certificate, &pin(&other.fingerprint()), "fingerprint");
        assert_refused(&other, &pin(&other.fingerprint()), "certificate");
    });
}

/// The same of a real server, over STLS and over TLS from the start: each fault has words of its own, and
/// nobody tries to log in.
#[test]
fn each_fault_of_a_real_server_is_told_from_the_others() {
    if lacking(&[Need::Fuse, Need::Dovecot, Need::Program("openssl")]) {
        return;
    }
    let authority = Authority::new();
    let issue = |name, alternative| authority.issue(name, alternative, Validity::Good);
    let other = issue("other", LOCALHOST).fingerprint();
    let trusting = trusting(&authority);
    let pinned = [trusting.clone(), words(&["--tls-fingerprint", &other])].concat();
    let elsewhere = Some("DNS:pop.example.org");
    let faults = [
        (
            authority.issue("expired", LOCALHOST, Validity::Expired),
            trusting.clone(),
        ),
        (issue("elsewhere", elsewhere), trusting),
        (authority.self_signed(), Vec::new()),
        (issue("unknown", LOCALHOST), Vec::new()),
        (issue("replaced", LOCALHOST), pinned),
    ];
    let mut dovecot = Dovecot::with_letters(&[]);
    for ((certificate, options), reason) in faults.iter().zip(REASONS) {
        dovecot.show(certificate);
        for account in [dovecot.stls(), dovecot.implicit_tls()] {
            let account = account.without_options();
            let outcome = run(Site::new().command(&account).args(options));
            assert_eq!(outcome.code(), Some(PROTOCOL), "{outcome:?}");
            let told: Vec<_> = REASONS.iter().filter(|it| outcome.says(it)).collect();
            assert_eq!(told, [reason], "{outcome:?}");
        }
    }
    let log = dovecot.log();
    assert!(
        !log.contains("auth failed") && !log.contains("method="),
        "{log}"
    );
}

/// What is said of a certificate that has expired, is for another name, vouches for itself, is by an
/// authority that nobody knows, and has another fingerprint.
const REASONS: &[&str] = &[
    "certificate has expired",
    "hostname mismatch",
    "self-signed certificate",
    "unable to get local issuer certificate",
    "its fingerprint is",
];

/// A client certificate that cannot be used is a matter of configuration (78), and the server is
/// not even asked.
#[test]
fn a_client_certificate_without_its_key_is_not_used() {
    with_authority(|authority| {
        let certificate = authority.issue("server", LOCALHOST, Validity::Good);
        let file = authority.file_of_authority().display().to_string();
        let options = [
            trusting(authority),
            words(&["--tls-client-certificate", &file]),
        ]
        .concat();
        let (outcome, attempts) = tried(&certificate, &options);
        assert_eq!(outcome.code(), Some(CONFIGURATION), "{outcome:?}");
        assert!(outcome.says("no private key"), "{outcome:?}");
        assert_eq!(attempts, NOT_ASKED);
    });
}

const LOCALHOST: Option<&str> = Some("DNS:localhost");

fn with_authority(test: impl FnOnce(&Authority)) {
    if !lacking(&[Need::Fuse, Need::Program("openssl")]) {
        test(&Authority::new());
    }
}

fn trusting(authority: &Authority) -> Vec<String> {
    words(&[
        "--ca-file",
        &authority.file_of_authority().display().to_string(),
    ])
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn assert_taken(certificate: &Certificate, options: &[String]) {
    let (outcome, attempts) = tried(certificate, options);
    outcome.succeeded();
    assert_eq!(attempts, TAKEN);
}

/// One connection is made, and no command is sent over it.
#[track_caller]
fn assert_refused(certificate: &Certificate, options: &[String], reason: &str) -> Outcome {
    let (outcome, attempts) = tried(certificate, options);
    assert_eq!(outcome.code(), Some(PROTOCOL), "{outcome:?}");
    assert!(outcome.says("is refused: "), "{outcome:?}");
    assert!(outcome.says(reason), "{outcome:?}");
    assert_eq!(attempts, REFUSED);
    outcome
}

/// How often a server was connected to, and whether it has had a command.
type Attempts = (u64, bool);

const NOT_ASKED: Attempts = (0, false);
const REFUSED: Attempts = (1, false);
const TAKEN: Attempts = (1, true);

/// Mounts over TLS and unmounts again; what was said, and what the server has seen of it.
fn tried(certificate: &Certificate, options: &[String]) -> (Outcome, Attempts) {
    let server = Server::with_messages(vec![Message::new("one", b"text")])
        .tls(certificate.identity())
        .start()
        .expect("a server on loopback");
    let unused = "unused".as_ref();
    let account = Account::implicit_tls("ann", "secret", server.port(), unused).without_options();
    let site = Site::new();
    let outcome = run(site.command(&account).args(options));
    if is_mounted(&site.mountpoint()) {
        run(pop3fs().arg("umount").arg(site.mountpoint())).succeeded();
    }
    assert_eq!(server.count("AUTH"), server.sessions());
    let is_spoken_to = !server.commands().is_empty();
    (outcome, (server.connections(), is_spoken_to))
}
