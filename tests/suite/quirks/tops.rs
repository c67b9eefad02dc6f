//! TOP, which servers get wrong in many ways. It is only asked for the beginning of long messages.

use pop3fs::maildrop::Settings;
use pop3fs_server::{Fault, Message, Server, When};

use crate::support::mailbox::long_text;
use crate::support::unmounted::{Unmounted, settings};

/// How long the messages are.
const SIZE: usize = 300_000;

/// What a program looks at that wants to know what a file is.
const LOOK: usize = 4096;

/// A mailbox of two long messages, on a server whose TOP misbehaves so.
fn on(fault: Option<Fault>) -> Unmounted {
    let message = |name: &str| Message::new(name, &long_text(name, SIZE));
    let server = Server::with_messages(["one", "two"].map(message).to_vec());
    let short = Settings {
        long: 100_000,
        ..settings()
    };
    let mut mailbox = Unmounted::new(server, short);
    fault
        .into_iter()
        .for_each(|fault| mailbox.server.fault(fault));
    mailbox.connect().expect("a session");
    mailbox
}

/// Both messages are looked at and then read, and are what they are.
#[track_caller]
fn assert_looks_right(mailbox: &mut Unmounted) {
    for name in ["one", "two"] {
        let whole = long_text(name, SIZE);
        let look = mailbox.read_beginning(name, LOOK);
        assert_eq!(look.as_deref(), Ok(&whole[..LOOK]), "{name}");
    }
    for name in ["one", "two"] {
        assert_eq!(mailbox.read(name), Ok(long_text(name, SIZE)), "{name}");
    }
}

/// A server whose TOP of the first message gives this.
fn giving(body: &[u8]) -> Unmounted {
    let reply = [b"+OK\r\n", body, b".\r\n"].concat();
    on(Some(Fault::Replace(When::every("TOP").about("one"), reply)))
}

/// Where TOP works, looking at a long message does not fetch it.
#[test]
fn a_top_that_works() {
    let mut mailbox = on(None);
    mailbox.read_beginning("one", LOOK).expect("a beginning");
    assert_eq!(
        (mailbox.server.count("TOP"), mailbox.server.count("RETR")),
        (1, 0)
    );
    assert_looks_right(&mut mailbox);
}

/// A TOP that gives the whole message gives its beginning, too.
#[test]
fn a_top_that_gives_the_whole_message() {
    assert_looks_right(&mut giving(&long_text("one", SIZE)));
}

/// A TOP that gives a few lines, whatever is asked for, or nothing, is too short for who looks: the
/// message is fetched.
#[test]
fn a_top_that_gives_too_little() {
    let text = long_text("one", SIZE);
    let lines = text.split_inclusive(|&octet| octet == b'\n');
    let ten: Vec<u8> = lines.take(10).flatten().copied().collect();
    for body in [&ten[..], b"", b"Subject: one\r\n\r\n"] {
        assert_looks_right(&mut giving(body));
    }
}

/// A TOP that is cut off somewhere never stands for the message.
#[test]
fn a_top_that_is_cut_off() {
    let cut = long_text("one", 82_000);
    let mut mailbox = giving(&cut);
    assert_looks_right(&mut mailbox);
    let whole = long_text("one", SIZE);
    let look = mailbox.read_beginning("one", 200_000);
    assert_eq!(look.as_deref(), Ok(&whole[..200_000]));
}

/// A TOP that is answered twice is not taken for the message, and not used again.
#[test]
fn a_top_that_is_answered_twice() {
    let mut body = b"+OK message follows\r\n".to_vec();
    body.extend(long_text("one", SIZE));
    let mut mailbox = giving(&body);
    assert_looks_right(&mut mailbox);
    assert!(mailbox.logged("WARN: the server's TOP is answered twice"));
    assert_eq!(mailbox.server.count("TOP"), 1);
}

/// A TOP that is refused, though announced, is not asked for again.
#[test]
fn a_top_that_is_refused() {
    let refused = When::every("TOP");
    let mut mailbox = on(Some(Fault::Refuse(refused, "not here".to_owned())));
    assert_looks_right(&mut mailbox);
    assert!(mailbox.logged("INFO: TOP was refused: \"not here\""));
    assert_eq!(mailbox.server.count("TOP"), 1);
}
