//! Servers that mean harm.

use std::time::Duration;

use nix::errno::Errno;
use pop3fs::maildrop::{Maildrop, Outcome, Settings};
use pop3fs_server::{Fault, Identity, When};

use super::{message, serving};
use crate::support::account::Account;
use crate::support::exit_status::PROTOCOL;
use crate::support::mailbox::text;
use crate::support::mount::Site;
use crate::support::process::run;
use crate::support::skip::{Need, lacking};
use crate::support::unmounted::{Unmounted, settings};

/// A line without end is given up before it fills the memory, wherever a line is due.
#[test]
fn a_line_without_end() {
    let flood = vec![b'x'; 1 << 20];
    for verb in ["GREETING", "STAT", "RETR"] {
        let mut mailbox = Unmounted::new(serving(), settings());
        let when = When::every(verb);
        mailbox.server.fault(Fault::Replace(when, flood.clone()));
        let connected = mailbox.connect();
        if verb == "RETR" {
            assert_eq!(mailbox.read("one"), Err(Errno::EIO));
        } else {
            assert!(connected.is_err(), "{verb}");
        }
        assert!(mailbox.logged("a line of more than 8192 octets"), "{verb}");
    }
}

/// A listing without end is given up before it fills the memory, though each line is about the same
/// message.
#[test]
fn a_listing_without_end() {
    let mut mailbox = Unmounted::new(serving().without("PIPELINING"), settings());
    let beginning = b"+OK\r\n".to_vec();
    let when = When::every("UIDL");
    mailbox.server.fault(Fault::Replace(when, beginning));
    let connected = mailbox.begin(Maildrop::connect);
    let lines = format!("1 {}\r\n", "x".repeat(60_000)).repeat(20);
    let pieces = (0..1000).take_while(|_| mailbox.hear(&lines));
    assert!(pieces.count() < 500);
    assert!(connected.take().is_some_and(|result| result.is_err()));
    assert!(mailbox.logged("listing does not end"));
}

/// A server that never stops sending keeps no program waiting beyond its time, nor others from what
/// is in memory.
#[test]
fn a_message_without_end() {
    let server = serving().start().expect("a server on loopback");
    if lacking(&[Need::Fuse]) {
        return;
    }
    let site = Site::new();
    let account = Account::in_clear("ann", "secret", server.port());
    let mount = site.mount_with(&account, &["--timeout", "5"]);
    let cached = std::fs::read(mount.file("three")).expect("a file to read");
    let drop_by_drop = Fault::Endless(When::every("RETR"), b"+OK\r\n".to_vec(), b"x".to_vec());
    server.fault(drop_by_drop);
    let error = std::fs::read(mount.file("one")).expect_err("no end");
    assert_eq!(error.raw_os_error(), Some(Errno::ETIMEDOUT as i32));
    assert_eq!(
        std::fs::read(mount.file("three")).expect("in memory"),
        cached
    );
}

/// Octets in clear behind the answer to STLS were put there by somebody who wants them taken for the
/// server's: no password goes out, and the mount fails.
#[test]
fn octets_in_clear_behind_stls() {
    if lacking(&[Need::Fuse, Need::Program("openssl")]) {
        return;
    }
    let site = Site::new();
    let identity = Identity::temporary(&site.home()).expect("a certificate");
    let ca_file = identity.ca_file().expect("an authority").to_owned();
    let server = serving().stls(identity).start().expect("a server");
    let injected = b"+OK\r\nSASL PLAIN\r\n.\r\n".to_vec();
    server.fault(Fault::Junk(When::every("STLS"), injected));
    let account = Account::stls("ann", "secret", server.port(), &ca_file);
    let outcome = run(&mut site.command(&account));
    assert_eq!(outcome.code(), Some(PROTOCOL), "{outcome:?}");
    assert!(outcome.says("tampering"), "{outcome:?}");
    assert_eq!(server.count("AUTH") + server.count("PASS"), 0);
}

/// A password that the server repeats is not shown.
#[test]
fn words_that_repeat_the_password() {
    for verb in ["PASS", "STAT"] {
        let mut mailbox = Unmounted::new(serving().without("SASL"), settings());
        let words = b"bad command: PASS secret\r\n".to_vec();
        mailbox
            .server
            .fault(Fault::Replace(When::every(verb), words));
        let refused = mailbox.connect().expect_err("no reply");
        assert!(!refused.to_string().contains("secret"), "{refused}");
        assert!(!mailbox.logged("PASS secret"));
    }
}

/// However the octets are cut into pieces, the session is the same.
#[test]
fn pieces_of_one_octet() {
    if lacking(&[Need::Fuse]) {
        return;
    }
    let server = serving().start().expect("a server on loopback");
    server.fault(Fault::Pieces(1));
    let site = Site::new();
    let mount = site.mount(&Account::in_clear("ann", "secret", server.port()));
    for name in ["one", "three", "eleven"] {
        let octets = std::fs::read(mount.file(name)).expect("a file to read");
        assert_eq!(octets, text(name).into_bytes());
    }
}

/// A line that comes drop by drop is not waited for as long as there are drops.
#[test]
fn a_reply_that_comes_drop_by_drop() {
    let mut mailbox = Unmounted::new(serving().without("PIPELINING"), settings());
    let nothing = Fault::Replace(When::every("STAT"), Vec::new());
    mailbox.server.fault(nothing);
    let connected = mailbox.begin(Maildrop::connect);
    let drops = (0..1000).take_while(|_| {
        mailbox.pass(Duration::from_secs(50));
        mailbox.hear("+")
    });
    assert!(drops.count() < 10);
    assert!(connected.take().is_some_and(|result| result.is_err()));
}

/// A server that says nothing at all keeps nobody waiting beyond the time-out.
#[test]
fn a_server_that_says_nothing() {
    let quick = Settings {
        timeout: Duration::from_secs(5),
        ..settings()
    };
    let mut mailbox = Unmounted::new(serving(), quick);
    let silence = Fault::Replace(When::every("GREETING"), Vec::new());
    mailbox.server.fault(silence);
    assert!(mailbox.connect().is_err());
    assert!(mailbox.elapsed() <= Duration::from_secs(5));
    mailbox.server.clear_faults();
    mailbox.server.deliver(message("four"));
    mailbox.pass(Duration::from_secs(120));
    assert_eq!(mailbox.connect(), Ok(()));
}

/// A server that says nothing keeps no mailbox mounted: a commit is given up when the server has been
/// silent for as long as a program may wait, or for a minute if that is longer, and for five minutes
/// more where it was to say that it has deleted the messages.
#[test]
fn a_server_that_says_nothing_about_a_commit() {
    for command in ["GREETING", "DELE"] {
        let mut mailbox = Unmounted::of(serving());
        mailbox.remove("one").expect("a mark");
        for command in ["GREETING", command] {
            let silence = Fault::Replace(When::every(command), Vec::new());
            mailbox.server.fault(silence);
        }
        if command == "GREETING" {
            mailbox.cut();
        }
        let begun = mailbox.elapsed();
        let report = mailbox.commit();
        assert_eq!(report.messages[0].outcome, Outcome::Kept, "{command}");
        assert_eq!(mailbox.elapsed() - begun, Duration::from_secs(60));
        assert_eq!(mailbox.marks_written(), 1);
    }
}
