//! Who logs in, with what, and how.

use std::sync::Arc;

use crate::cli::{LoginMethod, MountRequest};
use crate::maildrop::{Credential, Credentials, Mechanism, Method, Outage, OutageKind, Proof};
use crate::password::{PasswordSource, netrc_login};

use super::failure::Failure;

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

/// What to log in with, found anew for each session.
pub(super) fn credentials(request: &MountRequest) -> Credentials {
    let login = request.source.login.clone().unwrap_or_default();
    let source = PasswordSource::new(
        request.source.host.clone(),
        login.clone(),
        request.password_command.clone(),
        request.password_file.clone(),
    );
    Arc::new(move || match source.password() {
        Ok(password) => Ok(Credential {
            login: login.clone(),
            proof: Proof::Password(password),
        }),
        Err(error) => Err(Outage::new(OutageKind::NoPassword, error.to_string())),
    })
}
