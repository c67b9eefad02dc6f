//! What servers do about DELE and QUIT, and about messages that are gone.

use std::time::Duration;

use nix::errno::Errno;
use pop3fs::maildrop::{Maildrop, Outcome};
use pop3fs_server::{Expunged, Fault, Message, When};

use super::{serving, three};
use crate::support::mailbox::{held_by, text};
use crate::support::unmounted::{Unmounted, settings};

/// A mailbox in which `one` and `eleven` are removed.
fn with_two_removed() -> Unmounted {
    let mut mailbox = Unmounted::of(serving());
    mailbox.remove("one").expect("a mark");
    mailbox.remove("eleven").expect("a mark");
    mailbox
}

/// A QUIT that is refused has deleted nothing; the commit is made in another session.
#[test]
fn a_quit_that_is_refused() {
    let mut mailbox = with_two_removed();
    let refused = When::first("QUIT");
    let words = "[SYS/TEMP] some messages were not deleted".to_owned();
    mailbox.server.fault(Fault::Refuse(refused, words));
    let report = mailbox.commit();
    assert!(report.complete, "{report:?}");
    assert_eq!(held_by(&mailbox.server), ["three"]);
}

/// Where it is refused each time, the marks are kept and the commit says why.
#[test]
fn a_quit_that_is_always_refused() {
    let mut mailbox = with_two_removed();
    mailbox
        .server
        .fault(Fault::refuse_quit("[SYS/TEMP] disk full"));
    let report = mailbox.commit();
    assert!(!report.complete);
    assert!(
        report
            .problem
            .as_ref()
            .is_some_and(|why| why.contains("disk full"))
    );
    assert_eq!(held_by(&mailbox.server).len(), 3);
    assert_eq!(mailbox.marks_written(), 2);
}

/// A QUIT whose answer never comes may have deleted or not; the next listing tells which.
#[test]
fn a_quit_without_an_answer() {
    for when in [Fault::CutUndone, Fault::CutBefore] {
        let mut mailbox = with_two_removed();
        mailbox.server.fault(when(When::first("QUIT")));
        let report = mailbox.commit();
        assert!(report.complete, "{report:?}");
        assert_eq!(held_by(&mailbox.server), ["three"]);
        assert_eq!(mailbox.marks_written(), 0);
    }
}

/// An answer too many, before that to QUIT, is not taken for it: the next listing tells what is gone.
#[test]
fn an_answer_too_many() {
    let mut mailbox = with_two_removed();
    let first = || When::first("QUIT");
    mailbox.server.fault(Fault::Refuse(first(), String::new()));
    let answers = b"+OK message marked\r\n-ERR [SYS/TEMP] not now\r\n".to_vec();
    mailbox.server.fault(Fault::Replace(first(), answers));
    assert!(mailbox.commit().complete);
    assert_eq!(held_by(&mailbox.server), ["three"]);
}

/// A server that deletes only after it has answered QUIT is given the time to: the next session
/// begins when it has hung up.
#[test]
fn a_quit_that_is_answered_before_it_is_carried_out() {
    let mut mailbox = with_two_removed();
    mailbox
        .server
        .fault(Fault::QuitAnswersFirst(Duration::from_secs(2)));
    assert!(mailbox.commit().complete);
    mailbox.ask(Maildrop::refresh).expect("a listing");
    assert_eq!(mailbox.names(), ["three"]);
}

/// A server that answers well and keeps a message shows it again, without a mark: nothing is
/// hidden that is there.
#[test]
fn a_quit_that_forgets_a_message() {
    let mut mailbox = with_two_removed();
    mailbox.server.fault(Fault::QuitForgets("eleven".into()));
    mailbox.commit();
    mailbox.ask(Maildrop::refresh).expect("a listing");
    assert_eq!(mailbox.names(), ["three", "eleven"]);
    assert_eq!(mailbox.read("eleven"), Ok(text("eleven").into_bytes()));
}

/// A server that ends a session after a few refusals keeps what was marked in it, so nothing that
/// can be refused goes into the session that deletes.
#[test]
fn refusals_that_cost_the_deletions() {
    let mut mailbox = Unmounted::new(serving().without("SASL"), settings());
    mailbox.server.fault(Fault::ClosesAfterRefusals(2));
    mailbox.connect().expect("a session");
    mailbox.remove("one").expect("a mark");
    mailbox.server.fault(Fault::refuse_retr("three", "damaged"));
    assert_eq!(mailbox.read("three"), Err(Errno::EIO));
    assert!(mailbox.commit().complete);
    assert_eq!(held_by(&mailbox.server), ["three", "eleven"]);
}

/// A message that cannot be deleted keeps its mark, and the others are deleted.
#[test]
fn a_deletion_that_is_refused() {
    let mut mailbox = with_two_removed();
    mailbox
        .server
        .fault(Fault::refuse_dele("eleven", "[SYS/PERM] no"));
    let report = mailbox.commit();
    let outcomes: Vec<Outcome> = report.messages.iter().map(|it| it.outcome).collect();
    assert_eq!(outcomes, [Outcome::Deleted, Outcome::Refused]);
    assert_eq!(held_by(&mailbox.server), ["three", "eleven"]);
}

/// Some servers number their listings anew behind a DELE: a session is listed once, at its
/// beginning, and never again.
#[test]
fn listings_that_are_numbered_anew_behind_a_deletion() {
    let mut mailbox = with_two_removed();
    mailbox.server.fault(Fault::Renumbering);
    mailbox.server.fault(Fault::refuse_dele("one", "no"));
    mailbox.commit();
    assert_eq!(held_by(&mailbox.server), ["one", "three"]);
    let commands = mailbox.server.commands();
    let sessions = commands.split(|command| command == "CAPA");
    for session in sessions {
        let first = session
            .iter()
            .position(|command| command.starts_with("DELE"));
        let later = &session[first.unwrap_or(session.len())..];
        assert!(
            !later
                .iter()
                .any(|command| command == "UIDL" || command == "LIST")
        );
    }
}

/// A message that another client has deleted is refused, given all the same, given empty, or ends
/// the session. Whatever it is, the reader has the message or an error, and the others go on.
#[test]
fn a_message_that_another_client_has_deleted() {
    for way in [
        None,
        Some(Expunged::Given),
        Some(Expunged::Empty),
        Some(Expunged::Fatal),
    ] {
        let mut mailbox = Unmounted::of(serving());
        mailbox.pass(Duration::from_secs(30));
        way.into_iter()
            .for_each(|way| mailbox.server.fault(Fault::Expunged(way)));
        mailbox.server.expunge(b"three");
        let read = mailbox.read("three");
        let expected = match way {
            Some(Expunged::Given) => Ok(text("three").into_bytes()),
            None | Some(Expunged::Empty | Expunged::Fatal) => Err(Errno::ESTALE),
        };
        assert_eq!(read, expected, "{way:?}");
        assert_eq!(mailbox.read("one"), Ok(text("one").into_bytes()), "{way:?}");
    }
}

/// Some servers keep data of their own in the first message of a mailbox, and say so in it: it can
/// be read, and is not removed once that is known. Other mail that says the same is.
#[test]
fn a_message_that_is_the_servers_own() {
    let own = "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\r\n\
        X-IMAP: 0958415323 0000000001\r\n\r\nThis text is part of the format.\r\n";
    let messages = ["own", "forged"].map(|name| Message::new(name, own.as_bytes()));
    let mut mailbox = Unmounted::holding(&messages);
    for name in ["own", "forged"] {
        assert_eq!(mailbox.read(name), Ok(own.into()));
    }
    assert_eq!(mailbox.remove("own"), Err(Errno::EPERM));
    assert_eq!(mailbox.remove("forged"), Ok(()));
    assert!(mailbox.commit().complete);
    assert_eq!(held_by(&mailbox.server), ["own"]);
}

/// Marks of messages that are gone already are no failure of the commit.
#[test]
fn a_marked_message_that_another_client_has_deleted() {
    let mut mailbox = with_two_removed();
    mailbox.server.expunge(b"eleven");
    mailbox.pass(Duration::from_secs(30));
    let report = mailbox.commit();
    assert!(report.complete, "{report:?}");
    let outcomes: Vec<Outcome> = report.messages.iter().map(|it| it.outcome).collect();
    assert_eq!(outcomes, [Outcome::Deleted, Outcome::AlreadyGone]);
    assert_eq!(held_by(&mailbox.server), ["three"]);
}

/// Where the provider removes what was retrieved (as the capability EXPIRE 0 announces), it leaves
/// the mailbox with the session. What was read stays readable for who has it open; nothing else is
/// touched, and `status` shows the announcement.
#[test]
fn a_provider_that_removes_what_was_read() {
    let mut mailbox = Unmounted::of(serving().capability("EXPIRE 0"));
    mailbox.server.fault(Fault::TakesRetrieved);
    let announced = mailbox.maildrop.status().link.capabilities;
    assert!(announced.iter().any(|line| line == "EXPIRE 0"));
    assert_eq!(mailbox.read("one"), Ok(text("one").into_bytes()));
    mailbox.ask(Maildrop::refresh).expect("a listing");
    assert_eq!(mailbox.names(), ["three", "eleven"]);
    assert_eq!(mailbox.server.messages().len(), three().len() - 1);
}
