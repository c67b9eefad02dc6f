//! Commits that go wrong on the way, or find another mailbox than they expected: what is marked is
//! deleted or still marked in the end, and nothing else is touched.

use std::fs;
use std::process::Command;
use std::time::Duration;

use pop3fs_server::{Fault, Message, Order, Server, When};

use crate::support::exit_status::TEMPORARY_FAILURE;
use crate::support::mailbox::{account, held_by, serving, serving_three, text};
use crate::support::mount::Mount;
use crate::support::process::{Outcome, run};
use crate::support::stage::mounted;

/// A link that is lost at any point of a commit costs nothing: what was deleted is found out, and the
/// rest deleted in another session.
#[test]
fn a_lost_link_costs_nothing() {
    for (what, fault) in losses() {
        println!("{what}");
        assert_one_and_three_go("2 deleted, 1 left", |server| server.fault(fault));
    }
}

fn losses() -> Vec<(&'static str, Fault)> {
    let dele = |nth| When::nth("DELE", nth);
    let quit = When::first("QUIT");
    vec![
        ("before any DELE", Fault::CutUndone(dele(1))),
        ("before a DELE is answered", Fault::CutBefore(dele(1))),
        ("between two DELEs", Fault::CutAfter(dele(1))),
        ("before the last DELE", Fault::CutUndone(dele(2))),
        ("before QUIT", Fault::CutAfter(dele(2))),
        ("when QUIT was sent", Fault::CutUndone(quit.clone())),
        ("before QUIT is answered", Fault::CutBefore(quit.clone())),
        (
            "within the answer to QUIT",
            Fault::CutWithin(quit.clone(), 2),
        ),
        ("behind the answer to QUIT", Fault::CutAfter(quit.clone())),
        (
            "with QUIT refused",
            Fault::Refuse(quit, "[SYS/TEMP] later".to_owned()),
        ),
        (
            "by a server that deletes after its answer",
            Fault::QuitAnswersFirst(Duration::from_millis(200)),
        ),
    ]
}

/// Messages are found by what they are, not by their numbers, which mean nothing in another session.
#[test]
fn another_order_deletes_the_same() {
    for order in [Order::Reversed, Order::Shuffled(5)] {
        assert_one_and_three_go("2 deleted, 2 left", |server| {
            server.deliver(message("four"));
            server.fault(Fault::Order(order));
        });
    }
}

/// A marked message that is not listed as it was keeps its mark until the next listing lacks it, too:
/// then another client has deleted it. A commit makes a session more for that, but where the server
/// wants a pause between logins, or where nothing at all is listed any more; it is not complete then.
#[test]
fn what_another_client_deleted_is_gone_before() {
    assert_one_and_three_go("1 deleted, 1 gone before, 1 left", |server| {
        server.expunge(b"one");
    });
}

/// A mailbox that is empty all at once may be so for a moment: the marks are kept.
#[test]
fn what_is_missing_with_all_else_keeps_its_mark() {
    mounted(serving_three(), &[], |mount, server| {
        mount.remove(&["one", "three"]);
        server.expunge_if(|_| true);
        let commit = commit_in_a_new_session(mount);
        assert_eq!(commit.code(), Some(TEMPORARY_FAILURE), "{commit:?}");
        assert!(commit.says("marked in the journal: 2"), "{commit:?}");
        for name in ["one", "two", "three"] {
            server.deliver(message(name));
        }
        mount.verb("refresh", &[]).succeeded();
        assert_eq!(mount.names(), ["two"]);
        mount.verb("commit", &[]).succeeded();
        assert_eq!(held_by(server), ["two"]);
    });
}

/// In a mailbox that was replaced by another one nothing is deleted.
#[test]
fn in_another_mailbox_nothing_is_deleted() {
    mounted(serving_three(), &[], |mount, server| {
        mount.remove(&["one", "three"]);
        server.expunge_if(|_| true);
        server.deliver(message("four"));
        server.deliver(message("five"));
        let commit = commit_in_a_new_session(mount).succeeded();
        assert!(
            commit.says("0 deleted, 2 gone before, 2 left"),
            "{commit:?}"
        );
        assert_eq!(held_by(server), ["four", "five"]);
        assert_eq!(server.count("DELE"), 0);
    });
}

/// A message that has the unique-id of a marked one, and is another one, is left alone and told of.
#[test]
fn a_unique_id_given_anew_is_no_mark() {
    mounted(serving_three(), &[], |mount, server| {
        mount.remove(&["one", "three"]);
        server.expunge(b"one");
        server.deliver(Message::new(
            "one",
            b"Subject: quite another one\r\n\r\n".as_slice(),
        ));
        let commit = commit_in_a_new_session(mount);
        assert_eq!(commit.code(), Some(TEMPORARY_FAILURE), "{commit:?}");
        assert!(
            commit.says("one: not deleted: a message with its unique-id"),
            "{commit:?}"
        );
        assert!(commit.says("and no longer marked"), "{commit:?}");
        assert!(!commit.says("marked in the journal"), "{commit:?}");
        assert_eq!(held_by(server), ["two", "one"]);
        assert_eq!(mount.names(), ["one", "two"]);
    });
}

/// Of messages that share a unique-id the one that was removed is deleted.
#[test]
fn of_twins_the_right_one_is_deleted() {
    let twins = ["two", "three"].map(|name| Fault::UniqueId(name.into(), b"twin".to_vec()));
    for (removed, left) in [("twin", ["one", "three"]), ("twin~2", ["one", "two"])] {
        let server = serving_three();
        twins.iter().for_each(|twin| server.fault(twin.clone()));
        mounted(server, &[], |mount, server| {
            fs::read(mount.file(removed)).expect("a message");
            mount.remove(&[removed]);
            let commit = commit_in_a_new_session(mount).succeeded();
            assert!(commit.says("1 deleted, 2 left, verified"), "{commit:?}");
            assert_eq!(held_by(server), left, "{removed}");
        });
    }
}

/// Where several messages share a unique-id, or unique-ids are nothing but message-numbers, only its
/// header tells a message in another session from one that has come to its place: what was read of it
/// is fetched anew, and a mark from before is carried out only where the message was in memory when it
/// was removed, and TOP shows the same header.
#[test]
fn what_has_come_to_the_place_of_another_is_not_taken_for_it() {
    for unique_ids in [["x", "x", "x"], ["1", "2", "3"]] {
        let message = |at: usize, day: &str| {
            let letter = format!("Date: {day} Jan\r\n\r\n");
            Message::new(unique_ids[at], letter.as_bytes())
        };
        let first = unique_ids[0];
        let server = serving((0..3).map(|at| message(at, ["1", "2", "3"][at])).collect());
        mounted(server, &[], |mount, server| {
            mount.remove(&[first]);
            let commit = commit_in_a_new_session(mount);
            assert!(commit.says("only its place"), "{commit:?}");
            mount.verb("undelete", &[first]).succeeded();

            let read = || fs::read_to_string(mount.file(first)).expect("a message");
            assert!(read().contains("1 Jan"));
            server.expunge_if(|_| true);
            (0..3).for_each(|at| server.deliver(message(at, ["2", "3", "4"][at])));
            mount.verb("refresh", &[]).succeeded();
            assert!(read().contains("2 Jan"));

            mount.remove(&[first]);
            server.expunge_if(|_| true);
            (0..3).for_each(|at| server.deliver(message(at, ["3", "4", "5"][at])));
            let commit = commit_in_a_new_session(mount);
            assert!(commit.says("stands for another message now"), "{commit:?}");
            assert_eq!(server.count("DELE"), 0);

            assert!(read().contains("3 Jan"));
            mount.remove(&[first]);
            commit_in_a_new_session(mount).succeeded();
            assert_eq!(held_by(server).len(), 2);
        });
    }
}

/// Removes `one` and `three` of three messages, lets something happen, and commits; all that is marked
/// is gone then, and nothing else, and the commit says so.
#[track_caller]
fn assert_one_and_three_go(said: &str, happens: impl FnOnce(&Server)) {
    mounted(serving_three(), &[], |mount, server| {
        mount.remove(&["one", "three"]);
        happens(server);
        let commit = commit_in_a_new_session(mount).succeeded();
        assert!(commit.says(said), "{commit:?}");
        let held = held_by(server);
        assert!(!held.contains(&"one".to_owned()) && !held.contains(&"three".to_owned()));
        assert!(held.contains(&"two".to_owned()), "{held:?}");
        assert!(mount.names_in(".pop3fs/deleted").is_empty());
    });
}

/// Where a server's unique-ids are nothing but message-numbers, a mark holds only as long as the
/// mailbox shows no change before it and has lost nothing, and none is taken over by the next mount.
#[test]
fn message_numbers_for_unique_ids_delete_no_other_message() {
    let server = serving(
        ["1", "2", "3"]
            .map(|number| Message::new(number, ALIKE))
            .into(),
    );
    mounted(server, &[], |mount, server| {
        mount.remove(&["2"]);
        server.expunge(b"1");
        for (number, unique_id) in [("1", "2"), ("2", "3")] {
            server.fault(Fault::UniqueId(unique_id.into(), number.into()));
        }
        let commit = commit_in_a_new_session(mount);
        assert_eq!(commit.code(), Some(TEMPORARY_FAILURE), "{commit:?}");
        assert_eq!(server.count("DELE"), 0);

        mount.remove(&["2"]);
        mount.kill();
        drop(run(Command::new("umount").arg(mount.path())));
        let next = mount.site().mount(&account(server));
        assert!(next.said().contains("marks are dropped"), "{}", next.said());
        assert_eq!(next.names(), ["1", "2"]);
    });
}

const ALIKE: &[u8] = b"Subject: backup done\r\n\r\n";

/// The session of the mount is left first, so that the commit meets what has changed meanwhile.
fn commit_in_a_new_session(mount: &Mount) -> Outcome {
    mount.verb("park", &[]).succeeded();
    mount.verb("commit", &[])
}

fn message(name: &str) -> Message {
    Message::new(name, text(name).as_bytes())
}
