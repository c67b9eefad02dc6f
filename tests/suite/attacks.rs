//! A network that puts in, takes out and cuts off: no password goes out in clear, and nothing that
//! came in clear is believed.

use pop3fs_server::{Fault, Identity, Message, Server, When};

use crate::support::account::Account;
use crate::support::exit_status::{PROTOCOL, TEMPORARY_FAILURE, UNAVAILABLE};
use crate::support::mount::{Site, is_mounted};
use crate::support::process::run;
use crate::support::skip::{Need, lacking};

/// Octets behind the reply to STLS, which would be taken for what comes through TLS, are an error
/// with a name of its own (76).
#[test]
fn octets_put_in_behind_stls_are_noticed() {
    let put_in = Fault::Junk(When::every("STLS"), b"+OK\r\nUSER\r\n.\r\n".to_vec());
    assert_fails(put_in, PROTOCOL, "octets in clear behind the reply to STLS");
}

/// The same where all replies up to the login are put in at once, behind the greeting.
#[test]
fn a_conversation_put_in_ahead_is_noticed() {
    let replies = b"+OK\r\nSTLS\r\nUSER\r\n.\r\n+OK begin\r\n+OK\r\nUSER\r\n.\r\n+OK\r\n+OK in\r\n";
    let put_in = Fault::Junk(When::every("GREETING"), replies.to_vec());
    assert_fails(put_in, PROTOCOL, "octets in clear behind the reply to STLS");
}

/// STLS taken out of what the server announces ends it (69).
#[test]
fn stls_taken_out_of_the_capabilities_ends_it() {
    let taken_out = Fault::OmitCapability("STLS".to_owned());
    assert_fails(taken_out, UNAVAILABLE, "does not offer STLS");
}

/// STLS refused ends it (76).
#[test]
fn stls_refused_ends_it() {
    let refused = Fault::Refuse(When::every("STLS"), "try again in clear".to_owned());
    assert_fails(refused, PROTOCOL, "try again in clear");
}

/// A link that is cut in place of the reply to STLS, or in place of the handshake, ends it.
#[test]
fn a_link_that_is_cut_around_stls_ends_it() {
    let before = Fault::CutBefore(When::every("STLS"));
    assert_fails(before, TEMPORARY_FAILURE, "the server hung up");
    let behind = Fault::CutAfter(When::every("STLS"));
    assert_fails(behind, PROTOCOL, "cannot start TLS");
}

/// A reply to STLS that was put in, while the server knows nothing of it, is followed by no TLS.
#[test]
fn a_reply_to_stls_that_was_put_in_is_followed_by_nothing_in_clear() {
    let put_in = Fault::Refuse(When::every("STLS"), "what?\r\n+OK begin".to_owned());
    assert_fails(put_in, PROTOCOL, "what?");
}

/// What is announced in clear counts for nothing once there is TLS.
#[test]
fn what_was_announced_in_clear_is_forgotten() {
    if lacking(NEEDS) {
        return;
    }
    let (server, account, _directory) = serving_with_stls();
    let tempting = b"+OK\r\nSTLS\r\nSASL XOAUTH2\r\nPIPELINING\r\n.\r\n".to_vec();
    server.fault(Fault::Replace(When::first("CAPA"), tempting));
    let site = Site::new();
    let mount = site.mount(&account);
    assert_eq!(mount.names(), ["one"]);
    mount.umount().succeeded();
    assert_eq!((server.count("CAPA"), server.count("AUTH")), (2, 1));
}

const NEEDS: &[Need] = &[Need::Fuse, Need::Program("openssl")];

fn serving_with_stls() -> (Server, Account, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let identity = Identity::temporary(directory.path()).expect("a certificate");
    let authority = identity.ca_file().expect("an authority").to_owned();
    let server = Server::with_messages(vec![Message::new("one", b"text")])
        .stls(identity)
        .start()
        .expect("a server on loopback");
    let account = Account::stls("ann", "secret", server.port(), &authority);
    (server, account, directory)
}

/// Fails to mount, once, and has told the server nothing of who would have logged in.
#[track_caller]
fn assert_fails(fault: Fault, status: i32, words: &str) {
    if lacking(NEEDS) {
        return;
    }
    let (server, account, _directory) = serving_with_stls();
    server.fault(fault);
    let site = Site::new();
    let outcome = run(&mut site.command(&account));
    assert_eq!(outcome.code(), Some(status), "{outcome:?}");
    assert!(outcome.says(words), "{outcome:?}");
    assert!(!is_mounted(&site.mountpoint()));
    let told = ["USER", "PASS", "AUTH", "APOP", "SASL"].map(|verb| server.count(verb));
    assert_eq!(told, [0; 5]);
    assert!(
        server.count("CAPA") <= 1 && server.count("STLS") <= 1,
        "one attempt"
    );
}
