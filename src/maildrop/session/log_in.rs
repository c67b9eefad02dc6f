//! The login itself.

use crate::net;
use crate::pop3::sasl::{Account, Authentication, ChannelBinding, Hash, Mechanism};
use crate::pop3::{Capabilities, Command, CommandError, Connection, Secret};

use super::method::{Method, NoMethod, Offer, choose};
use super::{Channel, Credential, Exchange};

/// Who logs in, over what, and how.
#[derive(Clone, Debug)]
pub(in super::super) struct LogIn {
    pub credential: Credential,
    pub channel: Channel,
    /// The only way that is to be tried, if there is one.
    pub method: Option<Method>,
    /// The way that is taken.
    pub chosen: Option<Method>,
    /// The language of the server's words, where it has more than one.
    pub language: Option<String>,
}

impl LogIn {
    /// How it is done, for people.
    pub(super) fn words(&self) -> Option<String> {
        let method = self.chosen?;
        Some(match self.channel.tls {
            Some(version) => format!("{method} in {version}"),
            None => format!("{method} in clear"),
        })
    }

    /// Sends the first command.
    pub(super) fn begin(
        &mut self,
        encrypted: bool,
        capabilities: &Capabilities,
        connection: &mut Connection<Exchange>,
    ) -> Result<Result<(), NoMethod>, CommandError> {
        let offer = Offer {
            capabilities,
            encrypted,
            binds: self.channel.binding.is_some(),
        };
        let method = match choose(self.method, &self.credential.proof, &offer) {
            Ok(Method::Apop) if !connection.offers_apop() => Err(NoMethod::NoTimestamp),
            method => method,
        };
        let Ok(method) = method else {
            return Ok(method.map(drop));
        };
        self.chosen = Some(method);
        self.send(method, capabilities, connection).map(Ok)
    }

    /// USER was taken.
    pub(super) fn pass(&self, connection: &mut Connection<Exchange>) -> Result<(), CommandError> {
        match self.credential.proof.secret() {
            Some(password) => connection.send(&Command::Pass(password), Exchange::Pass),
            None => Ok(()),
        }
    }

    fn send(
        &self,
        method: Method,
        capabilities: &Capabilities,
        connection: &mut Connection<Exchange>,
    ) -> Result<(), CommandError> {
        let (login, nothing) = (&self.credential.login, Secret::new(String::new()));
        let secret = self.credential.proof.secret().unwrap_or(&nothing);
        match method {
            Method::Sasl(mechanism) => {
                let account = Account { login, secret };
                let authentication = self.authentication(mechanism, account, capabilities);
                connection.send(&Command::Auth(authentication), Exchange::Auth(mechanism))
            }
            Method::Apop => {
                let password = secret;
                connection.send(&Command::Apop { login, password }, Exchange::Apop)
            }
            Method::UserPass => connection.send(&Command::User(login), Exchange::User),
        }
    }

    fn authentication<'a>(
        &'a self,
        mechanism: Mechanism,
        account: Account<'a>,
        capabilities: &Capabilities,
    ) -> Authentication<'a> {
        let Channel { host, port, .. } = &self.channel;
        let login = account.login;
        let scram = |hash, binding| Authentication::Scram {
            hash,
            account,
            nonce: &self.channel.nonce,
            binding,
        };
        match mechanism {
            Mechanism::ScramSha256Plus => scram(Hash::Sha256, self.bound()),
            Mechanism::ScramSha1Plus => scram(Hash::Sha1, self.bound()),
            Mechanism::ScramSha256 => scram(Hash::Sha256, self.unbound(capabilities)),
            Mechanism::ScramSha1 => scram(Hash::Sha1, self.unbound(capabilities)),
            Mechanism::CramMd5 => Authentication::CramMd5(account),
            Mechanism::Plain => Authentication::Plain(account),
            Mechanism::Login => Authentication::Login(account),
            Mechanism::OAuthBearer => Authentication::OAuthBearer {
                account,
                host,
                port: *port,
            },
            Mechanism::XOAuth2 => Authentication::XOAuth2(account),
            Mechanism::External => Authentication::External { login },
        }
    }

    fn bound(&self) -> ChannelBinding<'_> {
        match &self.channel.binding {
            Some(net::ChannelBinding { name, octets }) => ChannelBinding::Bound { name, octets },
            None => ChannelBinding::Unused,
        }
    }

    /// Says so where the server seems to have no channel binding: if it has, somebody has taken
    /// that out of what it announced (RFC 5802 section 6).
    fn unbound(&self, capabilities: &Capabilities) -> ChannelBinding<'_> {
        let announced = [Mechanism::ScramSha256Plus, Mechanism::ScramSha1Plus]
            .iter()
            .any(|mechanism| capabilities.sasl(mechanism.name()));
        match self.channel.binding {
            Some(_) if !announced => ChannelBinding::NotAnnounced,
            _ => ChannelBinding::Unused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Proof;
    use super::*;

    fn over(binding: Option<net::ChannelBinding>) -> LogIn {
        LogIn {
            credential: Credential {
                login: "ann".to_owned(),
                proof: Proof::Certificate,
            },
            channel: Channel {
                host: "pop.example.org".to_owned(),
                port: 995,
                nonce: String::new(),
                tls: None,
                binding,
            },
            method: None,
            chosen: None,
            language: None,
        }
    }

    #[test]
    fn a_server_learns_that_its_bound_logins_were_not_announced() {
        let tls = over(Some(net::ChannelBinding {
            name: "tls-exporter",
            octets: Vec::new(),
        }));
        let in_clear = over(None);
        let unbound = ["SASL SCRAM-SHA-256"].as_slice();
        let bound = ["SASL SCRAM-SHA-256 SCRAM-SHA-256-PLUS"].as_slice();
        for (log_in, lines, said) in [
            (&tls, unbound, ChannelBinding::NotAnnounced),
            (&tls, bound, ChannelBinding::Unused),
            (&in_clear, unbound, ChannelBinding::Unused),
        ] {
            assert_eq!(log_in.unbound(&Capabilities::announced(lines)), said);
        }
    }
}
