//! Our own server, which misbehaves on command, with a few messages.

use pop3fs_server::{Message, Server};

use super::account::Account;

/// Who logs in to our own server, and with what.
const USER: &str = "ann";
const PASSWORD: &str = "secret";

/// A server of these messages.
pub fn serving(messages: Vec<Message>) -> Server {
    Server::with_messages(messages)
        .login(USER, PASSWORD)
        .start()
        .expect("a server on loopback")
}

/// A server of three short messages: `one`, `two` and `three`.
pub fn serving_three() -> Server {
    serving(three())
}

/// The same for another login.
pub fn serving_three_for(user: &str, password: &str) -> Server {
    Server::with_messages(three())
        .login(user, password)
        .start()
        .expect("a server on loopback")
}

fn three() -> Vec<Message> {
    let message = |name: &str| Message::new(name, text(name).as_bytes());
    ["one", "two", "three"].map(message).into()
}

/// What one of the three messages holds.
pub fn text(name: &str) -> String {
    format!("Subject: {name}\r\n\r\nmessage {name}\r\n")
}

/// A long text of many lines, of this length or a little more, unlike that of any other name.
pub fn long_text(name: &str, size: usize) -> Vec<u8> {
    let mut text = text(name);
    let mut number = 0;
    while text.len() < size {
        number += 1;
        text += &format!("line {number} of message {name}\r\n");
    }
    text.into_bytes()
}

/// The mailbox of a server.
pub fn account(server: &Server) -> Account {
    Account::in_clear(USER, PASSWORD, server.port())
}

/// The unique-ids of what a server holds now.
pub fn held_by(server: &Server) -> Vec<String> {
    server
        .unique_ids()
        .into_iter()
        .map(|id| String::from_utf8_lossy(&id).into_owned())
        .collect()
}
