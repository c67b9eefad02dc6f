//! `~/.netrc`: logins and passwords by host.
//!
//! ```text
//! netrc = *( "machine" name / "default" / "login" name / "password" string / "account" string
//!          / "macdef" name LF *( line LF ) LF / "#" comment LF )
//! ```
//!
//! What is not known is skipped, as other programs have words of their own there.

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::netrc_token::{Tokens, plain};
use super::{Origin, PasswordError, line};
use crate::pop3::Secret;
use crate::private_file::{PrivateFile, Unfit};

/// The most that is read, in octets: thousands of entries.
const LONGEST: usize = 1 << 20;

/// Where it is, if there is a home.
pub(super) fn usual_path() -> Option<PathBuf> {
    let home = env::home_dir().filter(|home| home.is_absolute())?;
    Some(home.join(".netrc"))
}

/// The file, as it was read.
pub(super) struct Netrc {
    path: PathBuf,
    file: PrivateFile,
    text: Zeroizing<String>,
}

/// Tokens of the file; they may be quoted.
#[derive(Default)]
struct Entry<'t> {
    /// Nothing for `default`.
    host: Option<&'t str>,
    login: Option<&'t str>,
    password: Option<&'t str>,
}

impl Netrc {
    /// Reads the file, if it is there.
    ///
    /// # Errors
    ///
    /// [`PasswordError::File`]
    pub(super) fn read(path: &Path) -> Result<Option<Self>, PasswordError> {
        match PrivateFile::read(path, LONGEST) {
            Ok(file) => Ok(Some(Self {
                path: path.to_owned(),
                text: readable(file.octets()),
                file,
            })),
            Err(Unfit::Unreadable(source)) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(fault) => Err(PasswordError::of_file(path)(fault)),
        }
    }

    /// The first login for a host, if it can be one: a control character, which a quoted token can
    /// have, could end the command it is sent in.
    pub(super) fn login(&self, host: &str) -> Option<String> {
        let mut entries = entries(&self.text).into_iter();
        let login = entries.find_map(|entry| entry.login.filter(|_| entry.is_for_host(host)))?;
        let login = plain(login).to_string();
        (!login.is_empty() && !login.contains(char::is_control)).then_some(login)
    }

    /// The first password for a login at a host; an entry without a login is for all of them.
    ///
    /// # Errors
    ///
    /// The password is there, and the file is open to others, or the password is none.
    pub(super) fn password(
        &self,
        host: &str,
        login: &str,
    ) -> Result<Option<Secret>, PasswordError> {
        let mut entries = entries(&self.text).into_iter();
        let found = entries.find_map(|e| e.password.filter(|_| e.is_for(host, login)));
        let Some(password) = found else {
            return Ok(None);
        };
        let private = self.file.private_octets();
        private.map_err(PasswordError::of_file(&self.path))?;
        let origin = Origin::File(self.path.clone());
        line::first(plain(password).as_bytes(), &origin).map(Some)
    }
}

/// What is no text is replaced. There is room for all of it from the start, so that no part of a password
/// is left behind unwiped.
fn readable(octets: &[u8]) -> Zeroizing<String> {
    const IN_ITS_PLACE: char = char::REPLACEMENT_CHARACTER;
    let room = octets.len() * IN_ITS_PLACE.len_utf8();
    let mut text = Zeroizing::new(String::with_capacity(room));
    for chunk in octets.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend((!chunk.invalid().is_empty()).then_some(IN_ITS_PLACE));
    }
    text
}

impl Entry<'_> {
    fn is_for_host(&self, host: &str) -> bool {
        self.host
            .is_none_or(|name| plain(name).eq_ignore_ascii_case(host))
    }

    fn is_for(&self, host: &str, login: &str) -> bool {
        self.is_for_host(host) && self.login.is_none_or(|name| *plain(name) == login)
    }
}

fn entries(text: &str) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry> = vec![];
    let mut tokens = Tokens::new(text);
    while let Some(keyword) = tokens.keyword() {
        match (keyword, entries.last_mut()) {
            ("machine", _) => entries.push(Entry {
                host: Some(tokens.next().unwrap_or_default()),
                ..Entry::default()
            }),
            ("default", _) => entries.push(Entry::default()),
            ("login", Some(entry)) => entry.login = tokens.next(),
            ("password", Some(entry)) => entry.password = tokens.next(),
            // Its value must not be taken for a keyword.
            ("account", _) => drop(tokens.next()),
            ("macdef", _) => tokens.skip_macro(),
            _ => {}
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    fn netrc(text: &str, mode: u32) -> Netrc {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("netrc");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        Netrc::read(&path).unwrap().unwrap()
    }

    fn password(text: &str, host: &str, login: &str) -> Option<String> {
        let found = netrc(text, 0o600).password(host, login).unwrap();
        found.map(|secret| secret.expose().to_owned())
    }

    const SEVERAL: &str = "# machine a login ann password wrong\n\
        machine a login ann password one # a comment\n\
        machine A\n\tlogin bob\n\taccount x\n\tpassword #two\n\
        macdef init\nmachine b login ann password wrong\n\n\
        machine b password \"thr\\\"ee \\\\ \"\n\
        default login zoe password four\n";

    #[test]
    fn an_entry_is_found_by_host_and_login() {
        assert_eq!(password(SEVERAL, "a", "ann").unwrap(), "one");
        assert_eq!(password(SEVERAL, "A", "bob").unwrap(), "#two");
        assert_eq!(password(SEVERAL, "a", "eve"), None);
    }

    #[test]
    fn an_entry_without_a_login_is_for_all() {
        assert_eq!(password(SEVERAL, "b", "eve").unwrap(), "thr\"ee \\ ");
    }

    #[test]
    fn default_is_for_all_hosts() {
        assert_eq!(password(SEVERAL, "elsewhere", "zoe").unwrap(), "four");
    }

    #[test]
    fn the_login_is_that_of_the_first_entry_for_the_host() {
        let netrc = netrc(SEVERAL, 0o600);
        assert_eq!(netrc.login("a").unwrap(), "ann");
        assert_eq!(netrc.login("elsewhere").unwrap(), "zoe");
    }

    #[test]
    fn a_login_cannot_break_a_command() {
        for login in [r#""ann\r\nDELE 1""#, r#""""#] {
            let text = format!("machine a login {login} password x");
            assert_eq!(netrc(&text, 0o600).login("a"), None);
        }
    }

    #[test]
    fn a_file_that_others_can_read_may_hold_logins_but_no_password() {
        let netrc = netrc(SEVERAL, 0o644);
        assert_eq!(netrc.login("a").unwrap(), "ann");
        let error = netrc.password("a", "ann").unwrap_err();
        let exposed = Unfit::Exposed;
        assert!(error.to_string().ends_with(&exposed.to_string()));
        assert!(netrc.password("a", "eve").unwrap().is_none());
    }

    #[test]
    fn octets_that_are_no_text_are_replaced_in_room_that_is_there() {
        let octets = b"# \xe9\xe9\xff\nmachine a login ann password one";
        let text = readable(octets);
        assert_eq!(*text, String::from_utf8_lossy(octets));
        assert_eq!(readable(&[0xff; 100]).capacity(), 300);
    }

    #[test]
    fn a_file_that_is_not_there_has_nothing_in_it() {
        assert!(Netrc::read(Path::new("/does/not/exist")).unwrap().is_none());
    }

    #[test]
    fn a_file_that_breaks_off_keeps_what_it_has() {
        for text in [
            "machine",
            "machine a login",
            "login ann",
            "macdef",
            "machine a password \"",
        ] {
            assert_eq!(netrc(text, 0o600).login("a"), None, "{text}");
        }
    }
}
