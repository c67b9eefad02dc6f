//! `~/.netrc`, which other programs have a hand in.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::OnceLock;

use pop3fs::password::{self, Environment, PasswordError, PasswordSource, Places};
use tempfile::TempDir;

use super::printable::PASSWORD;

/// Whose login is looked for.
const HOST: &str = "pop.example.org";

/// What stands before the octets and is found first, and what is passed over.
const ENTRY: &str = "machine pop.example.org login ann password sesame-0pen\nmachine elsewhere\n";
const COMMENT: &str = "# machine pop.example.org login eve password wrong\n";

/// A login and a password for it, or what is wrong with that.
type Found = (Option<String>, Result<Option<String>, String>);

/// The octets are a netrc. Whatever they are:
///
/// - a login or password that is found can be sent: it is not empty and has no control characters;
/// - a host is the same in capitals;
/// - a comment before them changes nothing, and an entry before them comes first;
/// - no error has anything of the file in it.
pub fn run(data: &[u8]) {
    let found = find(data, HOST);
    assert_eq!(find(data, &HOST.to_uppercase()), found);
    assert_eq!(find(&[COMMENT.as_bytes(), data].concat(), HOST), found);
    let (login, password) = find(&[ENTRY.as_bytes(), data].concat(), HOST);
    assert_eq!(login.as_deref(), Some("ann"));
    assert_eq!(password, Ok(Some(PASSWORD.to_owned())));
}

fn find(netrc: &[u8], host: &str) -> Found {
    write(netrc);
    let login = password::netrc_login(host).expect("a netrc to read");
    let name = login.clone().unwrap_or_else(|| "ann".to_owned());
    let environment = Environment::default();
    let source = PasswordSource::new(host.to_owned(), name, Places::default(), environment);
    let password = source.without_asking();
    let password = password.map(|found| found.map(|secret| secret.expose().to_owned()));
    let sent = [&login, password.as_ref().unwrap_or(&None)];
    for word in sent.into_iter().flatten() {
        assert!(!word.is_empty() && !word.contains(char::is_control));
    }
    (login, password.map_err(words))
}

fn words(error: PasswordError) -> String {
    assert!(matches!(error, PasswordError::Unusable { .. }), "{error}");
    let words = error.to_string();
    assert!(!words.contains(PASSWORD) && !words.contains(char::is_control));
    words
}

fn write(netrc: &[u8]) {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options
        .open(home().join(".netrc"))
        .expect("a file to write");
    file.write_all(netrc).expect("a file to write");
}

/// A home of our own, so that nobody's netrc is touched.
fn home() -> &'static Path {
    static HOME: OnceLock<TempDir> = OnceLock::new();
    let home = HOME.get_or_init(|| {
        let home = tempfile::tempdir().expect("a temporary directory");
        // SAFETY: the environment is read by the standard library alone, which takes turns with this.
        unsafe { std::env::set_var("HOME", home.path()) };
        home
    });
    home.path()
}
