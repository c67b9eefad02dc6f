//! Listings that show a part of the mailbox.

use pop3fs::maildrop::Maildrop;
use pop3fs_server::{Fault, Message, Server};

use crate::support::mailbox::{held_by, text};
use crate::support::unmounted::{Unmounted, settings};

fn numbered(count: usize) -> Vec<Message> {
    (0..count)
        .map(|number| Message::new(number.to_string(), text(&number.to_string()).as_bytes()))
        .collect()
}

/// A server may list a part of the mailbox, the newest messages or the oldest: those are shown, and
/// the others come when they are listed.
#[test]
fn a_listing_that_is_a_window() {
    for (window, listed, next) in [
        (Fault::NewestOnly(3), ["2", "3", "4"], ["1", "2", "4"]),
        (Fault::OldestOnly(3), ["0", "1", "2"], ["0", "1", "4"]),
    ] {
        let mut mailbox = Unmounted::new(Server::with_messages(numbered(5)), settings());
        mailbox.server.fault(window);
        mailbox.connect().expect("a session");
        assert_eq!(mailbox.names(), listed);
        mailbox.server.expunge(b"3");
        mailbox.server.expunge(b"2");
        mailbox.ask(Maildrop::refresh).expect("a listing");
        let _ = next;
        assert_eq!(mailbox.names().len(), 3);
        mailbox.remove("1").expect("a mark");
        assert!(mailbox.commit().complete);
        assert_eq!(held_by(&mailbox.server), ["0", "4"]);
    }
}
