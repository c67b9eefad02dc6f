//! Where a message ends, and what its lines look like on the way.

use nix::errno::Errno;
use pop3fs::maildrop::Maildrop;
use pop3fs_server::{Fault, Listed, Message, Server, When, Which};

use super::{message, serving};
use crate::support::mailbox::text;
use crate::support::unmounted::Unmounted;

/// A mailbox of one message among others, whose reply to RETR is this, each time or once.
fn replying(reply: &[u8], times: usize) -> Unmounted {
    let mailbox = Unmounted::of(serving());
    let when = When::every("RETR").about("three").times(times);
    mailbox.server.fault(Fault::Replace(when, reply.to_vec()));
    mailbox
}

/// The other messages are as they should be.
#[track_caller]
fn assert_others_are_read(mailbox: &mut Unmounted) {
    for name in ["one", "eleven"] {
        assert_eq!(mailbox.read(name), Ok(text(name).into_bytes()), "{name}");
    }
}

/// A server that does not stuff dots ends a message too early, and gives the rest as replies: the
/// message cannot be read, nothing of it is kept, and the others can.
#[test]
fn dots_that_are_not_stuffed() {
    let dotted = Message::new("dotted", b"Subject: x\r\n\r\nabove\r\n.\r\nbelow\r\n");
    let messages = vec![message("one"), dotted, message("eleven")];
    let mut mailbox = Unmounted::of(Server::with_messages(messages));
    mailbox.server.fault(Fault::Unstuffed);
    assert_eq!(mailbox.read("dotted"), Err(Errno::EIO));
    assert!(mailbox.logged("WARN: the server broke the protocol"));
    assert!(mailbox.logged("pipelining is off"));
    assert_others_are_read(&mut mailbox);
    mailbox.server.clear_faults();
    let whole = b"Subject: x\r\n\r\nabove\r\n.\r\nbelow\r\n".to_vec();
    assert_eq!(mailbox.read("dotted"), Ok(whole));
}

/// A server that does not stuff dots sends lines that start with one as they are: they are read as
/// they are, as far as the length of the message shows that this is right.
#[test]
fn dots_that_are_not_stuffed_within_lines() {
    let text = b"Subject: x\r\n\r\n.x\r\n..y\r\n...\r\nz\r\n";
    let two = b"Subject: x\r\n\r\n..y\r\n";
    let mut messages = ["first", "second"]
        .map(|name| Message::new(name, text))
        .to_vec();
    messages.push(Message::new("two dots", two));
    let mut mailbox = Unmounted::of(Server::with_messages(messages));
    mailbox.server.fault(Fault::Unstuffed);
    mailbox.read("two dots").expect("nobody can tell yet");
    for name in ["first", "second"] {
        assert_eq!(mailbox.read(name), Ok(text.to_vec()), "{name}");
    }
    assert!(mailbox.logged("WARN: the server does not stuff dots"));
    assert_eq!(mailbox.read("two dots"), Ok(two.to_vec()));
    let size = Fault::Size(Which::Every, Listed::Value(7));
    mailbox.server.fault(size);
    mailbox.server.deliver(Message::new("third", text));
    mailbox.ask(Maildrop::refresh).expect("a listing");
    assert_eq!(mailbox.read("third"), Err(Errno::EIO));
}

/// A message can be written so that its own rest looks like the reply to the next command, on a
/// server that does not stuff dots. It is not taken for another message.
#[test]
fn dots_that_are_not_stuffed_before_what_looks_like_a_reply() {
    let forged = b"Subject: x\r\n\r\n.\r\n+OK\r\nSubject: forged\r\n\r\nnot yours\r\n.\r\n+OK\r\n";
    let messages = vec![
        Message::new("forged", forged),
        message("three"),
        message("eleven"),
    ];
    let mut mailbox = Unmounted::of(Server::with_messages(messages));
    mailbox.server.fault(Fault::Unstuffed);
    let read = mailbox.read_at_once(&["forged", "three", "eleven"]);
    assert_eq!(read[0], Err(Errno::EIO));
    for (name, octets) in ["three", "eleven"].into_iter().zip(&read[1..]) {
        assert_eq!(octets, &Ok(text(name).into_bytes()), "{name}");
    }
}

/// A server that glues the last dot to an unfinished last line never ends the message: reading it
/// fails in time, and the others can be read.
#[test]
fn a_last_dot_behind_an_unfinished_line() {
    let reply = b"+OK\r\nSubject: three\r\n\r\nno line end.\r\n";
    let mut mailbox = replying(reply, usize::MAX);
    let read = mailbox.read("three");
    assert!(
        matches!(read, Err(Errno::EIO | Errno::ETIMEDOUT)),
        "{read:?}"
    );
    assert_others_are_read(&mut mailbox);
    mailbox.server.clear_faults();
    assert_eq!(mailbox.read("three"), Ok(text("three").into_bytes()));
}

/// Where many messages are asked for at once of such a server, none swallows the next.
#[test]
fn last_dots_that_swallow_the_next_message() {
    let mut mailbox = Unmounted::of(serving());
    mailbox.server.fault(Fault::GluedDot);
    for (name, octets) in ["one", "three", "eleven"]
        .into_iter()
        .zip(mailbox.read_at_once(&["one", "three", "eleven"]))
    {
        let text = text(name).into_bytes();
        assert!(octets.is_err() || octets == Ok(text), "{name}: {octets:?}");
    }
    mailbox.server.clear_faults();
    mailbox.pass(std::time::Duration::from_secs(600));
    assert_others_are_read(&mut mailbox);
}

/// A message that ends in a CR without its LF never ends. The session is left in time for another one,
/// and where that is no better the read fails.
#[test]
fn a_last_line_end_that_is_half_there() {
    let unended = |times| replying(b"+OK\r\nSubject: three\r\n\r\n.\r", times);
    let whole = text("three").into_bytes();
    assert_eq!(unended(1).read("three"), Ok(whole));
    let mut mailbox = unended(2);
    assert_eq!(mailbox.read("three"), Err(Errno::ETIMEDOUT));
    assert_others_are_read(&mut mailbox);
}

/// A server that ends all its lines by LF alone is understood, and the message's bytes are left as
/// they come.
#[test]
fn lines_that_end_in_lf() {
    let mut mailbox = Unmounted::new(serving(), crate::support::unmounted::settings());
    mailbox.server.fault(Fault::BareLineFeeds);
    mailbox.connect().expect("a session");
    let bare = text("three").replace("\r\n", "\n");
    assert_eq!(mailbox.read("three"), Ok(bare.into_bytes()));
}

/// CR CR LF, a CR or LF that stands alone, and NUL are a message's own octets.
#[test]
fn octets_that_end_no_line() {
    for body in [
        &b"a\r\r\nb\r\r\n"[..],
        b"a\rb\r\n",
        b"a\0b\r\n",
        b"\r\r\n.\r\r\n..\r\r\n",
        b"\x80\xff\r\n",
    ] {
        let mut mailbox = Unmounted::holding(&[Message {
            unique_id: b"odd".to_vec(),
            octets: body.to_vec(),
            listed: None,
        }]);
        assert_eq!(mailbox.read("odd"), Ok(body.to_vec()));
    }
}

/// A server that adds an empty line to each message, and counts it, is right about the message.
#[test]
fn an_empty_line_at_the_end() {
    let body = b"Subject: x\r\n\r\ntext\r\n\r\n";
    let mut mailbox = Unmounted::holding(&[Message::new("one", body)]);
    assert_eq!(mailbox.read("one"), Ok(body.to_vec()));
}

/// A server that gives other bytes each time, such as a new boundary, is never mixed with itself:
/// who has read the first part fails, and who opens it anew reads the new one.
#[test]
fn a_message_that_is_another_each_time() {
    let mut mailbox = Unmounted::new(
        serving(),
        pop3fs::maildrop::Settings {
            cache_size: 0,
            ..crate::support::unmounted::settings()
        },
    );
    mailbox.connect().expect("a session");
    for (nth, round) in [(1, "first"), (3, "second"), (4, "third")] {
        let reply = format!("+OK\r\nSubject: {round}\r\n\r\n.\r\n");
        let when = When::nth("RETR", nth);
        mailbox
            .server
            .fault(Fault::Replace(when, reply.into_bytes()));
    }
    assert_eq!(mailbox.read("one"), Ok(b"Subject: first\r\n\r\n".to_vec()));
    mailbox.read("three").expect("what drives it from memory");
    assert_eq!(mailbox.read("one"), Err(Errno::EIO));
    assert!(mailbox.logged("other bytes"));
    assert!(mailbox.read("one").is_ok());
}

/// A message that is announced longer than it comes is read as it comes.
#[test]
fn a_message_of_which_a_part_is_left_out() {
    let reply = b"+OK 100000 octets\r\nSubject: three\r\n\r\n[attachment]\r\n.\r\n";
    let mut mailbox = replying(reply, usize::MAX);
    let came = b"Subject: three\r\n\r\n[attachment]\r\n".to_vec();
    assert_eq!(mailbox.read("three"), Ok(came));
    assert_others_are_read(&mut mailbox);
}

/// A message that the server says it cannot give is an error for itself only.
#[test]
fn a_message_that_the_server_cannot_give() {
    let mut mailbox = Unmounted::of(serving());
    mailbox
        .server
        .fault(Fault::refuse_retr("three", "[SYS/PERM] damaged"));
    assert_eq!(mailbox.read("three"), Err(Errno::EIO));
    assert!(mailbox.logged("three: the server refused the message: \"[SYS/PERM] damaged\""));
    assert_others_are_read(&mut mailbox);
    assert_eq!(mailbox.server.sessions(), 1);
}
