//! Locks that linger, and limits on how often or how much.

use std::time::Duration;

use nix::errno::Errno;
use pop3fs::maildrop::Error;
use pop3fs_server::{Fault, When};

use super::serving;
use crate::support::mailbox::text;
use crate::support::unmounted::{Unmounted, settings};

/// A lock that lingers after a lost link is waited for, with pauses that grow; the log says who
/// said what.
#[test]
fn a_lock_that_lingers() {
    let mut mailbox = Unmounted::of(serving());
    mailbox
        .server
        .fault(Fault::refuse_login("[IN-USE] locked by session 4711", 3));
    mailbox.cut();
    let begun = mailbox.elapsed();
    assert_eq!(mailbox.read("one"), Ok(text("one").into_bytes()));
    assert!(mailbox.elapsed() - begun >= Duration::from_secs(3));
    assert!(mailbox.logged("[IN-USE] locked by session 4711"));
    assert_eq!(mailbox.server.count("AUTH"), 5);
}

/// A lock that stays is not waited for longer than a request may take, nor asked about all the
/// time.
#[test]
fn a_lock_that_stays() {
    let mut mailbox = Unmounted::of(serving());
    mailbox
        .server
        .fault(Fault::refuse_login("[IN-USE] locked", usize::MAX));
    mailbox.cut();
    assert!(matches!(
        mailbox.read("one"),
        Err(Errno::EIO | Errno::ETIMEDOUT)
    ));
    assert!(mailbox.elapsed() <= Duration::from_secs(60));
    assert!(mailbox.server.count("AUTH") < 15, "no tight retry");
    mailbox.server.clear_faults();
    mailbox.pass(Duration::from_secs(60));
    assert_eq!(mailbox.read("one"), Ok(text("one").into_bytes()));
}

/// There is never more than one session: some servers allow no second one, and with others a second
/// one ends the first.
#[test]
fn servers_that_allow_one_session() {
    let mut mailbox = Unmounted::of(serving());
    for name in ["one", "three", "eleven"] {
        mailbox.read(name).expect("a message");
        mailbox.cut();
    }
    mailbox.remove("one").expect("a mark");
    assert!(mailbox.commit().complete);
    assert!(!mailbox.logged("IN-USE"));
}

/// A server that closes connections without a greeting, as some do to those who have too many, is
/// tried again after pauses.
#[test]
fn a_server_that_closes_without_a_greeting() {
    let mut mailbox = Unmounted::of(serving());
    mailbox
        .server
        .fault(Fault::CutBefore(When::every("GREETING").times(2)));
    mailbox.cut();
    assert_eq!(mailbox.read("one"), Ok(text("one").into_bytes()));
    assert!(mailbox.elapsed() >= Duration::from_secs(1));
}

/// A limit on what may be fetched is told with the server's words, and the server is left alone: a
/// message is asked for once for each reader, and the session goes on.
#[test]
fn a_limit_on_what_may_be_fetched() {
    let mut mailbox = Unmounted::of(serving());
    let refused = When::every("RETR");
    let words = "Download exceed: daily quota".to_owned();
    mailbox.server.fault(Fault::Refuse(refused, words));
    assert_eq!(mailbox.read("one"), Err(Errno::EDQUOT));
    assert!(mailbox.logged("Download exceed: daily quota"));
    assert_eq!(mailbox.server.count("RETR"), 1);
    mailbox.server.clear_faults();
    assert_eq!(mailbox.read("one"), Ok(text("one").into_bytes()));
    assert_eq!(mailbox.server.sessions(), 1);
}

/// A limit on how often one may log in, told without a code, is a refused login: it is not tried
/// again by itself.
#[test]
fn a_limit_on_logins() {
    let mut mailbox = Unmounted::new(serving(), settings());
    mailbox.server.fault(Fault::refuse_login(
        "too many logins, try again in 15 minutes",
        99,
    ));
    let refused = mailbox.connect();
    assert!(
        matches!(&refused, Err(Error::LoginRefused(words)) if words.contains("15 minutes")),
        "{refused:?}"
    );
    mailbox.pass(Duration::from_secs(3600));
    assert_eq!(mailbox.server.count("AUTH"), 1);
}
