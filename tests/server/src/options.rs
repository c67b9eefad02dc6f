//! What was typed.

use pop3fs_server::{Builder, Identity, Server};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

pub const USAGE: &str = "\
usage: pop3fs-server SOURCE [OPTIONS]

A POP3 server for tests and demonstrations. SOURCE is one of
  --maildir DIR          a Maildir; QUIT deletes files
  --mbox FILE            an mbox; QUIT rewrites it
  --messages DIR         a Maildir; or each file in DIR and below is a message, never changed
  --samples              built-in messages

  --listen ADDRESS:PORT  127.0.0.1:0 unless given; port 0 is any
  --login NAME           ann unless given
  --password-file FILE   the password is its first line; \"secret\" unless given
  --tls-dir DIR          speak TLS, with a certificate and its authority, ca.pem, made in DIR
  --quiet                do not tell what each session deleted
  --help                 this
";

/// What was typed.
pub struct Options {
    source: Source,
    listen: SocketAddr,
    login: String,
    password_file: Option<PathBuf>,
    tls_dir: Option<PathBuf>,
    /// Whether to tell what each session deleted.
    pub quiet: bool,
}

enum Source {
    Maildir(PathBuf),
    Mbox(PathBuf),
    Files(PathBuf),
    Samples,
}

impl Options {
    /// Understands the arguments, or says what is wrong with them.
    pub fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut source = None;
        let mut options = Self {
            source: Source::Samples,
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            login: "ann".into(),
            password_file: None,
            tls_dir: None,
            quiet: false,
        };
        while let Some(option) = arguments.next() {
            let name = option.to_string_lossy().into_owned();
            let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
            let chosen = match name.as_str() {
                "--maildir" => Some(Source::Maildir(value()?.into())),
                "--mbox" => Some(Source::Mbox(value()?.into())),
                "--messages" => Some(Source::Files(value()?.into())),
                "--samples" => Some(Source::Samples),
                _ => {
                    options.set(&name, value)?;
                    None
                }
            };
            if chosen.is_some() && source.is_some() {
                return Err("there is more than one source".into());
            }
            source = source.or(chosen);
        }
        options.source = source.ok_or("there is no source")?;
        Ok(options)
    }

    fn set(
        &mut self,
        name: &str,
        value: impl FnOnce() -> Result<OsString, String>,
    ) -> Result<(), String> {
        let text = |value: OsString| {
            value
                .into_string()
                .map_err(|_| format!("{name} is not UTF-8"))
        };
        match name {
            "--listen" => {
                let address = text(value()?)?.parse();
                self.listen =
                    address.map_err(|_| "--listen needs an address and a port, 127.0.0.1:1110")?;
            }
            "--login" => self.login = text(value()?)?,
            "--password-file" => self.password_file = Some(value()?.into()),
            "--tls-dir" => self.tls_dir = Some(value()?.into()),
            "--quiet" => self.quiet = true,
            _ => return Err(format!("{name} is no option")),
        }
        Ok(())
    }

    /// The server that is meant.
    pub fn builder(&self) -> io::Result<Builder> {
        let builder = match &self.source {
            Source::Maildir(path) => Server::with_maildir(path),
            Source::Mbox(path) => Server::with_mbox(path),
            Source::Files(path) if path.join("cur").is_dir() => Server::with_maildir(path),
            Source::Files(path) => Server::with_files(path),
            Source::Samples => Server::with_messages(pop3fs_server::samples()),
        };
        let builder = builder
            .bind(self.listen)
            .login(&self.login, self.password()?);
        match &self.tls_dir {
            None => Ok(builder),
            Some(directory) => {
                fs::create_dir_all(directory)?;
                Ok(builder.tls(Identity::temporary(directory)?))
            }
        }
    }

    fn password(&self) -> io::Result<String> {
        match &self.password_file {
            None => Ok("secret".into()),
            Some(path) => Ok(fs::read_to_string(path)?
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned()),
        }
    }
}
