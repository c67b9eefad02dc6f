//! The first lines of replies, which servers write as they like.

use nix::errno::Errno;
use pop3fs_server::{Fault, When};

use super::serving;
use crate::support::mailbox::text;
use crate::support::unmounted::{Unmounted, settings};

/// A mailbox on a server that misbehaves so from the greeting on.
fn on(fault: Fault) -> Unmounted {
    let mut mailbox = Unmounted::new(serving().without("SASL"), settings());
    mailbox.server.fault(fault);
    mailbox.connect().expect("a session");
    mailbox
}

/// `+ok` means `+OK`, and so does `+` alone; words need not follow; lines may be longer than they
/// should.
#[test]
fn replies_that_are_written_sloppily() {
    let long = format!("+OK {}\r\n", "blah ".repeat(1000));
    let mut mailboxes = vec![on(Fault::LowerCase)];
    for words in [
        "+\r\n",
        "+OK\r\n",
        "+ok\r\n",
        "+OK \r\n",
        "+OK\tyes\r\n",
        &long,
    ] {
        for verb in ["GREETING", "USER", "PASS", "STAT"] {
            let when = When::every(verb);
            mailboxes.push(on(Fault::Replace(when, words.into())));
        }
    }
    for mut mailbox in mailboxes {
        assert_eq!(mailbox.read("one"), Ok(text("one").into_bytes()));
        assert_eq!(mailbox.names().len(), 3);
    }
}

/// A farewell to a client that was silent for long is no answer to the next command, and no fault:
/// the next reader gets another session.
#[test]
fn a_farewell_that_nobody_asked_for() {
    let mut mailbox = Unmounted::of(serving());
    mailbox.hear("-ERR Disconnected for inactivity.\r\n");
    assert!(mailbox.logged("INFO: the server said \"-ERR Disconnected for inactivity.\" unasked"));
    assert!(!mailbox.logged("WARN"), "it is no fault");
    assert_eq!(mailbox.read("one"), Ok(text("one").into_bytes()));
    assert_eq!(mailbox.server.sessions(), 2);
}

/// A reply that is none, such as an overlong command repeated in pieces, ends the session; what was
/// asked for is asked for again in another.
#[test]
fn an_answer_that_is_no_reply() {
    let mut mailbox = Unmounted::of(serving());
    let when = When::first("RETR");
    mailbox
        .server
        .fault(Fault::Replace(when, b"RETR RETR RETR\r\n".to_vec()));
    assert_eq!(mailbox.read("one"), Ok(text("one").into_bytes()));
    assert!(mailbox.logged("\"RETR RETR RETR\" is no reply"));
    assert_eq!(mailbox.server.sessions(), 2);
}

/// Where it happens each time, the reader is told, and the others go on.
#[test]
fn an_answer_that_is_never_a_reply() {
    let mut mailbox = Unmounted::of(serving());
    let when = When::every("RETR").about("one");
    mailbox
        .server
        .fault(Fault::Replace(when, b"what?\r\n".to_vec()));
    assert_eq!(mailbox.read("one"), Err(Errno::EIO));
    assert_eq!(mailbox.read("three"), Ok(text("three").into_bytes()));
}

/// Escape sequences and other characters that a terminal would obey are shown, not obeyed.
#[test]
fn words_that_a_terminal_would_obey() {
    let mut mailbox = Unmounted::of(serving());
    mailbox
        .server
        .fault(Fault::refuse_retr("one", "\u{1b}]0;owned\u{7}\u{202e}"));
    assert_eq!(mailbox.read("one"), Err(Errno::EIO));
    assert!(mailbox.logged(r"\u{1b}]0;owned\u{7}\u{202e}"));
}

/// Octets that come unasked in front of a reply are not taken for it.
#[test]
fn a_reply_behind_one_too_many() {
    let mut mailbox = Unmounted::of(serving());
    mailbox.server.fault(Fault::Junk(
        When::first("RETR"),
        b"+OK 3 octets\r\n".to_vec(),
    ));
    for name in ["one", "three"] {
        assert_eq!(mailbox.read(name), Ok(text(name).into_bytes()));
    }
    assert!(mailbox.logged("WARN: the server said \"+OK 3 octets\" unasked"));
}
