//! Programs that read the mailbox from end to end, and programs that do not.

use std::fs;

use pop3fs_server::{Message, Server};

use crate::support::mailbox::{long_text, serving};
use crate::support::mount::Mount;
use crate::support::process::eventually;
use crate::support::stage::mounted;

/// How many messages there are; enough for several looks ahead.
const MESSAGES: usize = 64;

/// The length of each. A walker is seen by its opens, so a message must be worth an open.
const SIZE: usize = 4_000;

/// What programs that walk the mailbox will want next is fetched before they ask, in the order of
/// the listing or of the names. No message is fetched twice for that, and nothing is fetched beside
/// what is asked for when single messages are read here and there.
#[test]
fn who_walks_is_read_ahead_for_and_who_does_not_is_not() {
    for walk in [by_listing(), by_name()] {
        mounted(serving_many(), &[], |mount, server| {
            read(mount, &walk[..MESSAGES / 2]);
            eventually("the next message is fetched unasked", || {
                server.retrieved(walk[MESSAGES / 2].as_bytes()) == 1
            });
            read(mount, &walk[MESSAGES / 2..]);
            for name in &walk {
                assert_eq!(server.retrieved(name.as_bytes()), 1, "RETRs of {name}");
            }
        });
    }
    mounted(serving_many(), &[], |mount, server| {
        let here_and_there = no_neighbours();
        read(mount, &here_and_there);
        assert_fetched_only(mount, server, &here_and_there);
    });
}

/// With `--read-ahead 0` nothing is fetched that was not asked for.
#[test]
fn without_read_ahead_nothing_is_fetched_unasked() {
    mounted(serving_many(), &["--read-ahead", "0"], |mount, server| {
        let walk = by_listing();
        read(mount, &walk[..MESSAGES / 2]);
        assert_fetched_only(mount, server, &walk[..MESSAGES / 2]);
    });
}

/// The names in the order of the listing, in which no two neighbours are neighbours by name.
fn by_listing() -> Vec<String> {
    let name = |number| format!("{:03}", number * 23 % MESSAGES);
    (0..MESSAGES).map(name).collect()
}

fn by_name() -> Vec<String> {
    let mut names = by_listing();
    names.sort();
    names
}

/// Some messages, none of which is next to another in either order.
fn no_neighbours() -> Vec<String> {
    let (listing, names) = (by_listing(), by_name());
    let rank = |order: &[String], name: &String| order.iter().position(|other| other == name);
    let near = |order: &[String], a: &String, b: &String| {
        let (a, b) = (rank(order, a), rank(order, b));
        a.zip(b).is_some_and(|(a, b)| a.abs_diff(b) <= 1)
    };
    let mut chosen: Vec<String> = Vec::new();
    for name in listing.iter().rev().step_by(5) {
        if chosen
            .iter()
            .all(|other| !near(&listing, name, other) && !near(&names, name, other))
        {
            chosen.push(name.clone());
        }
    }
    assert!(chosen.len() > 5, "{chosen:?}");
    chosen
}

fn serving_many() -> Server {
    let message = |name: &String| Message::new(name.as_str(), &long_text(name, SIZE));
    serving(by_listing().iter().map(message).collect())
}

fn read(mount: &Mount, names: &[String]) {
    for name in names {
        let octets = fs::read(mount.file(name)).expect("a file to read");
        assert!(octets == long_text(name, SIZE), "{name} is something else");
    }
}

/// Looks when the session has come to its end, so that nothing is on its way any more.
#[track_caller]
fn assert_fetched_only(mount: &Mount, server: &Server, names: &[String]) {
    mount.umount().succeeded();
    for name in by_listing() {
        let expected = usize::from(names.contains(&name));
        assert_eq!(server.retrieved(name.as_bytes()), expected, "{name}");
    }
}
