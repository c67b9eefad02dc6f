//! Logging in to a real server, in every way there is.

use pop3fs_server::{Fault, Message, Server, When};

use crate::support::account::Account;
use crate::support::authority::{Authority, Certificate, Validity};
use crate::support::corpus::Letter;
use crate::support::dovecot::{Dovecot, Logins};
use crate::support::exit_status::{NO_PERMISSION, UNAVAILABLE};
use crate::support::mount::{Site, is_mounted};
use crate::support::packaged::{CYRUS, Cyrus};
use crate::support::process::{Outcome, eventually, run};
use crate::support::skip::{Need, lacking};

/// What Dovecot can do with a password.
const PASSWORDS: &str = "plain login cram-md5 scram-sha-1 scram-sha-256 apop";

/// What it can do with a password and a channel.
const BOUND: &str = "plain scram-sha-1 scram-sha-256 scram-sha-1-plus scram-sha-256-plus";

/// Each, and what Dovecot calls it in its log.
const WAYS: &[(&str, &str)] = &[
    ("plain", "PLAIN"),
    ("login", "LOGIN"),
    ("cram-md5", "CRAM-MD5"),
    ("scram-sha-1", "SCRAM-SHA-1"),
    ("scram-sha-256", "SCRAM-SHA-256"),
    ("apop", "APOP"),
    ("user", "PLAIN"),
];

/// SASL PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-1 and SCRAM-SHA-256, APOP, and USER with PASS each log
/// in to Dovecot when they are asked for by name.
#[test]
fn each_way_with_a_password_opens_the_mailbox() {
    if lacking(NEEDS) {
        return;
    }
    let dovecot = Dovecot::with_logins(&letters(), &Logins::by(PASSWORDS));
    for (name, method) in WAYS {
        opens(
            &dovecot,
            &dovecot.implicit_tls().with_options(&["--auth", name]),
            method,
        );
    }
}

/// A password that is wrong is refused with "no permission" (77) and the server's words, whatever
/// the way, after one attempt.
#[test]
fn a_wrong_password_is_tried_once_in_one_way() {
    if lacking(NEEDS) {
        return;
    }
    for (name, _) in WAYS {
        let dovecot = Dovecot::with_logins(&letters(), &Logins::by(PASSWORDS));
        let account = dovecot
            .stls()
            .with_password("wrong")
            .with_options(&["--auth", name]);
        let outcome = refused(&account, NO_PERMISSION);
        assert!(
            outcome.says("the server refused the login"),
            "{name}: {outcome:?}"
        );
        one_attempt(&dovecot);
    }
}

/// SCRAM bound to the TLS channel, of TLS 1.3 or 1.2, is the first choice where the server has it, and
/// opens the mailbox; a wrong password is refused in one attempt.
#[test]
fn a_login_is_bound_to_the_channel_where_the_server_can() {
    if lacking(NEEDS) {
        return;
    }
    if !Dovecot::binds_logins() {
        return binding_is_not_announced();
    }
    for version in ["TLSv1.3", "TLSv1.2"] {
        let logins = Logins::by(BOUND).with_tls_up_to(version);
        let dovecot = Dovecot::with_logins(&letters(), &logins);
        for account in [dovecot.implicit_tls(), dovecot.stls()] {
            opens(&dovecot, &account, "SCRAM-SHA-256-PLUS");
            let account = account.with_options(&["--auth", "scram-sha-1-plus"]);
            opens(&dovecot, &account, "SCRAM-SHA-1-PLUS");
        }
        says_login(&dovecot.stls(), &format!("SCRAM-SHA-256-PLUS in {version}"));
        let outcome = refused(&dovecot.stls().with_password("wrong"), NO_PERMISSION);
        assert!(outcome.says("SCRAM-SHA-256-PLUS"), "{outcome:?}");
        one_attempt(&dovecot);
    }
}

/// Cyrus binds to the channel of TLS 1.2 as we do. It has a way of its own for TLS 1.3: the login is
/// refused, no other way tried, and a way out told.
#[test]
fn a_login_is_bound_to_the_channel_of_cyrus() {
    let packaged = [Need::Root, Need::Program("unshare"), Need::Package(CYRUS)];
    if lacking(&packaged) || lacking(NEEDS) {
        return;
    }
    let cyrus = Cyrus::start("tls1_2");
    for account in [cyrus.implicit_tls(), cyrus.stls()] {
        says_login(&account, "SCRAM-SHA-256-PLUS in TLSv1.2");
        let by_sha1 = account
            .clone()
            .with_options(&["--auth", "scram-sha-1-plus"]);
        says_login(&by_sha1, "SCRAM-SHA-1-PLUS in TLSv1.2");
    }
    let outcome = refused(&cyrus.stls().with_password("wrong"), NO_PERMISSION);
    assert!(outcome.says("SCRAM-SHA-256-PLUS"), "{outcome:?}");
    let cyrus = Cyrus::start("tls1_3");
    let account = cyrus.implicit_tls();
    let outcome = refused(&account, NO_PERMISSION);
    assert!(outcome.says("--auth scram-sha-256"), "{outcome:?}");
    let unbound = account.with_options(&["--auth", "scram-sha-256"]);
    says_login(&unbound, "SCRAM-SHA-256 in TLSv1.3");
}

/// Dovecot before 2.4: it does not know of bound logins, and none is tried.
fn binding_is_not_announced() {
    let dovecot = Dovecot::with_logins(&letters(), &Logins::by(PASSWORDS));
    let account = dovecot
        .stls()
        .with_options(&["--auth", "scram-sha-256-plus"]);
    let outcome = refused(&account, UNAVAILABLE);
    let words = "does not announce SCRAM-SHA-256-PLUS, only ";
    assert!(outcome.says(words), "{outcome:?}");
    assert!(!dovecot.log().contains("auth failed"), "{}", dovecot.log());
}

/// Login and password need not be ASCII: UTF8 is asked for before, where the server announces it.
#[test]
fn a_login_need_not_be_ascii() {
    if lacking(&[Need::Fuse]) {
        return;
    }
    for way in ["plain", "user"] {
        let server = Server::with_messages(vec![Message::new("one", b"text")])
            .login("jürgen", "geheim & süß")
            .capability("UTF8 USER")
            .start()
            .expect("a server on loopback");
        let account = Account::in_clear("j%C3%BCrgen", "geheim & süß", server.port());
        let site = Site::new();
        let mount = site.mount(&account.with_options(&["--auth", way, "--language", "de"]));
        assert_eq!(mount.names(), ["one"]);
        mount.umount().succeeded();
        assert_eq!((server.count("UTF8"), server.count("LANG")), (1, 0));
    }
}

/// A server that announces LANG is asked for the language of `--language` before the login, so that it
/// says in that language what is wrong with it.
#[test]
fn a_server_speaks_the_language_that_is_asked_for() {
    if lacking(&[Need::Fuse]) {
        return;
    }
    let server = Server::with_messages(Vec::new())
        .capability("LANG")
        .start()
        .expect("a server on loopback");
    let spoken = b"+OK de Deutsch\r\n".to_vec();
    server.fault(Fault::Replace(When::every("LANG"), spoken));
    let words = "[AUTH] Das Kennwort ist falsch".to_owned();
    server.fault(Fault::Refuse(When::login(), words));
    let account = Account::in_clear("ann", "geheim", server.port());
    let outcome = refused(&account.with_options(&["--language", "de"]), NO_PERMISSION);
    assert!(outcome.says("Das Kennwort ist falsch"), "{outcome:?}");
    assert_eq!(server.commands()[1], "LANG de");
}

/// A token from `--token-command` logs in by OAUTHBEARER, or by XOAUTH2 where it is asked for; the
/// same token can also be where a password would be.
#[test]
fn a_token_opens_the_mailbox() {
    if lacking(NEEDS) {
        return;
    }
    let dovecot = Dovecot::with_logins(&letters(), &tokens());
    let command = &format!("echo {TOKEN}");
    let account = dovecot.stls().with_options(&["--token-command", command]);
    opens(&dovecot, &account, "OAUTHBEARER");
    let account = account.with_options(&["--auth", "xoauth2"]);
    opens(&dovecot, &account, "XOAUTH2");
    let account = dovecot.implicit_tls().with_password(TOKEN);
    opens(
        &dovecot,
        &account.with_options(&["--auth", "oauthbearer"]),
        "OAUTHBEARER",
    );
}

/// A token that is not taken is refused with "no permission" (77), and the server's explanation is
/// told; it is tried once, in one way.
#[test]
fn a_wrong_token_is_tried_once() {
    if lacking(NEEDS) {
        return;
    }
    for name in ["oauthbearer", "xoauth2"] {
        let dovecot = Dovecot::with_logins(&letters(), &tokens());
        let options = ["--auth", name, "--token-command", "echo expired"];
        let outcome = refused(&dovecot.stls().with_options(&options), NO_PERMISSION);
        assert!(outcome.says("the token may have expired"), "{outcome:?}");
        assert!(outcome.says(r#""status":"#), "{outcome:?}");
        one_attempt(&dovecot);
    }
}

/// A token is given to nobody who does not announce that tokens are taken ("unavailable", 69).
#[test]
fn a_token_is_not_taken_for_a_password() {
    if lacking(NEEDS) {
        return;
    }
    let dovecot = Dovecot::with_letters(&letters());
    let account = dovecot
        .stls()
        .with_options(&["--token-command", "echo token"]);
    let outcome = refused(&account, UNAVAILABLE);
    assert!(
        outcome.says("no way to log in with a token, only PLAIN"),
        "{outcome:?}"
    );
}

/// A client certificate for the login opens the mailbox by EXTERNAL, without a password.
#[test]
fn a_client_certificate_opens_the_mailbox() {
    if lacking(NEEDS) {
        return;
    }
    let (dovecot, authority) = with_certificates();
    let certificate = authority.issue(dovecot.user(), None, Validity::Good);
    for account in [dovecot.stls(), dovecot.implicit_tls()] {
        opens_without_password(&dovecot, &account.showing(&certificate));
        opens_without_password(
            &dovecot,
            &account
                .showing(&certificate)
                .with_options(&["--auth", "external"]),
        );
    }
}

/// A client certificate for another login, one that has expired, and one by somebody else are
/// refused with "no permission" (77), and no other way is tried.
#[test]
fn a_wrong_client_certificate_is_refused() {
    if lacking(NEEDS) {
        return;
    }
    let certificates: [fn(&Authority, &str) -> Certificate; 3] = [
        |authority, _| authority.issue("somebody.else", None, Validity::Good),
        |authority, user| authority.issue(user, None, Validity::Expired),
        |_, user| Authority::new().issue(user, None, Validity::Good),
    ];
    for certificate in certificates {
        let (dovecot, authority) = with_certificates();
        let certificate = certificate(&authority, dovecot.user());
        let account = dovecot.stls().showing(&certificate);
        let outcome = run(&mut Site::new().command_without_password(&account));
        assert_eq!(outcome.code(), Some(NO_PERMISSION), "{outcome:?}");
        assert!(
            outcome.says("EXTERNAL: the certificate may be"),
            "{outcome:?}"
        );
        one_attempt(&dovecot);
    }
}

/// Without a name the strongest is chosen: SCRAM-SHA-256 before the rest; and where that is
/// refused no other is tried, but a way out is told.
#[test]
fn the_strongest_way_is_chosen_and_no_weaker_one_tried() {
    if lacking(NEEDS) {
        return;
    }
    let dovecot = Dovecot::with_logins(&letters(), &Logins::by(PASSWORDS));
    opens(&dovecot, &dovecot.stls(), "SCRAM-SHA-256");
    let outcome = refused(&dovecot.stls().with_password("wrong"), NO_PERMISSION);
    assert!(outcome.says("SCRAM-SHA-256"), "{outcome:?}");
    assert!(outcome.says("--auth"), "{outcome:?}");
    one_attempt(&dovecot);
}

/// Within TLS, PLAIN is chosen before CRAM-MD5; in clear it is the other way round, as then the
/// password is not heard by everybody. The status tells.
#[test]
fn what_is_strongest_depends_on_the_channel() {
    if lacking(NEEDS) {
        return;
    }
    let dovecot = Dovecot::with_logins(&letters(), &Logins::by("plain cram-md5 login"));
    opens(&dovecot, &dovecot.implicit_tls(), "PLAIN");
    opens(&dovecot, &dovecot.in_clear(), "CRAM-MD5");
    says_login(&dovecot.stls(), "PLAIN in TLSv1.3");
    says_login(&dovecot.in_clear(), "CRAM-MD5 in clear");
}

/// A way that the server does not announce is "unavailable" (69), and what it announces is told.
#[test]
fn a_way_that_is_not_announced_is_not_tried() {
    if lacking(NEEDS) {
        return;
    }
    let dovecot = Dovecot::with_letters(&letters());
    let account = dovecot.stls().with_options(&["--auth", "scram-sha-256"]);
    let outcome = refused(&account, UNAVAILABLE);
    assert!(
        outcome.says("does not announce SCRAM-SHA-256, only PLAIN"),
        "{outcome:?}"
    );
    let outcome = refused(
        &dovecot.stls().with_options(&["--auth", "apop"]),
        UNAVAILABLE,
    );
    assert!(outcome.says("APOP"), "{outcome:?}");
    assert!(!dovecot.log().contains("auth failed"), "{}", dovecot.log());
}

/// Dovecot that takes client certificates, and who makes them.
fn with_certificates() -> (Dovecot, Authority) {
    let authority = Authority::new();
    let logins = Logins::by("plain external").with_certificates_by(authority.file_of_authority());
    (Dovecot::with_logins(&letters(), &logins), authority)
}

const TOKEN: &str = "ya29.a-token-that-is-a-little-longer-than-a-password-usually-is-1234567890";

/// Dovecot with tokens beside passwords.
fn tokens() -> Logins {
    Logins::by("plain xoauth2 oauthbearer").with_token(TOKEN)
}

const NEEDS: &[Need] = &[Need::Fuse, Need::Dovecot, Need::Program("openssl")];

fn letters() -> [Letter; 1] {
    [Letter {
        name: "one".to_owned(),
        octets: b"Subject: one\n\ntext\n".to_vec(),
    }]
}

/// Mounts and unmounts, and looks how the server says that it let us in.
#[track_caller]
fn opens(dovecot: &Dovecot, account: &Account, method: &str) {
    let site = Site::new();
    let mount = site.mount(account);
    assert_eq!(mount.names(), ["one"]);
    mount.umount().succeeded();
    // After "Login:", or from 2.4 on "Logged in:".
    let entry = format!(": user=<{}>, method={method},", dovecot.user());
    eventually(&format!("Dovecot logs {entry}"), || {
        dovecot.log().contains(&entry)
    });
}

/// Mounts and unmounts, and looks what the status says of the login.
#[track_caller]
fn says_login(account: &Account, login: &str) {
    let site = Site::new();
    let mount = site.mount(account);
    let status = mount.verb("status", &[]).succeeded();
    assert!(status.says(&format!("login     {login}\n")), "{status:?}");
    mount.umount().succeeded();
}

#[track_caller]
fn opens_without_password(dovecot: &Dovecot, account: &Account) {
    let site = Site::new();
    let mount = site.mount_by(&mut site.command_without_password(account));
    assert_eq!(mount.names(), ["one"]);
    mount.umount().succeeded();
    eventually("Dovecot logs EXTERNAL", || {
        dovecot.log().contains("method=EXTERNAL")
    });
}

/// Fails to mount.
#[track_caller]
fn refused(account: &Account, status: i32) -> Outcome {
    let site = Site::new();
    let outcome = run(&mut site.command(account));
    assert_eq!(outcome.code(), Some(status), "{outcome:?}");
    assert!(!outcome.stderr.contains(account.password()), "{outcome:?}");
    assert!(!is_mounted(&site.mountpoint()));
    outcome
}

/// The server has seen one login fail, and no more.
#[track_caller]
fn one_attempt(dovecot: &Dovecot) {
    eventually("Dovecot logs the attempt", || {
        dovecot.log().contains("auth failed, ")
    });
    let log = dovecot.log();
    assert_eq!(log.matches("auth failed, 1 attempts").count(), 1, "{log}");
    assert_eq!(log.matches("auth failed, ").count(), 1, "{log}");
}
