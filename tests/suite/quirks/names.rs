//! Unique-ids, which can be anything and anybody's.

use std::collections::HashSet;

use nix::errno::Errno;
use pop3fs_server::{Fault, Message, Server, Which};

use super::{message, serving};
use crate::support::mailbox::text;
use crate::support::unmounted::{Unmounted, settings};

/// A mailbox whose unique-ids are these.
fn known_as(unique_ids: &[&[u8]]) -> Unmounted {
    let message = |id: &&[u8]| Message::new(*id, &[*id, b"\r\n"].concat());
    Unmounted::of(Server::with_messages(
        unique_ids.iter().map(message).collect(),
    ))
}

/// Unique-ids out of a header line, which the sender of the mail can choose, lead nowhere: no name
/// has a slash or a control character, is that of a directory, or an option or a command to programs that
/// are given it.
#[test]
fn unique_ids_that_the_sender_has_chosen() {
    let long = [b'x'; 5000];
    let odd: [&[u8]; 15] = [
        b"../../../tmp/evil",
        b".",
        b"..",
        b".pop3fs",
        b"--checkpoint-action=exec=sh",
        b"id|",
        b"two words",
        b"<1@example.org>",
        b"a\x1b[2Jb",
        b"na\xc3\xafve",
        b"\xff\xfe",
        b"case",
        b"CASE",
        b"~2",
        &long,
    ];
    let mut mailbox = known_as(&odd);
    let names = mailbox.names();
    let distinct: HashSet<&String> = names.iter().collect();
    assert_eq!(distinct.len(), odd.len());
    for (name, id) in names.iter().zip(odd) {
        let harmless = |octet: u8| matches!(octet, b' '..=b'~') && !b"/|".contains(&octet);
        assert!(name.bytes().all(harmless) && name.len() <= 255, "{name}");
        assert!(![".", "..", ".pop3fs"].contains(&name.as_str()) && !name.starts_with('-'));
        let octets = mailbox.read(name).expect("a message");
        assert!(octets.starts_with(id), "{name}");
    }
}

/// Servers that put several blanks between the number and the unique-id mean the same by them.
#[test]
fn blanks_before_the_unique_id() {
    let mut mailbox = Unmounted::new(serving(), settings());
    let one = Which::Message(b"one".to_vec());
    mailbox
        .server
        .fault(Fault::UniqueId(one, b"  \t one".to_vec()));
    mailbox.connect().expect("a session");
    assert_eq!(mailbox.names(), ["one", "three", "eleven"]);
}

/// Copies of a message share a unique-id on servers that take it from the message: each is a file
/// of its own, and removing one removes that one.
#[test]
fn unique_ids_that_messages_share() {
    let copies = [3, 200, 30].map(|length| Message::new("same", &vec![b'x'; length]));
    let mut mailbox = Unmounted::of(Server::with_messages(copies.to_vec()));
    assert_eq!(mailbox.names(), ["same", "same~2", "same~3"]);
    mailbox.remove("same~2").expect("a mark");
    assert!(mailbox.commit().complete);
    let left: Vec<usize> = mailbox
        .server
        .messages()
        .iter()
        .map(|it| it.octets.len())
        .collect();
    assert_eq!(left, [5, 32]);
}

/// Messages without a unique-id, among others that have one, can be read and not removed, for they
/// could not be found again.
#[test]
fn messages_without_a_unique_id() {
    let mut mailbox = Unmounted::new(serving(), settings());
    let one = Which::Message(b"one".to_vec());
    mailbox.server.fault(Fault::UniqueId(one, Vec::new()));
    mailbox.connect().expect("a session");
    assert_eq!(mailbox.names(), ["%no-unique-id", "three", "eleven"]);
    let octets = mailbox.read("%no-unique-id");
    assert_eq!(octets, Ok(text("one").into_bytes()));
    assert_eq!(mailbox.remove("%no-unique-id"), Err(Errno::EPERM));
    assert_eq!(mailbox.remove("three"), Ok(()));
}

/// A server without UIDL is read all the same; it may have it without saying so.
#[test]
fn servers_without_uidl() {
    let mut mailbox = Unmounted::of(serving().without("UIDL"));
    let names = ["%no-unique-id", "%no-unique-id~2", "%no-unique-id~3"];
    assert_eq!(mailbox.names(), names);
    let octets = mailbox.read("%no-unique-id~2");
    assert_eq!(octets, Ok(text("three").into_bytes()));
    let mut mailbox = Unmounted::new(serving(), settings());
    mailbox.server.fault(Fault::OmitCapability("UIDL".into()));
    mailbox.connect().expect("a session");
    assert_eq!(mailbox.names(), ["one", "three", "eleven"]);
}

/// Without unique-ids nothing tells one message from another of its size that has its place in the
/// next session: what was read of it before counts no more.
#[test]
fn a_place_without_a_unique_id_is_not_the_same_message_for_ever() {
    let mail = |letter: &str| Message::new(letter, format!("Subject: {letter}\r\n\r\n").as_bytes());
    let server = Server::with_messages(["a", "b"].map(mail).into());
    let mut mailbox = Unmounted::of(server.without("UIDL"));
    let first = |mailbox: &mut Unmounted| mailbox.read("%no-unique-id");
    assert_eq!(first(&mut mailbox), Ok(b"Subject: a\r\n\r\n".to_vec()));
    mailbox
        .server
        .expunge_if(|message| message.unique_id == b"a");
    mailbox.server.deliver(mail("c"));
    mailbox.cut();
    mailbox.connect().expect("a session");
    assert_eq!(first(&mut mailbox), Ok(b"Subject: b\r\n\r\n".to_vec()));
}

/// Servers that refuse UIDL of a maildrop without messages have one without messages.
#[test]
fn a_maildrop_without_messages_that_refuses_to_be_listed() {
    for verb in ["UIDL", "LIST"] {
        let mut mailbox = Unmounted::new(Server::with_messages(Vec::new()), settings());
        let refused = pop3fs_server::When::every(verb);
        let words = "no messages".to_owned();
        mailbox.server.fault(Fault::Refuse(refused, words));
        assert_eq!(mailbox.connect(), Ok(()), "{verb}");
        assert!(mailbox.names().is_empty());
    }
}

/// A unique-id that is given to another message later brings back neither the bytes nor the mark of
/// the one that had it.
#[test]
fn unique_ids_that_are_used_again() {
    let mut mailbox = Unmounted::holding(&[message("one"), message("three")]);
    assert!(mailbox.read("one").is_ok());
    mailbox.remove("three").expect("a mark");
    mailbox.server.expunge_if(|_| true);
    for name in ["one", "three"] {
        let other = format!("Subject: another\r\n\r\n{}", text(name));
        mailbox.server.deliver(Message::new(name, other.as_bytes()));
    }
    mailbox.cut();
    mailbox.connect().expect("a session");
    assert_eq!(mailbox.names(), ["one", "three"]);
    let octets = mailbox.read("one").expect("a message");
    assert!(octets.starts_with(b"Subject: another"));
    assert!(mailbox.commit().complete);
    assert_eq!(mailbox.server.messages().len(), 2);
}

/// Where all unique-ids change at once, nothing that was marked is deleted.
#[test]
fn unique_ids_that_all_change() {
    let mut mailbox = Unmounted::of(serving());
    mailbox.remove("one").expect("a mark");
    for name in ["one", "three", "eleven"] {
        let other = format!("1700000000.{name}").into_bytes();
        mailbox
            .server
            .fault(Fault::UniqueId(Which::Message(name.into()), other));
    }
    mailbox.cut();
    mailbox.connect().expect("a session");
    assert_eq!(mailbox.names().len(), 3);
    mailbox.commit();
    assert_eq!(mailbox.server.messages().len(), 3);
    assert_eq!(mailbox.server.count("DELE"), 0);
}
