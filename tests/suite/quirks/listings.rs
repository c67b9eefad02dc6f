//! Listings that disagree, and the order they come in.

use nix::errno::Errno;
use pop3fs::maildrop::Maildrop;
use pop3fs_server::{Fault, Order, When};

use super::{message, serving};
use crate::support::mailbox::{held_by, text};
use crate::support::unmounted::{Unmounted, settings};

/// A mailbox on a server that misbehaves so from the beginning.
fn on(fault: Fault) -> Unmounted {
    let mut mailbox = Unmounted::new(serving(), settings());
    mailbox.server.fault(fault);
    mailbox.connect().expect("a session");
    mailbox
}

/// Message-numbers are another session's in the next one: messages are found again by unique-id,
/// whatever the order, and marks with them.
#[test]
fn messages_that_are_numbered_otherwise_each_time() {
    for order in [Order::Reversed, Order::Shuffled(1), Order::Shuffled(7)] {
        let mut mailbox = Unmounted::of(serving());
        mailbox.remove("three").expect("a mark");
        mailbox.server.fault(Fault::Order(order));
        mailbox.server.deliver(message("four"));
        mailbox.cut();
        for name in ["one", "eleven"] {
            assert_eq!(mailbox.read(name), Ok(text(name).into_bytes()), "{order:?}");
        }
        assert!(mailbox.commit().complete);
        assert_eq!(held_by(&mailbox.server), ["one", "eleven", "four"]);
    }
}

/// A message that UIDL leaves out is shown without a unique-id, one that LIST leaves out without a
/// size; the log says once that the listings disagree.
#[test]
fn listings_that_disagree() {
    let mut mailbox = on(Fault::Omit("UIDL".into(), "three".into()));
    assert_eq!(mailbox.names(), ["one", "%no-unique-id", "eleven"]);
    let octets = mailbox.read("%no-unique-id");
    assert_eq!(octets, Ok(text("three").into_bytes()));
    assert_eq!(mailbox.remove("%no-unique-id"), Err(Errno::EPERM));
    assert!(mailbox.logged("WARN: the server's listings disagree about 1 messages"));
    let mut mailbox = on(Fault::Omit("LIST".into(), "three".into()));
    assert_eq!(mailbox.names(), ["one", "three", "eleven"]);
    assert_eq!(mailbox.read("three"), Ok(text("three").into_bytes()));
}

/// STAT may count what it likes, or be refused: LIST and UIDL decide.
#[test]
fn a_count_that_is_wrong() {
    for reply in [
        "+OK 99 1000000\r\n",
        "+OK 0 0\r\n",
        "+OK\r\n",
        "-ERR no\r\n",
        "+OK many\r\n",
    ] {
        let when = When::every("STAT");
        let mailbox = on(Fault::Replace(when, reply.into()));
        assert_eq!(mailbox.names(), ["one", "three", "eleven"], "{reply}");
    }
}

/// One line of a listing that makes no sense loses no message but the one that it is about.
#[test]
fn a_line_that_makes_no_sense() {
    let lines = b"+OK\r\n1 one\r\nno number\r\n\r\n0 zero\r\n99999999999 far\r\n3 eleven\r\n.\r\n";
    let when = When::every("UIDL");
    let mailbox = on(Fault::Replace(when, lines.to_vec()));
    assert_eq!(mailbox.names(), ["one", "%no-unique-id", "eleven"]);
    assert!(mailbox.logged("WARN: the server lists something that is no message"));
    assert!(!mailbox.logged("no number"), "it may be a secret");
}

/// Some servers answer UIDL and LIST wrongly when they are asked about one message: they are asked
/// about all, and only so.
#[test]
fn questions_about_one_message() {
    let mut mailbox = Unmounted::of(serving());
    mailbox.read_at_once(&["one", "three"]);
    mailbox.remove("one").expect("a mark");
    mailbox.ask(Maildrop::refresh).expect("a listing");
    mailbox.commit();
    for command in mailbox.server.commands() {
        assert!(!command.starts_with("UIDL ") && !command.starts_with("LIST "));
    }
}

/// New mail shows with the next session, never within one.
#[test]
fn new_mail_within_a_session() {
    let mut mailbox = Unmounted::of(serving());
    mailbox.server.deliver(message("four"));
    mailbox.read("one").expect("a message");
    assert_eq!(mailbox.names().len(), 3);
    mailbox.ask(Maildrop::refresh).expect("a listing");
    assert_eq!(mailbox.names(), ["one", "three", "eleven", "four"]);
}

/// A server may take its time over the first question about a large mailbox: it is not given up
/// before minutes have passed.
#[test]
fn a_first_answer_that_takes_long() {
    for verb in ["PASS", "STAT"] {
        let server = serving().without("PIPELINING").without("SASL");
        let patient = pop3fs::maildrop::Settings {
            timeout: std::time::Duration::from_secs(600),
            ..settings()
        };
        let mut mailbox = Unmounted::new(server, patient);
        mailbox
            .server
            .fault(Fault::Replace(When::first(verb), Vec::new()));
        let slot = mailbox.begin(Maildrop::connect);
        mailbox.pass(std::time::Duration::from_secs(240));
        assert!(slot.take().is_none(), "{verb}");
        mailbox.hear("+OK 3 100\r\n");
        assert_eq!(slot.take(), Some(Ok(())), "{verb}");
        assert_eq!(mailbox.server.sessions(), 1);
    }
}
