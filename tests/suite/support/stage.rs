//! The usual beginnings of a test: a server, and a place for its mailbox, or its mailbox mounted.

use pop3fs_server::Server;

use super::mailbox::account;
use super::mount::{Mount, Site};
use super::namespace::{NEEDS, for_nobody};
use super::process::Outcome;
use super::skip::{Need, lacking};

/// Mounts a server's mailbox, with these options, and goes on with the test; or leaves it out.
#[track_caller]
pub fn mounted(server: Server, options: &[&str], test: impl FnOnce(&Mount, &Server)) {
    staged(server, &[Need::Fuse], |site, server| {
        test(&site.mount_with(&account(server), options), server);
    });
}

/// Has nobody run a script on a server's mailbox, and goes on with what came of it; or leaves the
/// test out. [`for_nobody`] tells what the script is given.
#[track_caller]
pub fn played_by_nobody(server: Server, script: &str, test: impl FnOnce(Outcome, &Server)) {
    staged(server, NEEDS, |site, server| {
        test(for_nobody(script, site, &account(server)), server);
    });
}

/// Goes on with a test that mounts a server's mailbox itself, or leaves it out.
#[track_caller]
pub fn staged(server: Server, needs: &[Need], test: impl FnOnce(&Site, &Server)) {
    if !lacking(needs) {
        test(&Site::new(), &server);
    }
}
