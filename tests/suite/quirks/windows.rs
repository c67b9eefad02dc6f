//! Listings that show a part of the mailbox.

use std::time::Duration;

use pop3fs::maildrop::{Maildrop, Outcome, Terms};
use pop3fs_server::{Fault, Message, Server};

use crate::support::mailbox::{held_by, text};
use crate::support::unmounted::{Unmounted, settings};

/// How much the server lists.
const WINDOW: usize = 250;

/// A mailbox of twenty messages more than are listed.
fn looking_through(window: Fault) -> Unmounted {
    let messages = (0..WINDOW + 20).map(numbered).collect();
    let mut mailbox = Unmounted::new(Server::with_messages(messages), settings());
    mailbox.server.fault(window);
    mailbox.connect().expect("a session");
    mailbox
}

fn numbered(number: usize) -> Message {
    let name = format!("m{number}");
    Message::new(name.as_str(), text(&name).as_bytes())
}

fn refresh(mailbox: &mut Unmounted) {
    mailbox.ask(Maildrop::refresh).expect("a listing");
}

/// A server may list a part of the mailbox: what it lists is shown and can be removed, and the rest
/// comes when it is listed. `status` says that it is a part.
#[test]
fn listings_of_the_newest_or_the_oldest() {
    for (window, first, next) in [
        (Fault::NewestOnly(WINDOW), "m20", "m18"),
        (Fault::OldestOnly(WINDOW), "m0", "m251"),
    ] {
        let mut mailbox = looking_through(window);
        assert!(mailbox.maildrop.status().link.partial);
        assert_eq!(mailbox.names().len(), WINDOW);
        assert_eq!(mailbox.names()[0], first);
        for name in ["m100", "m101"] {
            mailbox.remove(name).expect("a mark");
        }
        assert!(mailbox.commit().complete);
        assert_eq!(held_by(&mailbox.server).len(), WINDOW + 18);
        refresh(&mut mailbox);
        assert_eq!(mailbox.names().len(), WINDOW);
        assert_eq!(mailbox.read(next), Ok(text(next).into_bytes()));
    }
}

/// A mailbox of which a marked message, m20, is listed no more, because a newer one has come.
fn with_a_mark_out_of_sight() -> Unmounted {
    let mut mailbox = looking_through(Fault::NewestOnly(WINDOW));
    mailbox.remove("m20").expect("a mark");
    mailbox.server.deliver(numbered(1000));
    refresh(&mut mailbox);
    mailbox
}

/// A marked message that is listed no more, because newer ones have come, is not taken for gone: the
/// commit says that it does not know, and the mark is kept and holds when the message is listed
/// again.
#[test]
fn a_marked_message_that_is_out_of_sight() {
    let mut mailbox = with_a_mark_out_of_sight();
    let report = mailbox.commit();
    assert!(!report.complete && report.messages[0].name == "m20");
    assert!(held_by(&mailbox.server).contains(&"m20".to_owned()));
    assert_eq!(mailbox.marks_written(), 1, "{report:?}");

    mailbox.server.expunge(b"m1000");
    refresh(&mut mailbox);
    assert!(!mailbox.names().contains(&"m20".to_owned()), "it is marked");
    assert!(mailbox.commit().complete);
    assert!(!held_by(&mailbox.server).contains(&"m20".to_owned()));
    assert_eq!(mailbox.marks_written(), 0);
}

/// Where it is another client that has deleted it, nothing tells that: the mark is taken off by name,
/// and is no more in the way of a commit.
#[test]
fn a_marked_message_that_is_out_of_sight_for_ever() {
    let mut mailbox = with_a_mark_out_of_sight();
    mailbox.server.expunge(b"m20");
    mailbox.remove("m100").expect("a mark");
    assert!(!mailbox.commit().complete);
    assert_eq!(mailbox.maildrop.status().unlisted, 1);
    let undeleted = mailbox.ask(|maildrop, answer| maildrop.undelete(Some("m20"), answer));
    assert_eq!(undeleted, Ok(()));
    assert_eq!(mailbox.marks_written(), 0);
    assert!(mailbox.commit().complete);
}

/// Where that happens at the commit itself, the commit says that it does not know.
#[test]
fn a_marked_message_that_the_commit_loses_sight_of() {
    let mut mailbox = looking_through(Fault::NewestOnly(WINDOW));
    mailbox.read("m100").expect("a session that was used");
    mailbox.remove("m20").expect("a mark");
    mailbox.server.deliver(numbered(1000));
    let report = mailbox.commit();
    assert!(!report.complete);
    assert_eq!(report.messages[0].outcome, Outcome::Unknown);
    assert_eq!(mailbox.marks_written(), 1);
}

/// What a verified commit has deleted leaves no mark behind, though it is listed no more: should it be
/// restored, it stays.
#[test]
fn a_marked_message_that_is_gone_for_certain() {
    let mut mailbox = looking_through(Fault::NewestOnly(WINDOW));
    mailbox.remove("m100").expect("a mark");
    let terms = Terms {
        verify: Some(true),
        ..Terms::default()
    };
    let hour = Duration::from_secs(3600);
    let commit = mailbox.ask(|maildrop, answer| maildrop.commit_within(hour, terms, answer));
    assert!(commit.expect("a report").complete);
    assert_eq!(mailbox.marks_written(), 0);

    mailbox.server.deliver(numbered(100));
    refresh(&mut mailbox);
    assert!(mailbox.names().contains(&"m100".to_owned()));
}

/// A listing that stays as long as it was, though some messages have come and some are missing, is a
/// part of the mailbox, whatever its length.
#[test]
fn a_window_that_is_seen_to_slide() {
    let mut mailbox = looking_through(Fault::NewestOnly(120));
    assert!(!mailbox.maildrop.status().link.partial);
    mailbox.server.deliver(numbered(1000));
    refresh(&mut mailbox);
    assert!(mailbox.maildrop.status().link.partial);
    assert!(mailbox.logged("WARN: the server seems to list a part of the mailbox"));
}
