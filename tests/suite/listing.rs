//! Listings, which the kernel keeps, and everything that makes them void.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use pop3fs_server::{Message, Server};

use crate::support::mailbox::{serving, serving_three, text};
use crate::support::mount::Mount;
use crate::support::process::eventually;
use crate::support::stage::mounted;

/// The kernel keeps what it was told of the mailbox, and is told of every change: whoever removes a
/// file, takes marks off or asks for new mail sees what has come of it as soon as that is done.
#[test]
fn a_listing_is_never_out_of_date() {
    mounted(serving_three(), &[], |mount, server| {
        for round in 0..20 {
            let new = format!("new-{round}");
            deliver(server, &new);
            mount.verb("refresh", &[]).succeeded();
            shows(mount, &["one", "three", "two", &new]);

            fs::remove_file(mount.file(&new)).expect("a file to remove");
            shows(mount, &["one", "three", "two"]);
            mount.verb("undelete", &[&new]).succeeded();
            shows(mount, &["one", "three", "two", &new]);

            let deleted = mount.path().join(".pop3fs/deleted");
            fs::rename(mount.file("two"), deleted.join("two")).expect("a mark by moving");
            shows(mount, &["one", "three", &new]);
            fs::rename(deleted.join("two"), mount.file("two")).expect("a mark off by moving");
            shows(mount, &["one", "three", "two", &new]);

            server.expunge(new.as_bytes());
            mount.verb("refresh", &[]).succeeded();
            shows(mount, &["one", "three", "two"]);
        }
    });
}

/// Who has read half of a directory when it changes leaves nothing behind that is out of date.
#[test]
fn a_change_in_the_middle_of_a_listing_is_seen_by_the_next() {
    mounted(serving_three(), &[], |mount, server| {
        for round in 0..5 {
            let mut reading = fs::read_dir(mount.path()).expect("a readable mount");
            reading.next();
            let new = format!("new-{round}");
            deliver(server, &new);
            mount.verb("refresh", &[]).succeeded();
            assert!(mount.names().contains(&new));
            reading.for_each(drop);
            assert!(mount.names().contains(&new));
        }
    });
}

/// Programs that list all the time, and see every state there is, leave none of them behind.
#[test]
fn many_readers_do_not_keep_an_old_listing() {
    mounted(serving_three(), &[], |mount, server| {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        mount.names();
                    }
                });
            }
            for round in 0..20 {
                deliver(server, &format!("new-{round}"));
                mount.verb("refresh", &[]).succeeded();
            }
            over.store(true, Ordering::Relaxed);
        });
        eventually("all are listed", || mount.names().len() == 23);
    });
}

/// A mailbox of a hundred thousand messages takes less than 60 MB of memory before anything is read,
/// every name in it is found, and no other.
#[test]
fn a_hundred_thousand_messages_take_little_memory() {
    const MESSAGES: usize = 100_000;
    let name = |number| format!("{number:010}.M1P1.host,S=2000,W=2050");
    let message = |number| Message::new(name(number), b"");
    let server = serving((0..MESSAGES).map(message).collect());
    mounted(server, &[], |mount, _| {
        let memory = mount.daemon().memory();
        assert!(memory < 60 << 20, "{memory} octets");
        assert_eq!(mount.names().len(), MESSAGES);
        for number in [0, 1, MESSAGES / 2, MESSAGES - 1] {
            assert!(mount.file(&name(number)).exists());
        }
        assert!(!mount.file(&name(MESSAGES)).exists());
    });
}

fn deliver(server: &Server, name: &str) {
    server.deliver(Message::new(name, text(name).as_bytes()));
}

/// Twice, for the second listing is most likely the kernel's own.
#[track_caller]
fn shows(mount: &Mount, names: &[&str]) {
    let mut names = names.to_vec();
    names.sort_unstable();
    for _ in 0..2 {
        assert_eq!(mount.names(), names);
    }
}
