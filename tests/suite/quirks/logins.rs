//! How servers let one in, or not.

use std::time::Duration;

use pop3fs::maildrop::Error;
use pop3fs_server::{Fault, When};

use super::serving;
use crate::support::account::Account;
use crate::support::mailbox::{account, serving_three_for, text};
use crate::support::skip::Need;
use crate::support::stage::staged;
use crate::support::unmounted::{Unmounted, settings};

/// A refused password is not tried again by itself, whatever the server says with it: some lock the
/// account, and some punish the next login with a wait. Where the server says that the fault is its
/// own, the password is not blamed.
#[test]
fn a_password_that_is_refused() {
    for (words, is_blamed) in [
        ("[AUTH] no", true),
        ("no", true),
        ("Re-Authentication Failure", true),
        ("[SYS/PERM] call us", false),
    ] {
        let mut mailbox = Unmounted::new(serving(), settings());
        mailbox.server.fault(Fault::refuse_login(words, 99));
        let error = mailbox.connect().expect_err("no session");
        let blames = matches!(error, Error::LoginRefused(_));
        assert_eq!(blames, is_blamed, "{words}: {error}");
        mailbox.pass(Duration::from_secs(3600));
        assert_eq!(mailbox.server.count("AUTH"), 1, "{words}");
    }
}

/// A server that hangs up in answer to a password has refused it.
#[test]
fn a_password_that_is_answered_by_hanging_up() {
    for server in [serving(), serving().without("SASL")] {
        let mut mailbox = Unmounted::new(server, settings());
        mailbox.server.fault(Fault::CutBefore(When::login()));
        assert!(matches!(mailbox.connect(), Err(Error::LoginRefused(_))));
        mailbox.pass(Duration::from_secs(3600));
        assert_eq!(
            mailbox.server.count("AUTH") + mailbox.server.count("PASS"),
            1
        );
    }
}

/// A login that fails for a while is tried again after pauses, also by who mounts later.
#[test]
fn a_login_that_fails_for_a_while() {
    for words in ["[SYS/TEMP] later", "[LOGIN-DELAY] too soon"] {
        let mut mailbox = Unmounted::of(serving());
        mailbox.server.fault(Fault::refuse_login(words, 2));
        mailbox.cut();
        assert_eq!(mailbox.read("one"), Ok(text("one").into_bytes()), "{words}");
        assert!(mailbox.elapsed() >= Duration::from_secs(1), "{words}");
    }
}

/// A login may hold what means something to the server, as `recent:` before it does to some, and goes
/// there as it is.
#[test]
fn a_login_with_a_prefix() {
    let server = serving_three_for("recent:ann", "secret");
    staged(server, &[Need::Fuse], |site, server| {
        let account = Account::in_clear("recent%3Aann", "secret", server.port());
        assert_eq!(site.mount(&account).names(), ["one", "three", "two"]);
    });
}

/// A server that asks for the rest of a login by `+OK`, in place of `+`, gets it.
#[test]
fn a_login_that_is_asked_for_in_the_wrong_words() {
    let password = "x".repeat(200);
    let server = serving_three_for("ann", &password);
    let wrong = Fault::Replace(When::first("AUTH"), b"+OK go on\r\n".to_vec());
    server.fault(wrong);
    staged(server, &[Need::Fuse], |site, server| {
        let account = Account::in_clear("ann", &password, server.port());
        assert_eq!(site.mount(&account).names(), ["one", "three", "two"]);
        assert!(server.count("PASS") == 0 && server.count("AUTH") == 1);
    });
}

/// A server that takes a token in two steps only, and has a riddle in its greeting, is given it so.
#[test]
fn a_token_that_may_not_come_with_the_command() {
    let server = serving()
        .by_token()
        .greeting("The server is ready. [QgBMADAA]");
    let server = server.start().expect("a server on loopback");
    staged(server, &[Need::Fuse], |site, server| {
        let account = account(server).with_options(&["--token-command", "echo secret"]);
        assert_eq!(site.mount(&account).names(), ["eleven", "one", "three"]);
        assert_eq!((server.count("AUTH"), server.count("SASL")), (1, 1));
    });
}

/// A timestamp in the greeting is an offer of APOP, which is broken, and not taken up unasked.
#[test]
fn a_greeting_that_offers_apop() {
    let timestamp = "<1896.697170952@dbc.mtview.ca.us>";
    for server in [serving(), serving().without("SASL")] {
        let mailbox = Unmounted::of(server.apop(timestamp));
        assert_eq!(mailbox.server.count("APOP"), 0);
    }
}

/// A greeting may hold anything behind its `+OK`.
#[test]
fn a_greeting_that_is_a_riddle() {
    for greeting in [
        "The Microsoft Exchange POP3 service is ready. [QgBOADAAUABSADAANgBDAEEA]",
        "Gpop ready for requests from 127.0.0.1 4fb4d7f45d1cf-5",
        "",
    ] {
        let mut mailbox = Unmounted::of(serving().greeting(greeting));
        assert_eq!(mailbox.read("one"), Ok(text("one").into_bytes()));
    }
}
