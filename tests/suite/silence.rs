//! A mount that takes long: whoever has started it learns what it waits for.

use std::time::Duration;

use crate::support::mailbox::{account, serving_three};
use crate::support::mount::Site;
use crate::support::skip::{Need, lacking};
use pop3fs_server::{Fault, When};

/// More than anybody is left without a word for.
const LONG: Duration = Duration::from_secs(7);

#[test]
fn who_waits_for_a_server_that_does_not_answer_is_told() {
    assert_says("GREETING", "has not answered yet; still waiting");
}

#[test]
fn who_waits_for_a_long_listing_is_told() {
    assert_says("UIDL", "has not listed the mailbox yet; still waiting");
}

/// The server is not waited for as long as somebody may be typing.
#[test]
fn who_is_asked_for_a_password_is_left_in_peace() {
    if lacking(&[Need::Fuse]) {
        return;
    }
    let (server, site) = (serving_three(), Site::new());
    let command = format!("sh -c 'sleep {}; echo secret'", LONG.as_secs());
    let account = account(&server).with_options(&["--password-command", &command]);
    let mut asking = site.command_without_password(&account);
    assert_eq!(site.mount_by(&mut asking).said(), "");
}

#[track_caller]
fn assert_says(command: &str, words: &str) {
    if lacking(&[Need::Fuse]) {
        return;
    }
    let (server, site) = (serving_three(), Site::new());
    server.fault(Fault::Delay(When::every(command), LONG));
    let mount = site.mount(&account(&server));
    assert!(mount.said().contains(words), "{}", mount.said());
    assert_eq!(mount.said().lines().count(), 1, "{}", mount.said());
    assert_eq!(mount.names().len(), 3);
}
