//! How a server is to be.

use crate::apop::Challenge;
use crate::identity::Identity;
use crate::server::Server;
use crate::store::Store;
use native_tls::TlsAcceptor;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// How a server is to be; made by [`Server::with_messages`] and its like.
pub struct Builder {
    store: io::Result<Box<dyn Store>>,
    address: SocketAddr,
    identity: Option<Identity>,
    config: Config,
}

/// What the connections need to know of it.
pub(crate) struct Config {
    pub user: String,
    password: String,
    greeting: String,
    apop: Option<Challenge>,
    pub takes_token: bool,
    pub idle: Option<Duration>,
    pub capabilities: Vec<String>,
    withheld: Vec<String>,
    pub locks_maildrop: bool,
    pub coalesces: bool,
    pub acceptor: Option<TlsAcceptor>,
    tls: Tls,
    pretends_tls: bool,
    on_commit: Option<Report>,
}

type Report = Box<dyn Fn(&Commit) + Send + Sync>;

#[derive(Clone, Copy, PartialEq)]
enum Tls {
    Implicit,
    Stls,
}

/// A session that has ended with QUIT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Who was logged in.
    pub user: String,
    /// How many messages QUIT deleted.
    pub deleted: usize,
    /// How many the maildrop holds now.
    pub left: usize,
}

impl Builder {
    pub(crate) fn new(store: io::Result<Box<dyn Store>>) -> Self {
        Self {
            store,
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            identity: None,
            config: Config {
                user: "ann".into(),
                password: "secret".into(),
                greeting: "pop3fs-server ready".into(),
                apop: None,
                takes_token: false,
                idle: None,
                capabilities: Vec::new(),
                withheld: Vec::new(),
                locks_maildrop: true,
                coalesces: false,
                acceptor: None,
                tls: Tls::Stls,
                pretends_tls: false,
                on_commit: None,
            },
        }
    }

    /// Who may log in, in place of `ann` with `secret`.
    pub fn login(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.config.user = user.into();
        self.config.password = password.into();
        self
    }

    /// Where to listen, in place of any port of 127.0.0.1.
    pub fn bind(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// TLS from the first octet on.
    pub fn tls(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self.config.tls = Tls::Implicit;
        self
    }

    /// TLS when the client asks for it with STLS.
    pub fn stls(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self.config.tls = Tls::Stls;
        self
    }

    /// Announces STLS without an identity. Whoever talks to it aside makes the handshake up; over a socket there is none.
    pub fn pretended_stls(mut self) -> Self {
        self.config.pretends_tls = true;
        self
    }

    /// Neither announces nor knows a capability, `PIPELINING`, `TOP`, `UIDL`, `SASL`, `USER`; `CAPA` for CAPA itself.
    ///
    /// Commands sent in a bunch are still answered one by one.
    pub fn without(mut self, capability: &str) -> Self {
        self.config.withheld.push(capability.to_ascii_uppercase());
        self
    }

    /// Announces one more line, such as `UTF8`, `EXPIRE 0` or `LOGIN-DELAY 10`.
    pub fn capability(mut self, line: impl Into<String>) -> Self {
        self.config.capabilities.push(line.into());
        self
    }

    /// Whether one session excludes others, as it does unless told otherwise.
    pub fn lock_maildrop(mut self, lock: bool) -> Self {
        self.config.locks_maildrop = lock;
        self
    }

    /// Whether a small part of a reply waits until the one before is acknowledged (Nagle's algorithm, RFC 896),
    /// as with servers that leave their sockets as they are. It does not unless told so.
    pub fn coalescing(mut self, coalesce: bool) -> Self {
        self.config.coalesces = coalesce;
        self
    }

    /// What the greeting says behind `+OK`.
    pub fn greeting(mut self, text: impl Into<String>) -> Self {
        self.config.greeting = text.into();
        self
    }

    /// Knows APOP, with this timestamp in the greeting: `<1896.697170952@dbc.mtview.ca.us>`.
    pub fn apop(mut self, timestamp: impl Into<String>) -> Self {
        self.config.apop = Some(Challenge(timestamp.into()));
        self
    }

    /// Takes the password as a token, by XOAUTH2 in place of PLAIN, and not with the command, as Office 365 does.
    pub fn by_token(mut self) -> Self {
        self.config.takes_token = true;
        self
    }

    /// Ends sessions that are silent for so long, after an `-ERR` that nobody asked for, as Dovecot does.
    pub fn idle(mut self, time: Duration) -> Self {
        self.config.idle = Some(time);
        self
    }

    /// Called after each QUIT that was carried out, before it is answered.
    pub fn on_commit(mut self, report: impl Fn(&Commit) + Send + Sync + 'static) -> Self {
        self.config.on_commit = Some(Box::new(report));
        self
    }

    /// Starts to listen.
    ///
    /// # Errors
    ///
    /// The maildrop cannot be read, the address cannot be had, or the identity is not usable.
    pub fn start(mut self) -> io::Result<Server> {
        let acceptor = self
            .identity
            .map(|identity| identity.acceptor())
            .transpose()?;
        self.config.acceptor = acceptor;
        Server::start(self.store?, self.address, self.config)
    }

    /// Listens nowhere and has no thread; [`Server::converse`] is the way in.
    ///
    /// # Errors
    ///
    /// The maildrop cannot be read.
    pub fn aside(self) -> io::Result<Server> {
        Ok(Server::aside(self.store?, self.config))
    }
}

impl Config {
    pub(crate) fn admits(&self, user: &[u8], password: &[u8]) -> bool {
        user == self.user.as_bytes() && password == self.password.as_bytes()
    }

    pub(crate) fn admits_digest(&self, user: &str, digest: &str) -> bool {
        let challenge = self.apop.as_ref();
        let right = challenge.is_some_and(|challenge| challenge.digest(&self.password) == digest);
        user == self.user && right
    }

    /// What the greeting says behind `+OK`.
    pub(crate) fn greeting(&self) -> String {
        match &self.apop {
            Some(Challenge(timestamp)) => format!("{} {timestamp}", self.greeting),
            None => self.greeting.clone(),
        }
    }

    pub(crate) fn implicit_tls(&self) -> bool {
        self.acceptor.is_some() && self.tls == Tls::Implicit
    }

    pub(crate) fn offers_stls(&self) -> bool {
        (self.acceptor.is_some() || self.pretends_tls) && self.tls == Tls::Stls
    }

    /// Whether a capability, by the first word of its line, is left out.
    pub(crate) fn withholds(&self, line: &str) -> bool {
        let word = line.split(' ').next().unwrap_or_default();
        self.withheld
            .iter()
            .any(|own| own.eq_ignore_ascii_case(word))
    }

    pub(crate) fn announces(&self, word: &str) -> bool {
        self.capabilities
            .iter()
            .any(|line| line.split(' ').next() == Some(word))
    }

    pub(crate) fn report(&self, user: &str, deleted: usize, left: usize) {
        if let Some(on_commit) = &self.on_commit {
            on_commit(&Commit {
                user: user.to_owned(),
                deleted,
                left,
            });
        }
    }
}
