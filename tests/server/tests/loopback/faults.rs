//! The server when it misbehaves: each fault once.

use crate::client::{Client, assert_starts};
use pop3fs_server::{Expunged, Fault, Listed, Message, Order, Server, When, Which};
use std::time::{Duration, Instant};

const BODY: &str = "A: 1\r\n\r\n.x\r\n";

fn three() -> Server {
    let messages = ["one", "two", "three"].map(|id| Message::new(id, BODY.as_bytes()));
    Server::with_messages(messages.to_vec()).start().unwrap()
}

fn with(fault: Fault) -> (Server, Client) {
    let server = three();
    server.fault(fault);
    let client = Client::logged_in(&server);
    (server, client)
}

#[test]
fn cut_undone() {
    let (server, mut client) = with(Fault::CutUndone(When::first("QUIT")));
    client.ask("DELE 1");
    client.send("QUIT\r\n");
    assert_eq!(client.rest(), "");
    assert_eq!(server.unique_ids().len(), 3);
}

#[test]
fn cut_before_the_reply_but_after_the_deed() {
    let (server, mut client) = with(Fault::CutBefore(When::first("QUIT")));
    client.ask("DELE 1");
    client.send("QUIT\r\n");
    assert_eq!(client.rest(), "");
    assert_eq!(server.unique_ids(), [b"two".to_vec(), b"three".to_vec()]);
}

#[test]
fn cut_within_the_second_reply_and_never_again() {
    let (server, mut client) = with(Fault::CutWithin(When::nth("UIDL", 2), 7));
    client.send("UIDL 1\r\nUIDL 2\r\nUIDL 3\r\n");
    assert_eq!(client.rest(), "+OK 1 one\r\n+OK 2 t");
    assert_eq!(Client::logged_in(&server).ask("UIDL 2"), "+OK 2 two");
}

#[test]
fn cut_after_the_reply_about_one_message() {
    let (_server, mut client) = with(Fault::CutAfter(When::every("DELE").about("two")));
    client.send("DELE 1\r\nDELE 2\r\nDELE 3\r\n");
    assert_eq!(
        client.rest(),
        "+OK message marked\r\n+OK message marked\r\n"
    );
}

#[test]
fn cut_after_so_many_octets_of_all_that_is_sent() {
    let (server, mut client) = with(Fault::Pieces(3));
    server.fault(Fault::CutAfterOctets(12));
    client.send("UIDL 1\r\n");
    assert_eq!(client.line(), "+OK 1 one");
    client.send("UIDL 1\r\n");
    assert_eq!(client.rest(), "+");
    assert_eq!(Client::logged_in(&server).body("RETR 1"), BODY.as_bytes());
}

#[test]
fn cut_now() {
    let server = three();
    let mut client = Client::logged_in(&server);
    server.cut();
    assert_eq!(client.rest(), "");
    Client::logged_in(&server);
}

#[test]
fn a_closed_door_says_nothing() {
    let server = three();
    let mut inside = Client::logged_in(&server);
    server.close_door();
    assert_eq!(Client::silent(&server).rest(), "");
    assert_starts(&inside.ask("NOOP"), "+OK");
    drop(inside);
    server.open_door();
    Client::logged_in(&server);
}

#[test]
fn a_delay_comes_before_the_reply() {
    let pause = Duration::from_millis(30);
    let (_server, mut client) = with(Fault::Delay(When::every("NOOP"), pause));
    let start = Instant::now();
    assert_starts(&client.ask("NOOP"), "+OK");
    assert!(start.elapsed() >= pause);
}

#[test]
fn a_held_body_waits_for_its_gate_while_others_finish() {
    let server = Server::with_messages(vec![Message::new("one", BODY.as_bytes())])
        .lock_maildrop(false)
        .start()
        .unwrap();
    let gate = server.hold(b"one", 3);
    let mut held = Client::logged_in(&server);
    held.send("RETR 1\r\n");
    assert!(gate.reached());
    assert_eq!(gate.waiting(), 1);
    assert_starts(&Client::logged_in(&server).ask("NOOP"), "+OK");
    assert_eq!(gate.waiting(), 1);
    gate.release();
    assert_starts(&held.line(), "+OK");
    assert_eq!(held.rest_of_body(), BODY.as_bytes());
    assert_eq!(held.body("RETR 1"), BODY.as_bytes());
}

#[test]
fn what_comes_before_the_gate_has_been_sent() {
    let server = three();
    let gate = server.hold(b"two", 4);
    let mut client = Client::logged_in(&server);
    client.send("RETR 2\r\n");
    assert!(gate.reached());
    server.cut();
    assert_eq!(client.rest(), "+OK 12 octets\r\nA: 1");
}

#[test]
fn a_body_can_be_held_just_before_its_end() {
    let server = three();
    let gate = server.hold(b"two", usize::MAX);
    let mut client = Client::logged_in(&server);
    client.send("RETR 2\r\n");
    assert!(gate.reached());
    server.cut();
    assert_eq!(client.rest(), "+OK 12 octets\r\nA: 1\r\n\r\n..x\r\n");
}

#[test]
fn a_client_that_leaves_a_gate_can_come_back() {
    let server = three();
    let gate = server.hold(b"one", 0);
    let mut client = Client::logged_in(&server);
    client.send("RETR 1\r\n");
    assert!(gate.reached());
    drop(client);
    Client::logged_in(&server);
    assert_eq!(gate.waiting(), 0);
}

#[test]
fn a_held_quit_has_been_carried_out() {
    let server = three();
    let gate = server.hold_reply(When::every("QUIT"));
    let mut client = Client::logged_in(&server);
    client.send("DELE 1\r\nQUIT\r\n");
    assert!(gate.reached());
    assert_eq!(server.unique_ids().len(), 2);
    drop(gate);
    assert_eq!(client.rest(), "+OK message marked\r\n+OK bye, 2 left\r\n");
}

#[test]
fn listed_sizes_can_be_wrong() {
    let (server, mut client) = with(Fault::Size(Which::Every, Listed::Value(7)));
    server.fault(Fault::Size("two".into(), Listed::Offset(-2)));
    assert_eq!(client.lines("LIST"), ["1 7", "2 10", "3 7"]);
    server.fault(Fault::Size("two".into(), Listed::Factor(0.5)));
    server.fault(Fault::Size("three".into(), Listed::Text("many".into())));
    assert_eq!(client.lines("LIST"), ["1 7", "2 6", "3 many"]);
    assert_eq!(client.ask("STAT"), "+OK 3 13");
    assert_eq!(client.body("RETR 1"), BODY.as_bytes());
}

#[test]
fn a_message_can_carry_its_own_wrong_size() {
    let messages = vec![Message::new("one", b"x\n").listed(u64::MAX); 2];
    let server = Server::with_messages(messages).start().unwrap();
    let mut client = Client::logged_in(&server);
    assert_eq!(client.ask("LIST 1"), format!("+OK 1 {}", u64::MAX));
    assert_eq!(client.ask("STAT"), format!("+OK 2 {}", u64::MAX));
}

#[test]
fn unique_ids_can_be_odd_shared_or_empty() {
    let (server, mut client) = with(Fault::UniqueId(Which::Every, b"a b/\x01".to_vec()));
    assert_eq!(
        client.lines("UIDL"),
        ["1 a b/\x01", "2 a b/\x01", "3 a b/\x01"]
    );
    server.fault(Fault::UniqueId("two".into(), Vec::new()));
    assert_eq!(client.body("UIDL"), b"1 a b/\x01\r\n2 \r\n3 a b/\x01\r\n");
    client.body("RETR 2");
    assert_eq!(server.retrieved(b"two"), 1);
}

#[test]
fn a_command_can_be_unknown() {
    let (_server, mut client) = with(Fault::Unknown("UIDL".into()));
    assert_starts(&client.ask("UIDL"), "-ERR");
    assert_starts(&client.ask("LIST 1"), "+OK");
}

#[test]
fn a_capability_can_be_left_out() {
    let (_server, mut client) = with(Fault::OmitCapability("SASL".into()));
    assert!(!client.lines("CAPA").contains(&"SASL PLAIN".to_owned()));
}

#[test]
fn logins_are_refused_so_many_times() {
    let server = three();
    server.fault(Fault::refuse_login("[SYS/TEMP] come back", 2));
    let mut client = Client::connect(&server);
    for _ in 0..2 {
        client.ask("USER ann");
        assert_eq!(client.ask("PASS secret"), "-ERR [SYS/TEMP] come back");
    }
    client.log_in();
    assert_eq!(server.sessions(), 1);
}

#[test]
fn dele_and_retr_are_refused_for_one_message() {
    let (server, mut client) = with(Fault::refuse_dele("two", "no"));
    server.fault(Fault::refuse_retr("three", "[SYS/PERM] broken"));
    assert_starts(&client.ask("DELE 1"), "+OK");
    assert_eq!(client.ask("DELE 2"), "-ERR no");
    assert_eq!(client.ask("RETR 3"), "-ERR [SYS/PERM] broken");
    client.ask("QUIT");
    assert_eq!(server.unique_ids(), [b"two".to_vec(), b"three".to_vec()]);
}

#[test]
fn a_refused_quit_deletes_nothing_and_closes() {
    let (server, mut client) = with(Fault::refuse_quit("[SYS/TEMP] not now"));
    client.send("DELE 1\r\nQUIT\r\n");
    assert_eq!(
        client.rest(),
        "+OK message marked\r\n-ERR [SYS/TEMP] not now\r\n"
    );
    assert_eq!(server.unique_ids().len(), 3);
    Client::logged_in(&server);
}

#[test]
fn quit_can_forget_a_message() {
    let (server, mut client) = with(Fault::QuitForgets("two".into()));
    client.send("DELE 1\r\nDELE 2\r\nQUIT\r\n");
    client.rest();
    assert_eq!(server.unique_ids(), [b"two".to_vec(), b"three".to_vec()]);
}

#[test]
fn quit_can_answer_before_it_deletes() {
    let pause = Duration::from_millis(30);
    let (server, mut client) = with(Fault::QuitAnswersFirst(pause));
    client.ask("DELE 1");
    let start = Instant::now();
    assert_eq!(client.ask("QUIT"), "+OK bye");
    assert_eq!(client.rest(), "");
    assert!(start.elapsed() >= pause);
    assert_eq!(server.unique_ids().len(), 2);
}

#[test]
fn messages_can_be_renumbered_from_session_to_session() {
    let server = three();
    server.fault(Fault::Order(Order::Reversed));
    assert_eq!(
        Client::logged_in(&server).lines("UIDL"),
        ["1 three", "2 two", "3 one"]
    );
    server.clear_faults();
    server.fault(Fault::Order(Order::Shuffled(1)));
    let orders = (0..8).map(|_| Client::logged_in(&server).lines("UIDL"));
    let different: std::collections::HashSet<_> = orders.collect();
    assert!(different.len() > 1);
}

#[test]
fn only_the_newest_can_be_shown() {
    let server = three();
    server.fault(Fault::NewestOnly(2));
    assert_eq!(
        Client::logged_in(&server).lines("UIDL"),
        ["1 two", "2 three"]
    );
}

#[test]
fn only_the_oldest_can_be_shown() {
    let server = three();
    server.fault(Fault::OldestOnly(2));
    let mut client = Client::logged_in(&server);
    assert_eq!(client.lines("UIDL"), ["1 one", "2 two"]);
}

#[test]
fn a_listing_can_leave_a_message_out() {
    let (_server, mut client) = with(Fault::Omit("UIDL".into(), "two".into()));
    assert_eq!(client.lines("UIDL"), ["1 one", "3 three"]);
    assert_eq!(client.lines("LIST").len(), 3);
}

#[test]
fn listings_can_be_renumbered_behind_a_dele() {
    let (_server, mut client) = with(Fault::Renumbering);
    client.ask("DELE 1");
    assert_eq!(client.lines("UIDL"), ["1 two", "2 three"]);
    assert_eq!(client.ask("UIDL 2"), "+OK 2 two");
}

#[test]
fn a_message_of_which_another_client_has_rid_us_can_be_given_empty_or_fatal() {
    let (server, mut client) = with(Fault::Expunged(Expunged::Given));
    server.expunge(b"two");
    assert_eq!(client.body("RETR 2"), BODY.as_bytes());
    server.clear_faults();
    server.fault(Fault::Expunged(Expunged::Empty));
    assert_eq!(client.body("RETR 2"), b"");
    server.clear_faults();
    assert_eq!(client.ask("RETR 2"), "-ERR Message 2 expunged.");
    server.fault(Fault::Expunged(Expunged::Fatal));
    client.send("RETR 2\r\n");
    assert_eq!(client.rest(), "");
}

#[test]
fn what_was_retrieved_can_be_gone_however_the_session_ends() {
    let (server, mut client) = with(Fault::TakesRetrieved);
    client.body("RETR 1");
    client.ask("QUIT");
    assert_eq!(server.unique_ids(), [b"two".to_vec(), b"three".to_vec()]);
    let mut client = Client::logged_in(&server);
    client.body("RETR 1");
    drop(client);
    assert_eq!(Client::logged_in(&server).lines("UIDL"), ["1 three"]);
}

#[test]
fn the_last_dot_can_be_glued_to_the_last_line() {
    let (_server, mut client) = with(Fault::GluedDot);
    client.send("RETR 1\r\nNOOP\r\n");
    let lines: Vec<String> = (0..5).map(|_| client.line()).collect();
    let expected = ["+OK 12 octets", "A: 1", "", "..x.", "+OK nothing done"];
    assert_eq!(lines, expected);
}

#[test]
fn a_reply_can_go_out_behind_the_next() {
    let (_server, mut client) = with(Fault::Postponed(When::first("UIDL")));
    client.send("UIDL 1\r\nUIDL 2\r\nUIDL 3\r\n");
    let lines: Vec<String> = (0..3).map(|_| client.line()).collect();
    assert_eq!(lines, ["+OK 2 two", "+OK 1 one", "+OK 3 three"]);
}

#[test]
fn too_many_refusals_cost_the_session_and_its_marks() {
    let (server, mut client) = with(Fault::ClosesAfterRefusals(2));
    client.send("DELE 1\r\nXYZZY\r\nRETR 9\r\nQUIT\r\n");
    assert_eq!(client.rest().matches("-ERR").count(), 2);
    assert_eq!(server.unique_ids().len(), 3);
}

#[test]
fn a_silent_server_accepts_and_says_nothing() {
    let server = three();
    server.fault(Fault::Silent);
    let mut client = Client::silent(&server);
    client.send("NOOP\r\n");
    drop(server);
    assert_eq!(client.rest(), "");
}

#[test]
fn junk_follows_a_reply() {
    let (_server, mut client) = with(Fault::Junk(When::first("NOOP"), b"-ERR idle\r\n".to_vec()));
    client.send("NOOP\r\nUIDL 1\r\n");
    assert_starts(&client.line(), "+OK");
    assert_eq!(client.line(), "-ERR idle");
    assert_eq!(client.line(), "+OK 1 one");
}

#[test]
fn junk_can_be_the_last_that_is_said() {
    let (server, mut client) = with(Fault::Junk(When::first("NOOP"), b"-ERR idle\r\n".to_vec()));
    server.fault(Fault::CutAfter(When::first("NOOP")));
    client.send("NOOP\r\n");
    assert_eq!(client.rest(), "+OK nothing done\r\n-ERR idle\r\n");
}

#[test]
fn a_reply_can_be_replaced() {
    let (_server, mut client) = with(Fault::Replace(
        When::first("RETR"),
        b"+OK\r\n.\r\n".to_vec(),
    ));
    assert_eq!(client.body("RETR 1"), b"");
    assert_eq!(client.body("RETR 1"), BODY.as_bytes());
}

#[test]
fn a_reply_can_go_on_for_ever() {
    let endless = Fault::Endless(
        When::every("UIDL"),
        b"+OK\r\n".to_vec(),
        b"1 x\r\n".to_vec(),
    );
    let (_server, mut client) = with(endless);
    client.send("UIDL\r\n");
    assert_eq!(client.line(), "+OK");
    assert!((0..1000).all(|_| client.line() == "1 x"));
}

#[test]
fn dots_can_go_unstuffed() {
    let (_server, mut client) = with(Fault::Unstuffed);
    client.send("RETR 1\r\n");
    let lines: Vec<String> = (0..5).map(|_| client.line()).collect();
    assert_eq!(lines, ["+OK 12 octets", "A: 1", "", ".x", "."]);
}

#[test]
fn words_can_be_lower_case_and_lines_end_barely() {
    let server = three();
    server.fault(Fault::LowerCase);
    server.fault(Fault::BareLineFeeds);
    let mut client = Client::connect(&server);
    assert_starts(&client.greeting, "+ok pop3fs-server");
    assert_starts(&client.ask("STAT"), "-err not");
    client.send("QUIT\r\n");
    assert_eq!(client.rest(), "+ok bye\n");
}

#[test]
fn pipelined_commands_can_get_lost() {
    let (_server, mut client) = with(Fault::LosesPipelined(When::first("UIDL")));
    client.send("UIDL 1\r\nUIDL 2\r\n");
    assert_eq!(client.line(), "+OK 1 one");
    assert_eq!(client.ask("UIDL 3"), "+OK 3 three");
}

#[test]
fn pipelining_can_be_punished() {
    let (_server, mut client) = with(Fault::HangsUpOnPipelining);
    assert_starts(&client.ask("NOOP"), "+OK");
    client.send("NOOP\r\nNOOP\r\n");
    assert_eq!(client.rest(), "");
}

#[test]
fn a_line_without_end_ends_the_session() {
    let server = three();
    let mut client = Client::logged_in(&server);
    client.send(&"x".repeat(10_000));
    assert_eq!(client.rest(), "");
}

#[test]
fn no_input_makes_the_server_fall_over() {
    let server = three();
    let mut client = Client::connect(&server);
    client.send("\0\r\n\n \r\nUSER\r\nPASS\r\nAUTH\r\nAUTH PLAIN ====\r\n");
    (0..7).for_each(|_| assert_starts(&client.line(), ""));
    drop(client);
    let mut client = Client::logged_in(&server);
    for odd in [
        "RETR",
        "RETR -1",
        "RETR 99999999999999999999",
        "TOP 1 -1",
        "DELE x",
        "USER x",
        "XYZZY",
    ] {
        assert_starts(&client.ask(odd), "-ERR");
    }
    assert_eq!(client.lines("TOP 1 18446744073709551615").len(), 3);
}
