//! A listing and replies, where there is no server to give them.

use super::super::catalog::Catalog;
use super::super::reconcile::{Listed, reconcile};
use crate::pop3::{Connection, Event, Reply};

/// A session lists these messages, by unique-id and size.
pub(super) fn list(catalog: &mut Catalog, mailbox: &[(&str, u64)]) {
    let listing: Vec<Listed<'_>> = mailbox
        .iter()
        .map(|(unique_id, size)| Listed {
            unique_id: unique_id.as_bytes(),
            size: *size,
        })
        .collect();
    reconcile(catalog, &listing, "", 0);
}

pub(super) fn ok() -> Reply {
    reply("+OK\r\n")
}

pub(super) fn no() -> Reply {
    reply("-ERR no\r\n")
}

fn reply(line: &str) -> Reply {
    match Connection::new(()).poll(&mut line.as_bytes()) {
        Ok(Some(Event::End {
            reply: Some(reply), ..
        })) => reply,
        other => panic!("{other:?}"),
    }
}
