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
    let message = |name: &str| Message::new(name, text(name).as_bytes());
    serving(["one", "two", "three"].map(message).into())
}

/// What one of the three messages holds.
pub fn text(name: &str) -> String {
    format!("Subject: {name}\r\n\r\nmessage {name}\r\n")
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
