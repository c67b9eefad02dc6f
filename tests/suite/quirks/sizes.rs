//! Sizes in listings, which are estimates.

use pop3fs::maildrop::Maildrop;
use pop3fs_server::{Fault, Listed, Message, Server, Which};

use super::{serving, three};
use crate::support::mailbox::{held_by, text};
use crate::support::unmounted::Unmounted;

/// Reads all three, first alone and then at once, on a server that lists sizes like this.
#[track_caller]
fn assert_read_right(listed: Listed) {
    for together in [false, true] {
        let server = serving();
        let mut mailbox = Unmounted::new(server, crate::support::unmounted::settings());
        mailbox
            .server
            .fault(Fault::Size(Which::Every, listed.clone()));
        mailbox.connect().expect("a session");
        let names = ["one", "three", "eleven"];
        let read = if together {
            mailbox.read_at_once(&names)
        } else {
            names.map(|name| mailbox.read(name)).to_vec()
        };
        for (name, octets) in names.iter().zip(read) {
            assert_eq!(octets, Ok(text(name).into_bytes()), "{name}, {listed:?}");
            assert_eq!(mailbox.size(name), text(name).len() as u64);
        }
        assert_eq!(mailbox.server.sessions(), 1, "{listed:?}");
    }
}

/// Servers that store a message without its last line end list it two octets short.
#[test]
fn a_size_without_the_last_line_end() {
    assert_read_right(Listed::Offset(-2));
}

/// Servers that count line ends as they store them list one octet too few for each line.
#[test]
fn a_size_that_counts_line_feeds() {
    let mut mailbox = Unmounted::new(serving(), crate::support::unmounted::settings());
    for message in three() {
        let lines = message
            .octets
            .iter()
            .filter(|&&octet| octet == b'\n')
            .count();
        let which = Which::Message(message.unique_id.clone());
        let listed = Listed::Offset(-i64::try_from(lines).expect("few"));
        mailbox.server.fault(Fault::Size(which, listed));
    }
    mailbox.connect().expect("a session");
    for octets in mailbox.read_at_once(&["one", "three", "eleven"]) {
        assert!(octets.is_ok());
    }
    assert!(mailbox.server.count("RETR") <= 4, "one is asked for twice");
}

/// Servers that list a size from an index that is wrong, an approximation, or a round number, are
/// read right.
#[test]
fn a_size_that_is_far_from_the_truth() {
    for listed in [
        Listed::Value(777),
        Listed::Value(1),
        Listed::Value(1024),
        Listed::Factor(1.4),
        Listed::Factor(0.5),
    ] {
        assert_read_right(listed);
    }
}

/// A size of nothing, less than nothing, no number at all, or more than a file can have hides no
/// message, and none is shown as empty.
#[test]
fn a_size_that_makes_no_sense() {
    for words in ["0", "-1", "garbage", "", "9223372036854775808", "1e99"] {
        let listed = Listed::Text(words.to_owned());
        let mut mailbox = Unmounted::new(serving(), crate::support::unmounted::settings());
        mailbox
            .server
            .fault(Fault::Size(Which::Every, listed.clone()));
        mailbox.connect().expect("a session");
        assert_eq!(mailbox.names(), ["one", "three", "eleven"], "{words}");
        assert!(mailbox.size("one") > 0, "{words}");
        assert_read_right(listed);
    }
}

/// A server may announce as many octets as it likes: memory is taken for what comes.
#[test]
fn a_size_that_would_fill_all_memory() {
    assert_read_right(Listed::Value(u64::MAX));
    assert_read_right(Listed::Value(1 << 40));
}

/// Servers that write a header line into a message once they are asked for unique-ids are asked for
/// sizes after that.
#[test]
fn a_size_that_changes_with_the_question_for_unique_ids() {
    let mailbox = Unmounted::of(serving().without("PIPELINING"));
    let asked = mailbox.server.commands();
    let place = |verb: &str| asked.iter().position(|command| command == verb);
    assert!(place("UIDL") < place("LIST"), "{asked:?}");
}

/// A message that is listed with octets and comes without any is asked for once more in another
/// session, and then shown as it is.
#[test]
fn a_message_that_comes_empty() {
    let messages = vec![Message::new("empty", b"").listed(500)];
    let mut mailbox = Unmounted::of(Server::with_messages(messages));
    mailbox.pass(std::time::Duration::from_secs(30));
    assert_eq!(mailbox.read("empty"), Ok(Vec::new()));
    assert_eq!(mailbox.server.sessions(), 2);
}

/// Servers that keep a mailbox in one file write header lines of their own into the messages when a
/// session ends, so that all have grown in the next one: they stay the same files, marks hold, and
/// what is read is what the server has now.
#[test]
fn messages_that_grow_between_sessions() {
    let mut mailbox = Unmounted::of(serving());
    mailbox.read("one").expect("a message");
    mailbox.remove("three").expect("a mark");
    for name in ["one", "three", "eleven"] {
        let grown = text(name).replacen("\r\n", "\r\nStatus: RO\r\n", 1);
        mailbox.server.expunge(name.as_bytes());
        mailbox.server.deliver(Message::new(name, grown.as_bytes()));
    }
    mailbox.ask(Maildrop::refresh).expect("a listing");
    let read = mailbox.read("one").expect("a message");
    assert!(String::from_utf8_lossy(&read).contains("Status: RO"));
    assert_eq!(mailbox.names(), ["one", "eleven"]);
    assert!(mailbox.commit().complete);
    assert_eq!(held_by(&mailbox.server), ["one", "eleven"]);
}
