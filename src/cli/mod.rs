//! What was typed, and what is meant by it.
//!
//! ```text
//! arguments -> Typed (clap) -> MountRequest or a verb = Request
//!                 ^  ^
//!  -o words ------'  '------ mount(8)'s way of calling (mount_helper)
//! ```
//!
//! Every long option can also be written as a word after `-o`; that is true by construction,
//! because the words are turned into long options and read together with the rest.

mod exit_status;
mod login_method;
mod misuse;
mod mount_helper;
mod mount_request;
mod option_words;
mod route_request;
mod source;
mod stop;
mod tls_request;
mod typed;
mod value;
pub mod verbs;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use exit_status::ExitStatus;
pub use login_method::LoginMethod;
pub use misuse::Misuse;
pub use mount_request::MountRequest;
pub use route_request::{ProxyRequest, RouteRequest};
pub use source::{Security, Source, SourceError};
pub use stop::Stop;
pub use tls_request::{ClientCertificate, TlsRequest, TlsVersion};
use verbs::{Manner, Terms};

/// What the person who called us wants.
#[derive(Debug)]
pub enum Request {
    /// Show a mailbox as a directory.
    Mount(Box<MountRequest>),
    /// Nothing: mount(8) was told to pretend (`mount -f`), and everything was understood.
    Pretend,
    /// Commit, say what happened, unmount.
    Umount {
        /// Where the mailbox is mounted.
        mountpoint: PathBuf,
        /// How.
        manner: Manner,
        /// How to commit.
        terms: Terms,
    },
    /// Commit, and say what happened.
    Commit {
        /// Where the mailbox is mounted.
        mountpoint: PathBuf,
        /// How.
        terms: Terms,
    },
    /// Say how the mount is doing.
    Status {
        /// Where the mailbox is mounted.
        mountpoint: PathBuf,
        /// As JSON, for programs.
        json: bool,
    },
    /// Take marks off.
    Undelete {
        /// Where the mailbox is mounted.
        mountpoint: PathBuf,
        /// Which messages.
        which: Marked,
    },
    /// Look for new mail.
    Refresh {
        /// Where the mailbox is mounted.
        mountpoint: PathBuf,
    },
    /// Wait for new mail.
    Wait {
        /// Where the mailbox is mounted.
        mountpoint: PathBuf,
        /// How many messages.
        new: u64,
        /// How long at most.
        patience: Option<Duration>,
    },
    /// End the session until it is needed.
    Park {
        /// Where the mailbox is mounted.
        mountpoint: PathBuf,
    },
}

/// Some or all of the messages that are marked to be deleted.
#[derive(Debug, PartialEq, Eq)]
pub enum Marked {
    /// Those with these file names.
    Named(Vec<String>),
    /// All of them.
    All,
}

/// Understands a command line, the program's own name first.
///
/// # Errors
///
/// [`Stop`] where there is nothing to be done beyond showing a text: help, the version, or what
/// was wrong.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, Stop> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if is_called_by_mount(&arguments) {
        mount_helper::parse(&arguments)
    } else {
        typed::parse(&arguments)?.try_into()
    }
}

/// Whether a command line is mount(8)'s, which calls its helpers `mount.TYPE`.
fn is_called_by_mount(arguments: &[OsString]) -> bool {
    let program = arguments.first().map(Path::new).and_then(Path::file_name);
    let name = program.map(OsStr::as_encoded_bytes);
    name.is_some_and(|name| name.starts_with(b"mount."))
}

#[cfg(test)]
pub(in crate::cli) mod tests {
    use super::*;
    use std::time::Duration;

    /// What a line comes to.
    pub fn parsed(line: &str) -> Result<Request, Stop> {
        parse(line.split_whitespace().map(OsString::from))
    }

    /// The mount that a line asks for.
    pub fn mount(line: &str) -> MountRequest {
        match parsed(line).unwrap() {
            Request::Mount(request) => *request,
            other => panic!("{other:?}"),
        }
    }

    fn usage(line: &str) -> String {
        match parsed(line).unwrap_err() {
            Stop::Usage(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_source_and_a_mount_point_are_enough() {
        let request = mount("pop3fs pop3s://ann@pop.example.org /mnt");
        assert_eq!(
            request.source.to_string(),
            "pop3s://ann@pop.example.org:995"
        );
        assert_eq!(request.mountpoint, Path::new("/mnt"));
        assert_eq!(request.cache_size, 64 << 20);
        assert_eq!(request.timeout, Duration::from_secs(60));
        assert_eq!(request.idle, Some(Duration::from_secs(60)));
        assert_eq!(request.refresh, Some(Duration::from_secs(300)));
        assert_eq!(request.verbosity, 0);
        let chosen = [request.read_only, request.allow_other, request.foreground];
        assert_eq!(chosen, [false; 3]);
        assert!(!request.called_by_mount);
    }

    #[test]
    fn relative_paths_become_absolute() {
        let request = mount("pop3fs pop3s://ann@h mnt --password-file p --log l --ca-file c");
        let here = std::env::current_dir().unwrap();
        assert_eq!(request.mountpoint, here.join("mnt"));
        assert_eq!(request.password_file, Some(here.join("p")));
        assert_eq!(request.log, Some(here.join("l")));
        assert_eq!(request.tls.ca_file, Some(here.join("c")));
    }

    #[test]
    fn options_may_stand_anywhere_and_as_words() {
        for line in [
            "pop3fs --login ann --uid=5 --cache-size 1M --read-only --suffix .eml pop3s://h /mnt",
            "pop3fs pop3s://h /mnt -o login=ann,uid=5,cache_size=1M,ro,suffix=.eml",
            "pop3fs pop3s://h -o ro,login=ann /mnt -o uid=5 -o cache-size=1M,suffix=.eml",
            "pop3fs -oro,suffix=.eml --uid 5 pop3s://h /mnt --login=ann -o rw,cache_size=1M",
        ] {
            let request = mount(line);
            assert_eq!(request.source.login.as_deref(), Some("ann"), "{line}");
            assert_eq!(
                (request.uid, request.cache_size),
                (Some(5), 1 << 20),
                "{line}"
            );
            assert_eq!(
                (request.read_only, request.suffix.as_str()),
                (true, ".eml"),
                "{line}"
            );
        }
    }

    #[test]
    fn the_last_one_counts_and_options_before_words() {
        assert_eq!(mount("pop3fs pop3s://h /m -o uid=1,uid=2").uid, Some(2));
        assert_eq!(mount("pop3fs pop3s://h /m --uid 1 --uid 2").uid, Some(2));
        assert_eq!(mount("pop3fs pop3s://h /m --uid 1 -o uid=2").uid, Some(1));
    }

    #[test]
    fn debug_is_foreground_and_verbose() {
        let request = mount("pop3fs -d -v pop3s://h /mnt");
        assert_eq!((request.foreground, request.verbosity), (true, 2));
        let request = mount("pop3fs pop3s://h /mnt -fvv -o verbose");
        assert_eq!((request.foreground, request.verbosity), (true, 3));
    }

    #[test]
    fn no_seconds_are_for_ever_or_never() {
        assert_eq!(mount("pop3fs pop3s://h /m --idle 0").idle, None);
        assert_eq!(mount("pop3fs pop3s://h /m -o refresh=0").refresh, None);
        let idle = mount("pop3fs pop3s://h /m -o idle=90").idle;
        assert_eq!(idle, Some(Duration::from_secs(90)));
        assert!(usage("pop3fs pop3s://h /m --idle never").contains("--idle"));
    }

    #[test]
    fn two_logins_are_one_too_many() {
        assert!(usage("pop3fs pop3s://ann@h /mnt --login bob").contains("different logins"));
        assert!(parsed("pop3fs pop3s://ann@h /mnt --login ann").is_ok());
    }

    #[test]
    fn clear_text_must_be_asked_for_by_name() {
        let security = |line: &str| mount(line).source.security;
        let local = "pop3fs pop3://localhost /mnt";
        assert_eq!(security(local), Security::StartTls);
        assert_eq!(security(&format!("{local} --tls off")), Security::Cleartext);
        let remote = "pop3fs pop3://pop.example.org /mnt --tls off";
        assert!(usage(remote).contains("--insecure-cleartext"));
        assert_eq!(
            security(&format!("{remote} --insecure-cleartext")),
            Security::Cleartext
        );
        assert!(usage("pop3fs pop3s://localhost /mnt --tls off").contains("needs pop3://"));
    }

    #[test]
    fn a_way_to_log_in_is_named_as_the_registry_does() {
        let auth = |line: &str| mount(&format!("pop3fs pop3s://h /m {line}")).auth;
        assert_eq!(auth(""), None);
        assert_eq!(auth("--auth SCRAM-SHA-256"), Some(LoginMethod::ScramSha256));
        assert_eq!(auth("-o auth=oauthbearer"), Some(LoginMethod::OAuthBearer));
        let refused = usage("pop3fs pop3s://h /m --auth ntlm");
        assert!(
            refused.contains("ntlm") && refused.contains("scram-sha-1"),
            "{refused}"
        );
    }

    #[test]
    fn a_token_is_for_those_who_take_one() {
        let token = "pop3fs pop3s://h /m -o token_command=oauth";
        let request = mount(&format!("{token} --auth xoauth2"));
        assert_eq!(request.token_command.as_deref(), Some("oauth"));
        assert!(usage(&format!("{token} --auth plain")).contains("--token-command"));
        assert!(usage(&format!("{token} --password-file f")).contains("--password-file"));
    }

    #[test]
    fn a_client_certificate_may_bring_its_key_along() {
        let client = |line: &str| mount(&format!("pop3fs pop3s://h /m {line}")).tls.client;
        let certificate = PathBuf::from("/c");
        let key = certificate.clone();
        let together = Some(ClientCertificate { certificate, key });
        assert_eq!(client("--tls-client-certificate /c"), together);
        let apart = client("-o tls_client_certificate=/c --tls-client-key /k").unwrap();
        assert_eq!(apart.key, Path::new("/k"));
        assert!(usage("pop3fs pop3s://h /m --tls-client-key /k").contains("certificate"));
        assert!(usage("pop3fs pop3s://h /m --auth external").contains("certificate"));
    }

    #[test]
    fn tls_has_a_fingerprint_and_an_oldest_version() {
        let tls = mount("pop3fs pop3s://h /m").tls;
        assert_eq!((tls.fingerprint, tls.minimum), (None, TlsVersion::Tls12));
        let hexadecimal = "0a".repeat(32);
        let tls = mount(&format!(
            "pop3fs pop3s://h /m -o tls_min=1.3,tls_fingerprint=sha256:{hexadecimal}"
        ))
        .tls;
        assert_eq!(
            (tls.fingerprint, tls.minimum),
            (Some([10; 32]), TlsVersion::Tls13)
        );
        assert!(usage("pop3fs pop3s://h /m --tls-min 1.0").contains("1.2"));
    }

    #[test]
    fn there_is_one_way_to_the_server() {
        let route = |line: &str| mount(&format!("pop3fs pop3s://h /m {line}")).route;
        assert_eq!(route(""), RouteRequest::Direct);
        let proxy = route("-o proxy=socks5://gate:9 --proxy-password-file /f");
        let file = Some(PathBuf::from("/f"));
        assert!(matches!(proxy, RouteRequest::Proxy(proxy) if proxy.password_file == file));
        let ssh = RouteRequest::Program("ssh".to_owned());
        assert_eq!(route("--connect-command ssh"), ssh);
        let both = "pop3fs pop3s://h /m --proxy socks5://h --connect-command ssh";
        assert!(usage(both).contains("--connect-command"));
        assert!(usage("pop3fs pop3s://h /m --proxy-password-file f").contains("--proxy"));
    }

    #[test]
    fn the_localhost_of_a_proxy_or_a_program_is_not_this_machine() {
        for route in ["--proxy socks5://gate", "--connect-command ssh"] {
            let line = format!("pop3fs pop3://localhost /m --tls off {route}");
            assert!(usage(&line).contains("--insecure-cleartext"));
            mount(&format!("{line} --insecure-cleartext"));
        }
    }

    #[test]
    fn a_password_in_the_source_is_refused_and_not_repeated() {
        let text = usage("pop3fs pop3s://ann:sesame@pop.example.org /mnt");
        assert!(text.contains("--password-command"));
        assert!(!text.contains("sesame"));
    }

    #[test]
    fn unknown_options_and_words_are_named() {
        assert!(usage("pop3fs pop3s://h /mnt --colour").contains("--colour"));
        assert!(usage("pop3fs pop3s://h /mnt -o colour=red").contains("'colour'"));
        assert!(usage("pop3fs pop3s://h").contains("MOUNTPOINT"));
        assert!(usage("pop3fs").contains("SOURCE"));
    }

    #[test]
    fn a_line_that_makes_no_sense_is_told_what_to_do() {
        let quotes = "a path with spaces needs quotes";
        let no_verb = "neither a verb nor a source (pop3s://";
        for (line, words) in [
            ("pop3fs pop3s://ann@h my mail", &["'mail'", quotes][..]),
            ("pop3fs -f pop3s://ann@h my statu", &["'statu'", quotes]),
            ("pop3fs stauts mp", &["'stauts'", no_verb]),
            ("pop3fs mount pop3s://ann@h mp", &["'mount'", no_verb]),
            ("pop3fs mail pop3s://ann@h", &["'mail'", no_verb]),
            ("pop3fs a\u{1b}[2J", &["'a\\u{1b}[2J'"]),
            ("pop3fs pop3s://h mp --uid root", &["--uid", "id -u NAME"]),
            (
                "pop3fs wait mp --timeout x",
                &["--timeout", "a number of seconds"],
            ),
            (
                "pop3fs pop3s://h mp --timeout x",
                &["--timeout", "from 1 to 86400"],
            ),
            ("pop3fs pop3s://[fe80::1%lo] mp", &["zone", "not supported"]),
        ] {
            let text = usage(line);
            assert!(text.starts_with("pop3fs: "), "{text}");
            assert!(words.iter().all(|word| text.contains(word)), "{text}");
        }
    }

    #[test]
    fn what_can_hold_a_password_is_not_repeated() {
        for line in [
            "pop3fs ann:sesame@h mp",
            "pop3fs sesame@h",
            "pop3fs :sesame mp",
        ] {
            assert!(!usage(line).contains("sesame"), "{line}");
        }
    }

    #[test]
    fn a_verb_out_of_its_place_is_not_taken_for_a_path() {
        assert!(!usage("pop3fs -f umount mp").contains("needs quotes"));
    }

    #[test]
    fn help_and_version_are_no_errors() {
        for line in ["pop3fs --help", "pop3fs --version", "pop3fs umount --help"] {
            assert!(matches!(parsed(line), Err(Stop::Information(_))), "{line}");
        }
    }

    #[test]
    fn verbs_speak_to_a_mount() {
        let umount = parsed("pop3fs umount /mnt").unwrap();
        assert!(
            matches!(umount, Request::Umount { mountpoint, manner: Manner::Plainly, terms: Terms { verify: true, even_unread: false } } if mountpoint == Path::new("/mnt"))
        );
        for (line, expected) in [
            ("pop3fs umount -l /mnt", Manner::Lazily),
            ("pop3fs umount /mnt --force", Manner::Forcibly),
        ] {
            let umount = parsed(line);
            assert!(matches!(umount, Ok(Request::Umount { manner, .. }) if manner == expected));
        }
        let unverified = parsed("pop3fs commit --no-verify -y /mnt");
        let terms = Terms {
            verify: false,
            even_unread: true,
        };
        assert!(matches!(unverified, Ok(Request::Commit { terms: given, .. }) if given == terms));
        assert!(usage("pop3fs umount --lazy --force /mnt").contains("cannot be used"));
        assert!(matches!(
            parsed("pop3fs unmount /mnt"),
            Ok(Request::Umount { .. })
        ));
        assert!(matches!(
            parsed("pop3fs commit /mnt"),
            Ok(Request::Commit { .. })
        ));
        assert!(matches!(
            parsed("pop3fs refresh /mnt"),
            Ok(Request::Refresh { .. })
        ));
        assert!(matches!(
            parsed("pop3fs park /mnt"),
            Ok(Request::Park { .. })
        ));
        let status = parsed("pop3fs status --json /mnt");
        assert!(matches!(status, Ok(Request::Status { json: true, .. })));
    }

    #[test]
    fn mail_is_waited_for_as_long_as_it_takes_or_as_it_is_said() {
        let wait = |line| match parsed(line).unwrap() {
            Request::Wait { new, patience, .. } => (new, patience),
            other => panic!("{other:?}"),
        };
        assert_eq!(wait("pop3fs wait /mnt"), (1, None));
        let minute = Some(Duration::from_secs(60));
        assert_eq!(wait("pop3fs wait --new 3 --timeout 60 /mnt"), (3, minute));
        assert!(usage("pop3fs wait --new 0 /mnt").contains("--new"));
    }

    #[test]
    fn undelete_takes_names_or_all() {
        let which = |line| match parsed(line).unwrap() {
            Request::Undelete { which, .. } => which,
            other => panic!("{other:?}"),
        };
        let named = Marked::Named(vec!["a".into(), "b".into()]);
        assert_eq!(which("pop3fs undelete /mnt a b"), named);
        assert_eq!(which("pop3fs undelete /mnt --all"), Marked::All);
        assert!(usage("pop3fs undelete /mnt").contains("NAME"));
        assert!(usage("pop3fs undelete /mnt a --all").contains("--all"));
    }

    #[test]
    fn a_mount_point_may_have_the_name_of_a_verb() {
        assert!(
            mount("pop3fs pop3s://h umount")
                .mountpoint
                .ends_with("umount")
        );
    }
}
