//! Which way to log in: the strongest that both sides have, or the one that is asked for.

use std::fmt;

use crate::pop3::Capabilities;
use crate::pop3::sasl::Mechanism;

use super::Proof;

/// A way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// AUTH with a SASL mechanism (RFC 5034).
    Sasl(Mechanism),
    /// APOP (RFC 1939 section 7); only where it is asked for.
    Apop,
    /// USER and PASS (RFC 1939 section 7).
    UserPass,
}

/// What the server has said, and the link offers.
pub(super) struct Offer<'a> {
    pub capabilities: &'a Capabilities,
    /// Whether nobody else can hear what is said.
    pub encrypted: bool,
    /// Whether a proof can be bound to the channel.
    pub binds: bool,
}

/// Why nobody can log in. No secret has been sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum NoMethod {
    /// The method asked for is not announced; what is.
    NotAnnounced(Mechanism, Vec<String>),
    /// The server announces nothing that takes such a proof; what it does.
    NothingFor(&'static str, Vec<String>),
    /// A proof cannot be bound to this channel.
    Unbound(Mechanism),
    /// The greeting offers no APOP.
    NoTimestamp,
}

const SCRAM_PLUS: [Mechanism; 2] = [Mechanism::ScramSha256Plus, Mechanism::ScramSha1Plus];

const SCRAM: [Mechanism; 2] = [Mechanism::ScramSha256, Mechanism::ScramSha1];

/// In TLS, PLAIN comes before CRAM-MD5, which many servers announce and only some of their
/// accounts can use, and which keeps the password from nobody but the server.
const IN_TLS: [Mechanism; 3] = [Mechanism::Plain, Mechanism::CramMd5, Mechanism::Login];
const IN_CLEAR: [Mechanism; 3] = [Mechanism::CramMd5, Mechanism::Plain, Mechanism::Login];

const TOKEN: [Mechanism; 2] = [Mechanism::OAuthBearer, Mechanism::XOAuth2];

/// The way to log in with such a proof: the one asked for, or the strongest.
pub(super) fn choose(
    asked_for: Option<Method>,
    proof: &Proof,
    offer: &Offer<'_>,
) -> Result<Method, NoMethod> {
    match asked_for {
        Some(Method::Sasl(mechanism)) => offer.take(mechanism).map(Method::Sasl),
        Some(method) => Ok(method),
        None => offer.strongest(proof),
    }
}

impl Offer<'_> {
    /// A mechanism asked for by name. A server that announces none may still have it.
    fn take(&self, mechanism: Mechanism) -> Result<Mechanism, NoMethod> {
        let announced = self.announced();
        if SCRAM_PLUS.contains(&mechanism) && !self.binds {
            return Err(NoMethod::Unbound(mechanism));
        }
        if !announced.is_empty() && !self.capabilities.sasl(mechanism.name()) {
            return Err(NoMethod::NotAnnounced(mechanism, announced));
        }
        Ok(mechanism)
    }

    fn strongest(&self, proof: &Proof) -> Result<Method, NoMethod> {
        let order = match proof {
            Proof::Password(_) if self.encrypted => [&SCRAM_PLUS[..], &SCRAM, &IN_TLS].concat(),
            Proof::Password(_) => [&SCRAM[..], &IN_CLEAR].concat(),
            Proof::Token(_) => TOKEN.to_vec(),
            Proof::Certificate => vec![Mechanism::External],
        };
        let known = |mechanism: &Mechanism| self.capabilities.sasl(mechanism.name());
        let possible = |mechanism: &Mechanism| self.binds || !SCRAM_PLUS.contains(mechanism);
        let strongest = order.into_iter().find(|it| known(it) && possible(it));
        match strongest.map(Method::Sasl) {
            Some(method) => Ok(method),
            None => self.without_sasl(proof),
        }
    }

    /// USER and PASS go everywhere but where other ways are announced and they are not.
    fn without_sasl(&self, proof: &Proof) -> Result<Method, NoMethod> {
        let announced = self.announced();
        let taken = self.capabilities.user() || announced.is_empty();
        match proof {
            Proof::Password(_) if taken => Ok(Method::UserPass),
            Proof::Password(_) => Err(NoMethod::NothingFor("a password", announced)),
            Proof::Token(_) => Err(NoMethod::NothingFor("a token", announced)),
            Proof::Certificate => Err(NoMethod::NothingFor("a certificate", announced)),
        }
    }

    fn announced(&self) -> Vec<String> {
        let names = self.capabilities.mechanisms();
        names.map(str::to_owned).collect()
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sasl(mechanism) => mechanism.fmt(f),
            Self::Apop => f.write_str("APOP"),
            Self::UserPass => f.write_str("USER and PASS"),
        }
    }
}

impl fmt::Display for NoMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnnounced(mechanism, announced) => write!(
                f,
                "the server does not announce {mechanism}, only {}",
                listed(announced)
            ),
            Self::NothingFor(proof, announced) => write!(
                f,
                "the server announces no way to log in with {proof}, only {}; see --auth",
                listed(announced)
            ),
            Self::Unbound(mechanism) => write!(
                f,
                "{mechanism} binds the login to TLS, and there is none here, or one that it cannot be \
                 bound to"
            ),
            Self::NoTimestamp => f.write_str(
                "the server's greeting has no timestamp of the form <a@b>, so APOP cannot be used",
            ),
        }
    }
}

/// The names of mechanisms; they are printable as they come.
fn listed(names: &[String]) -> String {
    match names {
        [] => "USER and PASS".to_owned(),
        names => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pop3::Secret;

    fn password() -> Proof {
        Proof::Password(Secret::new("x".to_owned()))
    }

    fn token() -> Proof {
        Proof::Token(Secret::new("x".to_owned()))
    }

    fn chosen(lines: &[&str], proof: &Proof, encrypted: bool) -> Result<Method, NoMethod> {
        let offer = Offer {
            capabilities: &Capabilities::announced(lines),
            encrypted,
            binds: encrypted,
        };
        choose(None, proof, &offer)
    }

    fn asked_for(method: Method, lines: &[&str], binds: bool) -> Result<Method, NoMethod> {
        let offer = Offer {
            capabilities: &Capabilities::announced(lines),
            encrypted: true,
            binds,
        };
        choose(Some(method), &password(), &offer)
    }

    /// Each is announced together with all that are weaker.
    #[test]
    fn the_strongest_that_is_announced_is_chosen() {
        let in_tls = [
            Mechanism::ScramSha256Plus,
            Mechanism::ScramSha1Plus,
            Mechanism::ScramSha256,
            Mechanism::ScramSha1,
            Mechanism::Plain,
            Mechanism::CramMd5,
            Mechanism::Login,
        ];
        for (index, mechanism) in in_tls.iter().enumerate() {
            let names: Vec<&str> = in_tls[index..].iter().rev().map(|it| it.name()).collect();
            let line = format!("SASL {}", names.join(" "));
            let found = chosen(&[&line, "USER"], &password(), true);
            assert_eq!(found, Ok(Method::Sasl(*mechanism)));
        }
    }

    #[test]
    fn in_clear_what_hides_the_password_comes_first() {
        let all = "SASL PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256-PLUS";
        let found = chosen(&[all], &password(), false);
        assert_eq!(found, Ok(Method::Sasl(Mechanism::ScramSha1)));
        let found = chosen(&["SASL PLAIN LOGIN CRAM-MD5"], &password(), false);
        assert_eq!(found, Ok(Method::Sasl(Mechanism::CramMd5)));
    }

    #[test]
    fn user_and_pass_are_for_servers_that_announce_them_or_nothing() {
        for lines in [&[][..], &["USER"], &["USER", "SASL GSSAPI"], &["SASL"]] {
            assert_eq!(chosen(lines, &password(), true), Ok(Method::UserPass));
        }
        let refused = chosen(&["SASL XOAUTH2 GSSAPI"], &password(), true).unwrap_err();
        assert!(refused.to_string().contains("only XOAUTH2, GSSAPI"));
    }

    #[test]
    fn a_token_goes_nowhere_but_where_tokens_are_taken() {
        let lines = &["SASL PLAIN XOAUTH2 OAUTHBEARER"];
        let found = chosen(lines, &token(), true);
        assert_eq!(found, Ok(Method::Sasl(Mechanism::OAuthBearer)));
        let found = chosen(&["SASL PLAIN XOAUTH2"], &token(), true);
        assert_eq!(found, Ok(Method::Sasl(Mechanism::XOAuth2)));
        for lines in [&[][..], &["USER"], &["SASL PLAIN", "USER"]] {
            assert!(chosen(lines, &token(), true).is_err());
        }
    }

    #[test]
    fn a_certificate_is_for_external() {
        let found = chosen(&["SASL PLAIN EXTERNAL"], &Proof::Certificate, true);
        assert_eq!(found, Ok(Method::Sasl(Mechanism::External)));
        assert!(chosen(&["SASL PLAIN"], &Proof::Certificate, true).is_err());
    }

    #[test]
    fn what_is_asked_for_is_taken_or_nothing() {
        let plain = Method::Sasl(Mechanism::Plain);
        assert_eq!(
            asked_for(plain, &["SASL SCRAM-SHA-1 PLAIN"], true),
            Ok(plain)
        );
        assert_eq!(asked_for(plain, &[], true), Ok(plain));
        let refused = asked_for(plain, &["SASL SCRAM-SHA-1", "USER"], true).unwrap_err();
        assert!(refused.to_string().contains("does not announce PLAIN"));
        let bound = Method::Sasl(Mechanism::ScramSha256Plus);
        let unbound = Err(NoMethod::Unbound(Mechanism::ScramSha256Plus));
        assert_eq!(
            asked_for(bound, &["SASL SCRAM-SHA-256-PLUS"], false),
            unbound
        );
        assert_eq!(
            asked_for(Method::Apop, &["SASL PLAIN"], true),
            Ok(Method::Apop)
        );
    }
}
