//! Commands that are sent before the replies to earlier ones came.

use std::time::Duration;

use pop3fs_server::{Fault, Message, Server, When};

use super::{serving, three};
use crate::support::mailbox::{long_text, text};
use crate::support::unmounted::{Unmounted, settings};

const NAMES: [&str; 3] = ["one", "three", "eleven"];

/// A mailbox for which readers have time.
fn patient(server: pop3fs_server::Builder) -> Unmounted {
    let settings = pop3fs::maildrop::Settings {
        timeout: Duration::from_secs(3600),
        ..settings()
    };
    let mut mailbox = Unmounted::new(server, settings);
    mailbox.connect().expect("a session");
    mailbox
}

/// Reads all at once, and finds each message under its own name.
#[track_caller]
fn assert_read_at_once(mailbox: &mut Unmounted) {
    for (name, octets) in NAMES.into_iter().zip(mailbox.read_at_once(&NAMES)) {
        assert_eq!(octets, Ok(text(name).into_bytes()), "{name}");
    }
}

/// Whether several messages are asked for at once from now on.
fn pipelines(mailbox: &mut Unmounted) -> bool {
    mailbox.server.deliver(Message::new("four", b"4"));
    mailbox.server.deliver(Message::new("five", b"five"));
    mailbox.server.deliver(Message::new("six", b"number six"));
    mailbox
        .ask(pop3fs::maildrop::Maildrop::refresh)
        .expect("a listing");
    let before = mailbox.writes().len();
    mailbox.read_at_once(&["four", "five", "six"]);
    let retrievals = |write: &&String| write.matches("RETR").count() > 1;
    mailbox.writes()[before..]
        .iter()
        .any(|write| retrievals(&write))
}

/// A server that announces PIPELINING and hangs up when it is used is mounted without, and never
/// tried again.
#[test]
fn a_server_that_hangs_up_on_two_commands_at_once() {
    let mut mailbox = Unmounted::new(serving(), settings());
    mailbox.server.fault(Fault::HangsUpOnPipelining);
    assert_eq!(mailbox.connect(), Ok(()));
    assert!(mailbox.logged("WARN: pipelining is off for the rest of this mount"));
    assert_read_at_once(&mut mailbox);
    assert_eq!(mailbox.server.sessions(), 2);
    assert!(!pipelines(&mut mailbox));
}

/// A server that loses what came behind a command is found out by its silence, and asked one by one.
#[test]
fn a_server_that_loses_what_came_behind() {
    let mut mailbox = patient(serving());
    mailbox
        .server
        .fault(Fault::LosesPipelined(When::every("RETR")));
    assert_read_at_once(&mut mailbox);
    assert!(mailbox.logged("WARN: the server gives no sign of life"));
    mailbox.server.clear_faults();
    assert!(!pipelines(&mut mailbox));
}

/// A server that answers out of order is found out by the lengths of the messages: nobody reads
/// one message under the name of another.
#[test]
fn a_server_that_answers_out_of_order() {
    let mut mailbox = patient(serving());
    let once = When::every("RETR").times(1);
    mailbox.server.fault(Fault::Postponed(once));
    assert_read_at_once(&mut mailbox);
    assert!(mailbox.logged("WARN: the server gave one message for another"));
    assert!(!pipelines(&mut mailbox));
}

/// A server that loses one of the commands, and answers the others, is found out, also where
/// messages have the same length.
#[test]
fn a_server_that_loses_one_command() {
    let likes: Vec<Message> = ["aaa", "bbb", "ccc"]
        .map(|name| Message::new(name, text(name).as_bytes()))
        .to_vec();
    for messages in [three(), likes] {
        for lost in 0..messages.len() {
            let mut mailbox = patient(Server::with_messages(messages.clone()));
            let unique_id = messages[lost].unique_id.clone();
            let when = When::every("RETR").about(unique_id).times(1);
            mailbox.server.fault(Fault::Replace(when, Vec::new()));
            let names = mailbox.names();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            for (name, octets) in names.iter().zip(mailbox.read_at_once(&names)) {
                assert_eq!(octets, Ok(text(name).into_bytes()), "{name}, {lost} lost");
            }
        }
    }
}

/// A server that hangs up when it has many commands to answer gets fewer, and all is read in the
/// end.
#[test]
fn a_server_that_stumbles_over_many_commands() {
    let names: Vec<String> = (0..200).map(|number| format!("m{number}")).collect();
    let message = |name: &String| Message::new(name.as_str(), &long_text(name, 100 + name.len()));
    let mut mailbox = patient(Server::with_messages(names.iter().map(message).collect()));
    mailbox
        .server
        .fault(Fault::CutUndone(When::nth("RETR", 20)));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (name, octets) in names.iter().zip(mailbox.read_at_once(&names)) {
        assert_eq!(octets, Ok(long_text(name, 100 + name.len())), "{name}");
    }
    assert!(mailbox.logged("commands at a time from now on"));
    assert!(pipelines(&mut mailbox));
}

/// Nothing is sent behind a command that logs in: some servers lose it.
#[test]
fn servers_that_lose_what_comes_behind_a_password() {
    for server in [serving(), serving().without("SASL")] {
        let mailbox = Unmounted::of(server);
        let login = |write: &&String| write.contains("PASS") || write.contains("AUTH");
        let logins: Vec<_> = mailbox.writes().iter().filter(login).collect();
        assert!(
            logins
                .iter()
                .all(|write| write.matches("\r\n").count() == 1)
        );
        assert!(!logins.is_empty());
    }
}

/// Whole lines are written at once: some servers lose a command that comes in two parts.
#[test]
fn servers_that_lose_a_command_in_two_parts() {
    let mut mailbox = Unmounted::of(serving());
    mailbox.read_at_once(&NAMES);
    mailbox.remove("one").expect("a mark");
    mailbox.commit();
    assert!(mailbox.writes().iter().all(|write| write.ends_with("\r\n")));
    let long = |line: &str| line.len() > 253;
    assert!(
        !mailbox
            .writes()
            .iter()
            .flat_map(|write| write.lines())
            .any(long)
    );
}
