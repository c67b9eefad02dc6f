//! Maildrops on disk.

use crate::client::Client;
use pop3fs_server::{Message, Server};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn maildir() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for folder in ["tmp", "new", "cur"] {
        fs::create_dir(directory.path().join(folder)).unwrap();
    }
    write(&directory, "cur/100.a:2,S", "A: 1\n\nread");
    write(&directory, "new/101.b", "B: 1\r\n\r\nnew\r\n");
    write(&directory, "new/.hidden", "no message");
    directory
}

fn write(directory: &TempDir, name: &str, text: &str) {
    fs::write(directory.path().join(name), text).unwrap();
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_maildir_is_served_from_new_and_cur() {
    let directory = maildir();
    let server = Server::with_maildir(directory.path()).start().unwrap();
    let mut client = Client::logged_in(&server);
    assert_eq!(client.lines("UIDL"), ["1 100.a", "2 101.b"]);
    assert_eq!(client.lines("LIST"), ["1 14", "2 13"]);
    assert_eq!(client.body("RETR 1"), b"A: 1\r\n\r\nread\r\n");
    assert_eq!(client.body("RETR 2"), b"B: 1\r\n\r\nnew\r\n");
}

#[test]
fn quit_deletes_files_of_a_maildir_even_when_their_flags_changed() {
    let directory = maildir();
    let server = Server::with_maildir(directory.path()).start().unwrap();
    let mut client = Client::logged_in(&server);
    client.ask("DELE 1");
    let cur = directory.path().join("cur");
    fs::rename(cur.join("100.a:2,S"), cur.join("100.a:2,RS")).unwrap();
    assert_eq!(names(&cur).len(), 1);
    client.ask("QUIT");
    assert!(names(&cur).is_empty());
    assert_eq!(server.unique_ids(), [b"101.b"]);
}

#[test]
fn a_maildir_changes_under_the_server() {
    let directory = maildir();
    let server = Server::with_maildir(directory.path()).start().unwrap();
    write(&directory, "new/102.c", "C: 1\n");
    fs::remove_file(directory.path().join("new/101.b")).unwrap();
    server.deliver(Message::new("103.d", b"D: 1\n"));
    assert_eq!(
        Client::logged_in(&server).lines("UIDL"),
        ["1 100.a", "2 102.c", "3 103.d"]
    );
    server.expunge(b"102.c");
    assert_eq!(names(&directory.path().join("new")), [".hidden", "103.d"]);
    assert!(names(&directory.path().join("tmp")).is_empty());
}

const MBOX: &str = "From a@example.org Thu Jan  1 00:00:00 2026\nA: 1\n\none\n\n\
                    From b@example.org Thu Jan  1 00:00:00 2026\nB: 1\n\ntwo\n\n\
                    From a@example.org Thu Jan  1 00:00:00 2026\nA: 1\n\none\n\n";

#[test]
fn an_mbox_is_served_message_by_message() {
    let directory = tempfile::tempdir().unwrap();
    write(&directory, "mbox", MBOX);
    let server = Server::with_mbox(directory.path().join("mbox"))
        .start()
        .unwrap();
    let mut client = Client::logged_in(&server);
    assert_eq!(client.ask("STAT"), "+OK 3 39");
    assert_eq!(client.body("RETR 2"), b"B: 1\r\n\r\ntwo\r\n");
    let ids = server.unique_ids();
    assert!(ids[0] != ids[1] && ids[0] != ids[2]);
}

#[test]
fn quit_rewrites_an_mbox_and_keeps_what_came_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    write(&directory, "mbox", MBOX);
    let path = directory.path().join("mbox");
    let server = Server::with_mbox(&path).start().unwrap();
    let ids = server.unique_ids();
    let mut client = Client::logged_in(&server);
    client.ask("DELE 1");
    let late = "From c@example.org Thu Jan  1 00:00:00 2026\nC: 1\n";
    write(&directory, "mbox", &format!("{MBOX}{late}"));
    client.ask("QUIT");

    let (_first, others) = MBOX.split_at(MBOX.find("From b").unwrap());
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        format!("{others}{late}")
    );
    assert_eq!(names(directory.path()), ["mbox"]);
    assert_eq!(
        server.unique_ids()[..2],
        ids[1..],
        "the second copy keeps its own unique-id"
    );
}

#[test]
fn mail_is_delivered_to_an_mbox() {
    let directory = tempfile::tempdir().unwrap();
    write(&directory, "mbox", "From a@example.org\nA: 1\n");
    let server = Server::with_mbox(directory.path().join("mbox"))
        .start()
        .unwrap();
    server.deliver(Message::new("ignored", b"B: 1\n\nx\n"));
    let texts: Vec<Vec<u8>> = server
        .messages()
        .into_iter()
        .map(|message| message.octets)
        .collect();
    assert_eq!(texts, [b"A: 1\r\n".to_vec(), b"B: 1\r\n\r\nx\r\n".to_vec()]);
    let again = Server::with_mbox(directory.path().join("mbox"))
        .start()
        .unwrap();
    assert_eq!(again.unique_ids(), server.unique_ids());
}

#[test]
fn a_directory_of_files_is_served_and_never_changed() {
    let directory = tempfile::tempdir().unwrap();
    write(&directory, "b.eml", "B: 1\n");
    write(&directory, "c.eml", "C: 1\n");
    fs::create_dir(directory.path().join("folder")).unwrap();
    write(&directory, "folder/a.eml", "A: 1\n");
    let server = Server::with_files(directory.path()).start().unwrap();
    let mut client = Client::logged_in(&server);
    assert_eq!(client.lines("UIDL"), ["1 a.eml", "2 b.eml", "3 c.eml"]);
    client.send("DELE 2\r\nQUIT\r\n");
    client.rest();
    let left = ["1 a.eml", "2 c.eml"];
    assert_eq!(Client::logged_in(&server).lines("UIDL"), left);
    assert_eq!(names(directory.path()), ["b.eml", "c.eml", "folder"]);
    assert_eq!(names(&directory.path().join("folder")), ["a.eml"]);
}

#[test]
fn a_maildrop_that_is_not_there_is_an_error() {
    let nowhere = Path::new("/nonexistent/maildrop");
    assert!(Server::with_maildir(nowhere).start().is_err());
    assert!(Server::with_mbox(nowhere).start().is_err());
    assert!(Server::with_files(nowhere).start().is_err());
}

#[test]
fn the_samples_are_whole_messages_of_many_kinds() {
    let samples = pop3fs_server::samples();
    assert!(samples.len() >= 12);
    for sample in &samples {
        let name = String::from_utf8_lossy(&sample.unique_id);
        assert!(
            sample.octets.windows(4).any(|end| end == b"\r\n\r\n"),
            "{name} has a header"
        );
        let text = String::from_utf8_lossy(&sample.octets);
        let addresses = text.split_whitespace().filter(|word| word.contains('@'));
        for address in addresses {
            assert!(
                address.contains("example.org") || address.contains("example.com"),
                "{name}: {address}"
            );
        }
    }
}
