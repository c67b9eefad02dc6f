//! The order in which the origins of a password are tried.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::netrc::{self, Netrc};
use super::{Environment, Origin, PasswordError, Places, Wanted, command, keyring, line, prompt};
use crate::pop3::Secret;
use crate::private_file::PrivateFile;

/// The password of one login, to be asked for as often as it is needed.
#[derive(Debug)]
pub struct PasswordSource {
    host: String,
    login: String,
    places: Places,
    environment: Environment,
    netrc: Option<PathBuf>,
    typed: OnceLock<Secret>,
}

impl PasswordSource {
    /// The password of `login` at `host`; `environment` is what was taken from there.
    pub fn new(host: String, login: String, places: Places, environment: Environment) -> Self {
        // What is not looked at is wiped.
        let environment = (!places.decide()).then_some(environment);
        Self {
            host,
            login,
            places,
            environment: environment.unwrap_or_default(),
            netrc: netrc::usual_path(),
            typed: OnceLock::new(),
        }
    }

    /// Finds the password. May run a program or ask the keyring for as long as a minute, and the
    /// first time may wait for somebody to type.
    ///
    /// # Errors
    ///
    /// [`PasswordError`], which never has any part of a password in it.
    pub fn password(&self) -> Result<Secret, PasswordError> {
        match self.without_asking()? {
            Some(password) => Ok(password),
            None => self.typed(),
        }
    }

    /// The password, where it can be found without a person.
    ///
    /// # Errors
    ///
    /// [`PasswordError`], which never has any part of a password in it.
    pub fn without_asking(&self) -> Result<Option<Secret>, PasswordError> {
        if let Some(command) = &self.places.command {
            return command::run(command, Wanted::Password).map(Some);
        }
        if let Some(path) = &self.places.file {
            return from_file(path).map(Some);
        }
        if self.places.keyring {
            return keyring::password(&self.host, &self.login).map(Some);
        }
        if let Some(path) = &self.environment.credential {
            return from_credential(path).map(Some);
        }
        if let Some(value) = &self.environment.variable {
            return line::first(value.octets(), &Origin::Variable).map(Some);
        }
        match &self.netrc {
            Some(path) => netrc_password(path, &self.host, &self.login),
            None => Ok(None),
        }
    }

    fn typed(&self) -> Result<Secret, PasswordError> {
        if let Some(password) = self.typed.get() {
            return Ok(password.clone());
        }
        let password = prompt::ask(&self.login, &self.host)?;
        Ok(self.typed.get_or_init(|| password).clone())
    }
}

/// A token, as a command gives it. May take a minute.
///
/// # Errors
///
/// [`PasswordError::Command`], [`PasswordError::Unusable`].
pub fn token(command: &str) -> Result<Secret, PasswordError> {
    command::run(command, Wanted::Token)
}

/// The login that `~/.netrc` has for a host, if any.
///
/// # Errors
///
/// [`PasswordError::File`] if the file is there and cannot be read.
pub fn netrc_login(host: &str) -> Result<Option<String>, PasswordError> {
    let Some(path) = netrc::usual_path() else {
        return Ok(None);
    };
    let netrc = Netrc::read(&path)?;
    Ok(netrc.and_then(|netrc| netrc.login(host)))
}

fn netrc_password(path: &Path, host: &str, login: &str) -> Result<Option<Secret>, PasswordError> {
    match Netrc::read(path)? {
        Some(netrc) => netrc.password(host, login),
        None => Ok(None),
    }
}

/// The first line of a file that nobody else may use.
pub(super) fn from_file(path: &Path) -> Result<Secret, PasswordError> {
    let unfit = PasswordError::of_file(path);
    let file = PrivateFile::read(path, line::LONGEST).map_err(&unfit)?;
    let octets = file.private_octets().map_err(unfit)?;
    line::first(octets, &Origin::File(path.to_owned()))
}

/// The service manager sees to it that nobody else can read it; the permission bits show an access
/// list, where it uses one, as if the group could.
fn from_credential(path: &Path) -> Result<Secret, PasswordError> {
    let file = PrivateFile::read(path, line::LONGEST).map_err(PasswordError::of_file(path))?;
    line::first(file.octets(), &Origin::File(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::Fault;
    use crate::password::variable::Value;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use tempfile::TempDir;

    struct Given {
        directory: TempDir,
        source: PasswordSource,
    }

    /// A source with nothing in it, and a directory for its files.
    fn given() -> Given {
        let source = PasswordSource {
            netrc: None,
            ..PasswordSource::new(
                "pop.example.org".into(),
                "ann".into(),
                Places::default(),
                Environment::default(),
            )
        };
        Given {
            directory: tempfile::tempdir().unwrap(),
            source,
        }
    }

    impl Given {
        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.directory.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            path
        }

        fn found(&self) -> Option<String> {
            let found = self.source.without_asking();
            found.unwrap().map(|secret| secret.expose().to_owned())
        }

        fn failure(&self) -> String {
            self.source.without_asking().unwrap_err().to_string()
        }
    }

    #[test]
    fn the_first_origin_that_there_is_decides() {
        let mut given = given();
        assert_eq!(given.found(), None);
        let entry = "machine pop.example.org login ann password from-netrc";
        given.source.netrc = Some(given.write("netrc", entry));
        assert_eq!(given.found().unwrap(), "from-netrc");
        given.source.environment.variable = Some(Value::new(b"from-variable"));
        assert_eq!(given.found().unwrap(), "from-variable");
        given.source.environment.credential = Some(given.write("credential", "from-credential\n"));
        assert_eq!(given.found().unwrap(), "from-credential");
        given.source.places.keyring = true;
        assert!(given.failure().starts_with("the keyring "));
        given.source.places.file = Some(given.write("file", "from-file\n"));
        assert_eq!(given.found().unwrap(), "from-file");
        given.source.places.command = Some("echo from-command".into());
        assert_eq!(given.found().unwrap(), "from-command");
    }

    #[test]
    fn an_origin_that_fails_is_not_passed_over() {
        let mut given = given();
        given.source.places.file = Some("/does/not/exist".into());
        given.source.environment.variable = Some(Value::new(b"sesame"));
        let error = given.source.without_asking().unwrap_err();
        assert!(matches!(error, PasswordError::File { .. }));
    }

    #[test]
    fn the_password_is_the_first_line_of_a_file() {
        let given = given();
        let path = given.write("file", "open sesame\r\nand more");
        assert_eq!(from_file(&path).unwrap().expose(), "open sesame");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let given = given();
        let path = given.write("file", "sesame");
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let text = from_file(&path).unwrap_err().to_string();
        assert!(text.contains(path.to_str().unwrap()) && text.contains("chmod 600"));
        assert!(!text.contains("sesame"));
        assert_eq!(from_credential(&path).unwrap().expose(), "sesame");
    }

    #[test]
    fn an_empty_file_is_a_fault_of_its_own() {
        let given = given();
        let error = from_file(&given.write("file", "\n")).unwrap_err();
        let fault = Fault::Empty;
        assert!(matches!(error, PasswordError::Unusable { fault: f, .. } if f == fault));
    }

    #[test]
    fn a_password_that_was_typed_is_remembered() {
        let mut given = given();
        let typed = Secret::new("typed".to_owned());
        given.source.typed.set(typed).unwrap();
        assert_eq!(given.source.typed().unwrap().expose(), "typed");
        given.source.environment.variable = Some(Value::new(b"open"));
        let shown = format!("{:?}", given.source);
        assert!(!shown.contains("\"typed\"") && !shown.contains("111, 112, 101"));
    }
}
