//! The way to the server.

use std::time::Duration;

use crate::cli::{self, MountRequest, ProxyRequest, RouteRequest};
use crate::keeper::Keeper;
use crate::net::{
    ClientCertificate, Connector, Endpoint, Fingerprint, Launcher, Proxy, Route, Security,
    TlsOptions, TlsVersion,
};
use crate::password::Environment;
use crate::programs::CommandLine;

use super::failure::Failure;
use super::proof;

/// DNS, which goes over TCP where an answer is too long for UDP.
const PORT_OF_NAMES: u16 = 53;

/// What makes connections to the server. A program for that is entrusted to the keeper, and the password
/// of a proxy.
pub(super) fn connector(
    request: &MountRequest,
    environment: &mut Environment,
    keeper: &mut Keeper,
) -> Result<Connector, Failure> {
    let source = &request.source;
    let endpoint = Endpoint {
        host: source.host.clone(),
        port: source.port,
        security: security(request),
    };
    let route = match &request.route {
        RouteRequest::Direct => Route::Direct,
        RouteRequest::Proxy(proxy) => Route::Proxy(through(proxy, environment, keeper)),
        RouteRequest::Program(command) => {
            let command = CommandLine::split(command).ok_or(Failure::ConnectCommand)?;
            Route::Program(Launcher::entrust(keeper, command, endpoint.clone()))
        }
    };
    let connector = Connector::new(endpoint, &tls(&request.tls)).map_err(Failure::Tls)?;
    Ok(connector.with_patience(patience(request.timeout)).by(route))
}

/// Half of what a program waits, so that one whose link proves dead gets its answer over another in
/// time; but a link may be slow for a while.
fn patience(timeout: Duration) -> Duration {
    (timeout / 2).clamp(Duration::from_secs(5), Duration::from_secs(30))
}

/// The ports that the process connects to by itself.
pub(super) fn ports(request: &MountRequest) -> Vec<u16> {
    match &request.route {
        RouteRequest::Direct => vec![request.source.port, PORT_OF_NAMES],
        RouteRequest::Proxy(proxy) => vec![proxy.port, PORT_OF_NAMES],
        RouteRequest::Program(_) => Vec::new(),
    }
}

fn through(request: &ProxyRequest, environment: &mut Environment, keeper: &mut Keeper) -> Proxy {
    let login = request.login.clone().map(|login| {
        let password = environment.take_proxy_password(request.password_file.clone());
        proof::entrust_proxy(keeper, login, password)
    });
    Proxy {
        host: request.host.clone(),
        port: request.port,
        login,
    }
}

/// When TLS begins.
pub(super) fn security(request: &MountRequest) -> Security {
    match request.source.security {
        cli::Security::ImplicitTls => Security::ImplicitTls,
        cli::Security::StartTls => Security::StartTls,
        cli::Security::Cleartext => Security::Cleartext,
    }
}

fn tls(request: &cli::TlsRequest) -> TlsOptions {
    let client_certificate = |client: &cli::ClientCertificate| ClientCertificate {
        certificate: client.certificate.clone(),
        key: client.key.clone(),
    };
    TlsOptions {
        ca_file: request.ca_file.clone(),
        server_name: request.server_name.clone(),
        fingerprint: request.fingerprint.map(Fingerprint),
        minimum: match request.minimum {
            cli::TlsVersion::Tls12 => TlsVersion::Tls12,
            cli::TlsVersion::Tls13 => TlsVersion::Tls13,
        },
        client_certificate: request.client.as_ref().map(client_certificate),
    }
}
