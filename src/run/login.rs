//! Who logs in, with what, and how.

use crate::cli::{LoginMethod, MountRequest};
use crate::keeper::Keeper;
use crate::maildrop::{Credentials, Mechanism, Method, Proof};
use crate::password::{Environment, PasswordError, PasswordSource, Places, netrc_login, token};

use super::failure::Failure;
use super::proof;

/// Who logs in: the command line says, or `~/.netrc`.
pub(super) fn with_login(request: &MountRequest) -> Result<MountRequest, Failure> {
    let mut request = request.clone();
    if request.source.login.is_none() {
        request.source.login = netrc_login(&request.source.host)?;
    }
    match request.source.login {
        Some(_) => Ok(request),
        None => Err(Failure::NoLogin(request.source.host)),
    }
}

/// The only way that is to be tried, if one was asked for.
pub(super) fn method(request: &MountRequest) -> Option<Method> {
    Some(match request.auth? {
        LoginMethod::ScramSha256Plus => Method::Sasl(Mechanism::ScramSha256Plus),
        LoginMethod::ScramSha1Plus => Method::Sasl(Mechanism::ScramSha1Plus),
        LoginMethod::ScramSha256 => Method::Sasl(Mechanism::ScramSha256),
        LoginMethod::ScramSha1 => Method::Sasl(Mechanism::ScramSha1),
        LoginMethod::CramMd5 => Method::Sasl(Mechanism::CramMd5),
        LoginMethod::Plain => Method::Sasl(Mechanism::Plain),
        LoginMethod::Login => Method::Sasl(Mechanism::Login),
        LoginMethod::OAuthBearer => Method::Sasl(Mechanism::OAuthBearer),
        LoginMethod::XOAuth2 => Method::Sasl(Mechanism::XOAuth2),
        LoginMethod::External => Method::Sasl(Mechanism::External),
        LoginMethod::Apop => Method::Apop,
        LoginMethod::User => Method::UserPass,
    })
}

/// Where the proof of a login comes from.
enum Source {
    /// A command that prints a token.
    TokenCommand(String),
    /// A token in the place of the password.
    TokenAsPassword(PasswordSource),
    Password(PasswordSource),
    Certificate,
    /// A password, if it is found without asking somebody.
    PasswordOrCertificate(PasswordSource),
}

/// What to log in with, found anew for each session, by the keeper.
pub(super) fn credentials(
    request: &MountRequest,
    environment: Environment,
    keeper: &mut Keeper,
) -> Credentials {
    let login = request.source.login.clone().unwrap_or_default();
    let source = source(request, environment);
    proof::entrust(keeper, login, move || source.proof())
}

fn source(request: &MountRequest, environment: Environment) -> Source {
    if let Some(command) = &request.token_command {
        return Source::TokenCommand(command.clone());
    }
    let source = PasswordSource::new(
        request.source.host.clone(),
        request.source.login.clone().unwrap_or_default(),
        Places {
            command: request.password_command.clone(),
            file: request.password_file.clone(),
            keyring: request.keyring,
        },
        environment,
    );
    match request.auth {
        Some(LoginMethod::OAuthBearer | LoginMethod::XOAuth2) => Source::TokenAsPassword(source),
        Some(LoginMethod::External) => Source::Certificate,
        None if request.tls.client.is_some() => Source::PasswordOrCertificate(source),
        _ => Source::Password(source),
    }
}

impl Source {
    fn proof(&self) -> Result<Proof, PasswordError> {
        match self {
            Self::TokenCommand(command) => token(command).map(Proof::Token),
            Self::TokenAsPassword(source) => source.password().map(Proof::Token),
            Self::Password(source) => source.password().map(Proof::Password),
            Self::Certificate => Ok(Proof::Certificate),
            Self::PasswordOrCertificate(source) => {
                let password = source.without_asking()?;
                Ok(password.map_or(Proof::Certificate, Proof::Password))
            }
        }
    }
}
