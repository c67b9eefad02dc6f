//! The same mailbox on other servers than Dovecot, from Debian's packages: listed, read, compared,
//! partly deleted, and looked at again.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::support::corpus::{Letter, letters};
use crate::support::mount::{Mount, Site};
use crate::support::packaged::{Make, Packaged, without_own_fields};
use crate::support::process::run;
use crate::support::skip::{Need, lacking};

/// How many messages the mailbox holds.
const HELD: usize = 200;

/// Every so many-th is removed.
const STEP: usize = 7;

/// Courier: a size per file, deletions after the answer to QUIT, 8-bit headers only with UTF8.
#[test]
fn on_courier() {
    assert_serves(Make::Courier);
}

/// GNU mailutils: unique-ids that are written into the messages, which grow by it.
#[test]
fn on_mailutils() {
    assert_serves(Make::Mailutils);
}

/// popa3d: neither CAPA nor PIPELINING, and unique-ids that are hashes of the header.
#[test]
fn on_popa3d() {
    assert_serves(Make::Popa3d);
}

/// Solid POP3: neither CAPA nor PIPELINING, and a session that ends after five refusals.
#[test]
fn on_solid() {
    assert_serves(Make::Solid);
}

#[track_caller]
fn assert_serves(make: Make) {
    let needs = [
        Need::Fuse,
        Need::Root,
        Need::Program("unshare"),
        Need::Package(make.package()),
    ];
    if lacking(&needs) {
        return;
    }
    let mailbox = plain_letters();
    let server = Packaged::with_letters(make, &mailbox);
    let (site, account) = (Site::new(), server.in_clear());
    let mount = site.mount(&account);
    let mut held = contents(&mount);
    assert_same(
        held.values(),
        mailbox.iter().map(Letter::as_sent),
        "as mounted",
    );

    let removed: Vec<String> = held.keys().step_by(STEP).cloned().collect();
    run(Command::new("rm").args(&removed).current_dir(mount.path())).succeeded();
    let umount = mount.umount().succeeded();
    let deleted = format!("{} deleted", removed.len());
    assert!(umount.says(&deleted), "{umount:?}");
    held.retain(|name, _| !removed.contains(name));
    let left = server.letters().into_iter();
    let left = left.map(|octets| Letter {
        name: String::new(),
        octets,
    });
    assert_same(
        held.values(),
        left.map(|letter| letter.as_sent()),
        "on the server",
    );

    let again = site.mount(&account);
    assert_same(
        held.values(),
        contents(&again).into_values(),
        "as mounted again",
    );
    again.umount().succeeded();
}

/// Messages that all stores keep as they are: whole lines, LF at their ends, none of them empty at the
/// end, and none that an mbox would take for the beginning of the next.
fn plain_letters() -> Vec<Letter> {
    let is_postmark = |line: &[u8]| {
        let quotes = line.iter().take_while(|&&octet| octet == b'>').count();
        line[quotes..].starts_with(b"From ")
    };
    let is_plain = |letter: &&Letter| {
        let octets = &letter.octets;
        octets.ends_with(b"\n")
            && !octets.ends_with(b"\n\n")
            && !octets.contains(&b'\r')
            && !octets.contains(&0)
            && !octets.split(|&octet| octet == b'\n').any(is_postmark)
    };
    letters()
        .iter()
        .filter(is_plain)
        .take(HELD)
        .cloned()
        .map(|letter| Letter {
            octets: without_own_fields(letter.octets),
            ..letter
        })
        .collect()
}

/// The messages by name, without what servers write into them.
fn contents(mount: &Mount) -> BTreeMap<String, Vec<u8>> {
    let read = |name: String| {
        let octets = fs::read(mount.file(&name)).expect("a file to read");
        (name, without_own_fields(octets))
    };
    mount.names().into_iter().map(read).collect()
}

#[track_caller]
fn assert_same<'a>(
    ours: impl Iterator<Item = &'a Vec<u8>>,
    theirs: impl Iterator<Item = Vec<u8>>,
    when: &str,
) {
    let (mut ours, mut theirs): (Vec<_>, Vec<_>) = (ours.cloned().collect(), theirs.collect());
    assert_eq!(ours.len(), theirs.len(), "{when}");
    ours.sort();
    theirs.sort();
    let other = ours
        .iter()
        .zip(&theirs)
        .find(|(ours, theirs)| ours != theirs);
    let other = other.map(|(ours, theirs)| [ours, theirs].map(|it| String::from_utf8_lossy(it)));
    assert_eq!(other, None, "{when}");
}
