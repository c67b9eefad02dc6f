//! What servers in the field do, each played by our own: what a user sees of it, what the log says,
//! and what goes on working.
//!
//! Most of it needs no mount, and no clock but one that is moved: see `support::unmounted`.

mod bodies;
mod bursts;
mod deletions;
mod hostility;
mod introductions;
mod listings;
mod locks;
mod logins;
mod names;
mod replies;
mod sizes;
mod tops;
mod windows;

use pop3fs_server::{Builder, Message, Server};

use crate::support::mailbox::text;

/// Three messages of different lengths.
fn three() -> Vec<Message> {
    ["one", "three", "eleven"].map(message).to_vec()
}

fn message(name: &str) -> Message {
    Message::new(name, text(name).as_bytes())
}

/// A server of them.
fn serving() -> Builder {
    Server::with_messages(three())
}
