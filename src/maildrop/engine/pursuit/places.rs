//! Commits of messages that nothing but their places tells from others: what has come to such a place
//! since is not deleted.

use std::time::Duration;

use super::super::super::handle::Maildrop;
use super::super::super::report::Outcome;
use super::super::rig::{Rig, outcomes, verified};
use super::super::script::{Reaction, Script};

#[test]
fn what_has_come_to_a_deleted_place_is_not_deleted() {
    let script = Script::of(&[("1", "one\r\n"), ("2", "two\r\n"), ("3", "two\r\n")]);
    let mut rig = Rig::connected(script);
    rig.mark("2");
    rig.script.messages.remove(1);
    rig.script.messages[1].0 = "2".to_owned();
    rig.cut();
    let report = rig.commit().report();
    assert_eq!(outcomes(&report), [Outcome::Kept]);
    assert_eq!(rig.script.count("DELE"), 0);
    assert_eq!(rig.maildrop.totals().messages, 2);
}

/// Unique-ids that tell no message from another, each of one mailbox.
const PLACES: [[&str; 3]; 2] = [["x", "x", "x"], ["1", "2", "3"]];

/// A server whose messages only the header tells apart, of these days.
fn of_days(unique_ids: [&str; 3], days: [u32; 3]) -> Script {
    let bodies = days.map(|day| format!("Date: {day} Jan\r\n\r\n"));
    let messages = [0, 1, 2].map(|at| (unique_ids[at], &*bodies[at]));
    Script::of(&messages).announcing(&["TOP"])
}

/// A mailbox of three days in which the first message is marked that is not what its name says.
fn marked_by_place(unique_ids: [&str; 3], is_read: bool) -> Rig {
    let mut rig = Rig::connected(of_days(unique_ids, [1, 2, 3]));
    if is_read {
        rig.body(unique_ids[0]).unwrap();
    }
    rig.mark(unique_ids[0]);
    rig
}

/// The first message is gone, and a new one has come.
fn move_up(rig: &mut Rig, unique_ids: [&str; 3]) {
    rig.script.messages = of_days(unique_ids, [2, 3, 4]).messages;
}

#[test]
fn what_has_come_to_the_place_of_a_marked_message_is_not_deleted() {
    for unique_ids in PLACES {
        for is_read in [true, false] {
            let mut rig = marked_by_place(unique_ids, is_read);
            rig.ask(Maildrop::park);
            move_up(&mut rig, unique_ids);
            let report = rig.commit().report();
            assert_eq!(outcomes(&report), [Outcome::Kept]);
            assert!(report.messages[0].reason.is_some());
            let asked = (rig.script.count("TOP"), rig.script.count("DELE"));
            assert_eq!(asked, (usize::from(is_read), 0));
            assert_eq!(rig.commit().report().complete, is_read);
            assert_eq!(rig.script.count("DELE"), 0);
        }
    }
}

#[test]
fn what_has_come_to_the_place_of_what_a_lost_quit_has_deleted_is_not_deleted() {
    for unique_ids in PLACES {
        let mut rig = marked_by_place(unique_ids, true);
        rig.ask(Maildrop::park);
        rig.script.react("QUIT", &[Reaction::Silence]);
        let answer = rig.commit();
        move_up(&mut rig, unique_ids);
        rig.cut();
        rig.pass(Duration::from_secs(60));
        assert_eq!(outcomes(&answer.report()), [Outcome::Unknown]);
        assert_eq!((rig.script.count("DELE"), rig.script.left().len()), (1, 3));
        assert_eq!(rig.journal.marks(), []);
    }
}

#[test]
fn what_has_come_to_the_place_of_what_is_deleted_is_not_said_to_be_kept() {
    let [unique_ids, _] = PLACES;
    for is_read in [true, false] {
        let mut rig = marked_by_place(unique_ids, is_read);
        rig.script
            .react("QUIT", &[Reaction::SayAndHangUp("+OK\r\n")]);
        let moved = of_days(unique_ids, [2, 3, 4]);
        rig.script.messages = moved.messages;
        let report = rig.commit_on(verified()).report();
        assert_eq!(outcomes(&report), [Outcome::Unknown]);
        assert_eq!(rig.script.count("DELE"), 1);
        rig.commit();
        assert_eq!(rig.script.count("DELE"), 1);
    }
}

#[test]
fn where_places_tell_messages_apart_the_header_is_asked_for_in_the_session_that_deletes() {
    for unique_ids in PLACES {
        let mut rig = marked_by_place(unique_ids, true);
        rig.ask(Maildrop::park);
        assert!(rig.commit().report().complete);
        let end = rig.script.heard.len() - 3;
        assert_eq!(rig.script.heard[end..], ["TOP 1 0", "DELE 1", "QUIT"]);
        assert_eq!((rig.script.sessions, rig.script.left().len()), (2, 2));
    }
}

#[test]
fn where_no_header_tells_a_mark_by_place_holds_for_its_session() {
    for unique_ids in PLACES {
        let mut rig = marked_by_place(unique_ids, false);
        rig.pass(Duration::from_secs(30));
        assert!(rig.commit().report().complete);
        assert_eq!((rig.script.sessions, rig.script.left().len()), (1, 2));
        let mut rig = marked_by_place(unique_ids, true);
        rig.ask(Maildrop::park);
        rig.script.capabilities.clear();
        assert_eq!(outcomes(&rig.commit().report()), [Outcome::Kept]);
        assert_eq!(rig.script.left(), unique_ids);
        assert_eq!(rig.maildrop.status().marked, 1);
        rig.undelete(unique_ids[0]).unwrap();
        rig.mark(unique_ids[0]);
        assert!(rig.commit().report().complete);
        assert_eq!(rig.script.left().len(), 2);
    }
}
