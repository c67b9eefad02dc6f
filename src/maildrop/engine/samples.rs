//! A listing and replies, where there is no server to give them.

use super::super::catalog::Catalog;
use super::super::reconcile::reconcile;
use super::super::roll::Roll;
use crate::pop3::{Connection, Event, Reply};

/// A session lists these messages, by unique-id and size.
pub(super) fn list(catalog: &mut Catalog, mailbox: &[(&str, u64)]) {
    reconcile(catalog, &Roll::of(mailbox.iter().copied(), ""), 0);
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
