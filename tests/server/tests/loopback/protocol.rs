//! The server when it behaves.

use crate::client::{Client, assert_starts};
use pop3fs_server::{Identity, Message, Server};
use std::time::Duration;

fn three() -> Server {
    let messages = ["one", "two", "three"]
        .map(|id| Message::new(id, format!("Subject: {id}\n\n.{id}\n").as_bytes()));
    Server::with_messages(messages.to_vec()).start().unwrap()
}

#[test]
fn stat_list_and_uidl_tell_the_same() {
    let server = three();
    let mut client = Client::logged_in(&server);
    assert_eq!(client.ask("STAT"), "+OK 3 70");
    assert_eq!(client.lines("LIST"), ["1 22", "2 22", "3 26"]);
    assert_eq!(client.lines("UIDL"), ["1 one", "2 two", "3 three"]);
    assert_eq!(client.ask("LIST 3"), "+OK 3 26");
    assert_eq!(client.ask("UIDL 2"), "+OK 2 two");
    assert_starts(&client.ask("LIST 4"), "-ERR");
    assert_starts(&client.ask("UIDL 0"), "-ERR");
}

#[test]
fn retr_gives_the_message_stuffed() {
    let server = three();
    let mut client = Client::logged_in(&server);
    assert_eq!(client.ask("RETR 1"), "+OK 22 octets");
    let lines: Vec<String> = (0..4).map(|_| client.line()).collect();
    assert_eq!(lines, ["Subject: one", "", "..one", "."]);
    assert_eq!(client.body("RETR 2"), server.messages()[1].octets);
    assert_eq!(server.retrieved(b"one"), 1);
    assert_eq!(server.retrieved(b"three"), 0);
    assert_starts(&client.ask("RETR 4"), "-ERR");
}

#[test]
fn top_gives_the_header_and_so_many_lines() {
    let server = three();
    let mut client = Client::logged_in(&server);
    assert_eq!(client.lines("TOP 1 0"), ["Subject: one", ""]);
    assert_eq!(client.lines("TOP 1 9"), ["Subject: one", "", ".one"]);
    assert_starts(&client.ask("TOP 1"), "-ERR");
}

#[test]
fn deletions_are_committed_at_quit_only() {
    let server = three();
    let mut client = Client::logged_in(&server);
    assert_starts(&client.ask("DELE 2"), "+OK");
    assert_starts(&client.ask("DELE 2"), "-ERR");
    assert_starts(&client.ask("RETR 2"), "-ERR");
    assert_eq!(client.lines("UIDL"), ["1 one", "3 three"]);
    assert_eq!(server.unique_ids().len(), 3);
    drop(client);

    let mut client = Client::logged_in(&server);
    assert_eq!(client.lines("UIDL").len(), 3, "a lost link deletes nothing");
    client.ask("DELE 1");
    client.ask("DELE 3");
    assert_starts(&client.ask("RSET"), "+OK");
    client.ask("DELE 3");
    assert_eq!(client.ask("QUIT"), "+OK bye, 2 left");
    assert_eq!(client.rest(), "");
    assert_eq!(server.unique_ids(), [b"one", b"two"]);
}

#[test]
fn one_session_locks_out_the_next() {
    let server = three();
    let first = Client::logged_in(&server);
    let mut second = Client::connect(&server);
    second.ask("USER ann");
    assert_starts(&second.ask("PASS secret"), "-ERR [IN-USE]");
    drop(first);
    second.log_in();
    assert_eq!(server.sessions(), 2);
}

#[test]
fn without_the_lock_sessions_overlap() {
    let messages = vec![Message::new("one", b"x\n")];
    let server = Server::with_messages(messages)
        .lock_maildrop(false)
        .start()
        .unwrap();
    let mut first = Client::logged_in(&server);
    let mut second = Client::logged_in(&server);
    first.ask("DELE 1");
    first.ask("QUIT");
    assert_eq!(second.ask("RETR 1"), "-ERR Message 1 expunged.");
}

#[test]
fn a_wrong_password_is_refused_with_a_code_and_never_logged() {
    let server = Server::with_messages(Vec::new())
        .login("bob", "two words")
        .start()
        .unwrap();
    let mut client = Client::connect(&server);
    client.ask("USER bob");
    assert_starts(&client.ask("PASS hunter2"), "-ERR [AUTH]");
    assert_starts(&client.ask("STAT"), "-ERR");
    client.ask("USER bob");
    assert_starts(&client.ask("PASS two words"), "+OK");
    assert_eq!(
        server.commands(),
        ["USER bob", "PASS ***", "STAT", "USER bob", "PASS ***"]
    );
}

#[test]
fn sasl_plain_works_in_one_step_and_in_two() {
    let server = three();
    let mut client = Client::connect(&server);
    assert_starts(&client.ask("AUTH PLAIN AGFubgBzZWNyZXQ="), "+OK");
    client.ask("QUIT");
    let mut client = Client::connect(&server);
    assert_eq!(client.ask("AUTH PLAIN"), "+");
    assert_starts(&client.ask("AGFubgBzZWNyZXQ="), "+OK");
    let mut client = Client::connect(&server);
    assert_starts(&client.ask("AUTH PLAIN AGFubgB3cm9uZw=="), "-ERR [AUTH]");
    assert_starts(&client.ask("AUTH LOGIN"), "-ERR");
    client.ask("AUTH PLAIN");
    assert_starts(&client.ask("*"), "-ERR");
    assert!(server.commands().iter().all(|line| !line.contains("AGF")));
}

#[test]
fn capa_tells_what_there_is() {
    let server = Server::with_messages(Vec::new())
        .without("PIPELINING")
        .without("TOP")
        .capability("LOGIN-DELAY 10")
        .start()
        .unwrap();
    let mut client = Client::connect(&server);
    let capabilities = client.lines("CAPA");
    for line in [
        "UIDL",
        "USER",
        "SASL PLAIN",
        "RESP-CODES",
        "AUTH-RESP-CODE",
        "LOGIN-DELAY 10",
    ] {
        assert!(capabilities.iter().any(|own| own == line), "{line}");
    }
    for line in ["PIPELINING", "TOP", "STLS", "UTF8"] {
        assert!(!capabilities.iter().any(|own| own == line), "{line}");
    }
    client.log_in();
    assert_eq!(client.ask("TOP 1 0"), "-ERR unknown command");
}

#[test]
fn utf8_is_known_where_it_is_announced() {
    let server = Server::with_messages(Vec::new())
        .capability("UTF8")
        .start()
        .unwrap();
    assert_starts(&Client::connect(&server).ask("UTF8"), "+OK");
    assert_starts(&Client::connect(&three()).ask("UTF8"), "-ERR");
}

#[test]
fn pipelined_commands_are_answered_in_order() {
    let server = three();
    let mut client = Client::logged_in(&server);
    client.send("UIDL 1\r\nNOOP\r\nUIDL 2\r\nQUIT\r\n");
    assert_eq!(
        client.rest(),
        "+OK 1 one\r\n+OK nothing done\r\n+OK 2 two\r\n+OK bye, 3 left\r\n"
    );
}

#[test]
fn tls_from_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let identity = Identity::temporary(directory.path()).unwrap();
    let server = Server::with_messages(vec![Message::new("one", b"x\n")])
        .tls(identity.clone())
        .start()
        .unwrap();
    let mut client = Client::silent(&server);
    client.start_tls(&identity);
    assert_starts(&client.line(), "+OK");
    client.log_in();
    assert_eq!(client.body("RETR 1"), b"x\r\n");
    assert_starts(&client.ask("QUIT"), "+OK");
    assert_eq!(client.rest(), "");
}

#[test]
fn tls_by_stls() {
    let directory = tempfile::tempdir().unwrap();
    let identity = Identity::temporary(directory.path()).unwrap();
    let server = Server::with_messages(Vec::new())
        .stls(identity.clone())
        .start()
        .unwrap();
    let mut client = Client::connect(&server);
    assert!(client.lines("CAPA").contains(&"STLS".to_owned()));
    client.send("STLS\r\nUSER injected\r\n");
    assert_starts(&client.line(), "+OK");
    client.start_tls(&identity);
    assert!(!client.lines("CAPA").contains(&"STLS".to_owned()));
    assert_starts(&client.ask("STLS"), "-ERR");
    client.log_in();
    assert_starts(&client.ask("QUIT"), "+OK");
}

#[test]
fn mail_that_comes_or_goes_shows_in_the_next_session() {
    let server = three();
    let mut client = Client::logged_in(&server);
    server.deliver(Message::new("four", b"x\n"));
    server.expunge(b"one");
    assert_eq!(client.lines("UIDL").len(), 3);
    assert_eq!(client.ask("RETR 1"), "-ERR Message 1 expunged.");
    client.ask("QUIT");
    assert_eq!(
        Client::logged_in(&server).lines("UIDL"),
        ["1 two", "2 three", "3 four"]
    );
}

#[test]
fn dropping_the_server_ends_its_connections() {
    let server = three();
    let mut client = Client::logged_in(&server);
    let address = server.address();
    drop(server);
    assert_eq!(client.rest(), "");
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn apop_needs_the_digest_of_the_greetings_timestamp() {
    let server = Server::with_messages(Vec::new())
        .login("mrose", "tanstaaf")
        .apop("<1896.697170952@dbc.mtview.ca.us>")
        .start()
        .unwrap();
    let mut client = Client::connect(&server);
    assert!(
        client
            .greeting
            .ends_with("<1896.697170952@dbc.mtview.ca.us>")
    );
    assert_starts(
        &client.ask("APOP mrose c4c9334bac560ecc979e58001b3e22fc"),
        "-ERR [AUTH]",
    );
    assert_starts(
        &client.ask("APOP mrose c4c9334bac560ecc979e58001b3e22fb"),
        "+OK",
    );
    assert_eq!(server.count("APOP"), 2);
    assert!(
        server
            .commands()
            .iter()
            .all(|line| line == "APOP mrose ***")
    );
}

#[test]
fn a_silent_client_is_told_and_sent_away() {
    let server = Server::with_messages(Vec::new())
        .idle(Duration::from_millis(20))
        .start()
        .unwrap();
    let mut client = Client::connect(&server);
    assert_eq!(client.rest(), "-ERR disconnected for inactivity\r\n");
}
