//! Secrets are not in memory any more once they were used.

use std::process::Command;

use crate::support::account::Account;
use crate::support::corpus::Letter;
use crate::support::dovecot::{Dovecot, Logins};
use crate::support::giving::{
    FOUND_ANEW, Give, by_token_command, in_file, in_variable, proxy_in_file, proxy_in_variable,
};
use crate::support::mailbox::serving_three_for;
use crate::support::memory::remembers;
use crate::support::mount::{Mount, Site};
use crate::support::process::eventually;
use crate::support::proxy::Proxy;
use crate::support::skip::{Need, lacking};
use crate::support::terminal::Terminal;

const USER: &str = "ann";
const SECRET: &str = "correct horse battery staple";
const NEEDS: &[Need] = &[Need::Fuse, Need::Ptrace];

/// A password that can be found anew is in the memory of neither the process that serves the mailbox
/// nor its keeper once it was used, in clear or in base 64.
#[test]
fn a_password_that_can_be_found_anew_is_remembered_by_nobody() {
    if lacking(NEEDS) {
        return;
    }
    for give in FOUND_ANEW {
        let (server, site) = (serving_three_for(USER, SECRET), Site::new());
        let account = Account::in_clear(USER, SECRET, server.port());
        let mount = site.mount_by(&mut command(&site, &account, give));
        forgotten(&mount, SECRET, Keeper::Forgets);
    }
}

/// One that was in the environment is remembered by the keeper alone, which hears nothing from the server.
#[test]
fn a_password_of_the_environment_is_remembered_by_the_keeper() {
    if lacking(NEEDS) {
        return;
    }
    let (server, site) = (serving_three_for(USER, SECRET), Site::new());
    let account = Account::in_clear(USER, SECRET, server.port());
    let mount = site.mount_by(&mut command(&site, &account, in_variable));
    forgotten(&mount, SECRET, Keeper::Remembers);
}

/// So is one that was typed.
#[test]
fn a_password_that_was_typed_is_remembered_by_the_keeper() {
    if lacking(NEEDS) || lacking(&[Need::Program("setsid")]) {
        return;
    }
    let (server, site) = (serving_three_for(USER, SECRET), Site::new());
    let account = Account::in_clear(USER, SECRET, server.port());
    let terminal = Terminal::new();
    let mut command = terminal.running(&command(&site, &account, |_, _, _| {}));
    let typing = terminal.typing(SECRET);
    forgotten(&site.mount_by(&mut command), SECRET, Keeper::Remembers);
    typing.join().expect("a terminal");
}

/// The password of a proxy is remembered by nobody where it is in a file, and by the keeper alone where it
/// was in the environment.
#[test]
fn the_password_of_a_proxy_is_remembered_as_that_of_the_mailbox() {
    if lacking(NEEDS) {
        return;
    }
    let proxy = Proxy::wanting("gate", SECRET);
    let server = serving_three_for(USER, "secret");
    let account = Account::in_clear(USER, "secret", server.port()).through(&proxy, "gate");
    let site = Site::new();
    let mut command = site.command(&account);
    proxy_in_file(&site, SECRET, &mut command);
    forgotten(&site.mount_by(&mut command), SECRET, Keeper::Forgets);

    let site = Site::new();
    let mut command = site.command(&account);
    proxy_in_variable(&site, SECRET, &mut command);
    forgotten(&site.mount_by(&mut command), SECRET, Keeper::Remembers);
}

/// No password or token is remembered of any way to log in, over TLS.
#[test]
fn no_way_to_log_in_leaves_a_secret_in_memory() {
    if lacking(NEEDS) || lacking(&[Need::Dovecot, Need::Program("openssl")]) {
        return;
    }
    let all = "plain login cram-md5 scram-sha-1 scram-sha-256 apop xoauth2 oauthbearer";
    let dovecot = Dovecot::with_logins(&letters(), &Logins::by(all).with_token(TOKEN));
    for way in all.split(' ').chain(["user"]) {
        let account = dovecot.implicit_tls().with_options(&["--auth", way]);
        let (account, give) = if way.contains("oauth") {
            (account.with_password(TOKEN), by_token_command as Give)
        } else {
            (account, in_file as Give)
        };
        let site = Site::new();
        let mount = site.mount_by(&mut command(&site, &account, give));
        forgotten(&mount, account.password(), Keeper::Forgets);
    }
}

/// Too short to tell from a password, so that it goes with the command.
const TOKEN: &str = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg";

/// What becomes of a secret in the keeper.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keeper {
    Forgets,
    Remembers,
}

/// Looks into both processes in a session, and in another one.
#[track_caller]
fn forgotten(mount: &Mount<'_>, secret: &str, keeper: Keeper) {
    look(mount, secret, keeper);
    mount.verb("park", &[]).succeeded();
    mount.verb("refresh", &[]).succeeded();
    look(mount, secret, keeper);
    mount.umount().succeeded();
}

/// What was used is wiped a moment later.
#[track_caller]
fn look(mount: &Mount<'_>, secret: &str, keeper: Keeper) {
    let daemon = mount.daemon();
    eventually("the process forgets", || !remembers(daemon.id(), secret));
    let other = daemon.keeper().expect("a keeper");
    eventually("the keeper forgets what it can find anew", || {
        remembers(other, secret) == (keeper == Keeper::Remembers)
    });
}

/// The command that mounts with the password given in some way.
fn command(site: &Site, account: &Account, give: Give) -> Command {
    let mut command = site.command_without_password(account);
    give(site, account, &mut command);
    command
}

fn letters() -> [Letter; 1] {
    [Letter {
        name: "one".to_owned(),
        octets: b"Subject: one\n\ntext\n".to_vec(),
    }]
}
