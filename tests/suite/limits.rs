//! What is too much.

use std::fs;
use std::io;

use nix::libc::EFBIG;
use pop3fs_server::{Fault, Listed, Message, Which};

use crate::support::mailbox::{long_text, serving, text};
use crate::support::stage::mounted;

/// With `max_message_size` no message is fetched that the server lists with more: opening it fails
/// with EFBIG, and reading does where the server sends more than that.
#[test]
fn a_message_that_is_too_long_is_not_fetched() {
    let long = |name: &str| Message::new(name, &long_text(name, 10_000));
    let short = Message::new("short", text("short").as_bytes());
    let server = serving(vec![short, long("long"), long("sly")]);
    let sly = Which::Message(b"sly".into());
    server.fault(Fault::Size(sly, Listed::Value(100)));
    mounted(server, &["-o", "max_message_size=1K"], |mount, server| {
        let is_too_long = |read: io::Result<Vec<u8>>| {
            read.is_err_and(|error| error.raw_os_error() == Some(EFBIG))
        };
        assert!(is_too_long(fs::read(mount.file("long"))));
        assert_eq!(server.retrieved(b"long"), 0);
        assert!(is_too_long(fs::read(mount.file("sly"))));
        let read = fs::read(mount.file("short")).expect("a short message");
        assert_eq!(read, text("short").into_bytes());
    });
}
