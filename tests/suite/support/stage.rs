//! The usual beginning of a test: a server, its mailbox mounted.

use pop3fs_server::Server;

use super::mailbox::account;
use super::mount::{Mount, Site};
use super::skip::{Need, lacking};

/// Mounts a server's mailbox, with these options, and goes on with the test; or leaves it out.
#[track_caller]
pub fn mounted(server: Server, options: &[&str], test: impl FnOnce(&Mount, &Server)) {
    if lacking(&[Need::Fuse]) {
        return;
    }
    let site = Site::new();
    test(&site.mount_with(&account(&server), options), &server);
}
