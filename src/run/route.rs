//! The way to the server.

use crate::cli::{self, MountRequest};
use crate::net::{
    ClientCertificate, Connector, Endpoint, Fingerprint, NetError, Security, TlsOptions, TlsVersion,
};

/// What makes connections to the server.
pub(super) fn connector(request: &MountRequest) -> Result<Connector, NetError> {
    let source = &request.source;
    let endpoint = Endpoint {
        host: source.host.clone(),
        port: source.port,
        security: security(request),
    };
    Connector::new(endpoint, &tls(&request.tls))
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
