//! CAPA, and what servers say there.

use std::time::Duration;

use pop3fs_server::{Fault, When};

use super::serving;
use crate::support::mailbox::text;
use crate::support::unmounted::{Unmounted, settings};

/// A mailbox on a server that misbehaves so from the beginning.
fn on(fault: Fault) -> Unmounted {
    let mut mailbox = Unmounted::new(serving(), settings());
    mailbox.server.fault(fault);
    mailbox.connect().expect("a session");
    mailbox
}

#[track_caller]
fn assert_works(mut mailbox: Unmounted) {
    for name in ["one", "three", "eleven"] {
        assert_eq!(mailbox.read(name), Ok(text(name).into_bytes()));
    }
}

/// Each command goes out when the one before it is answered.
#[track_caller]
fn assert_asks_one_by_one(mailbox: &Unmounted) {
    let writes = mailbox.writes();
    assert!(writes.iter().all(|write| write.lines().count() == 1));
}

/// A server that does not know CAPA is used with what every server can.
#[test]
fn a_server_without_capa() {
    let mailbox = Unmounted::of(
        serving()
            .without("CAPA")
            .without("PIPELINING")
            .without("SASL"),
    );
    assert_asks_one_by_one(&mailbox);
    assert_works(mailbox);
}

/// A server that never answers CAPA, hangs up on it, or answers with something else is used without
/// it, in each later session too.
#[test]
fn a_server_that_cannot_bear_capa() {
    let faults = [
        Fault::Replace(When::every("CAPA"), Vec::new()),
        Fault::CutUndone(When::every("CAPA")),
        Fault::Replace(When::every("CAPA"), b"500 what?\r\n".to_vec()),
    ];
    for fault in faults {
        let mut mailbox = on(fault);
        assert!(mailbox.elapsed() < Duration::from_secs(60));
        let asked = mailbox.server.count("CAPA");
        mailbox.cut();
        mailbox.connect().expect("a session");
        assert_eq!(mailbox.server.count("CAPA"), asked);
        assert_works(mailbox);
    }
}

/// Words that nobody knows, or that are written wrongly, are passed over.
#[test]
fn capabilities_that_are_written_sloppily() {
    let lines = b"+OK\r\nTOP\r\nEXPIRENEVER\r\nPIPELINE CELERITY AUSPEX POTENCE\r\nuidl\r\n\r\n\
        LOGIN-DELAY soon\r\nSASL\r\nX\xff\x01\r\nUSER\r\nIMPLEMENTATION \r\n.\r\n";
    let mailbox = on(Fault::Replace(When::every("CAPA"), lines.to_vec()));
    assert_asks_one_by_one(&mailbox);
    assert_works(mailbox);
}

/// A list of capabilities that does not end is not listened to for ever.
#[test]
fn capabilities_without_end() {
    let flood = [b"+OK\r\n".to_vec(), b"X-MORE\r\n".repeat(100_000)].concat();
    assert_works(on(Fault::Replace(When::every("CAPA"), flood)));
}

/// A server that has UTF8 is asked for it before the login: without it some replace messages with
/// 8-bit headers by others. It may refuse.
#[test]
fn a_server_that_replaces_8_bit_headers_unless_told_not_to() {
    for refused in [false, true] {
        let mut mailbox = Unmounted::new(serving().capability("UTF8"), settings());
        let refusal = Fault::Refuse(When::every("UTF8"), "no".to_owned());
        refused.then(|| mailbox.server.fault(refusal));
        mailbox.connect().expect("a session");
        let commands = mailbox.server.commands();
        assert_eq!(commands[..2], ["CAPA", "UTF8"]);
        assert!(commands[2].starts_with("AUTH"));
        assert_works(mailbox);
    }
}

/// Capabilities that forbid nothing keep nobody from reading: EXPIRE 0, LOGIN-DELAY; they are shown
/// in `status`.
#[test]
fn capabilities_that_sound_forbidding() {
    let server = serving()
        .capability("EXPIRE 0")
        .capability("LOGIN-DELAY 300");
    let mailbox = Unmounted::of(server);
    let shown = mailbox.maildrop.status().link.capabilities;
    for line in ["EXPIRE 0", "LOGIN-DELAY 300"] {
        assert!(shown.iter().any(|own| own == line), "{shown:?}");
    }
    assert_works(mailbox);
}

/// A server without TOP is asked for whole messages only.
#[test]
fn a_server_without_top() {
    assert_works(Unmounted::of(serving().without("TOP")));
}
