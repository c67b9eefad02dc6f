//! Names to sockets, proxies, TLS, and one non-blocking stream.
//!
//! [`Connector::connect`] blocks, for no longer than it is allowed to, so its caller gives it a
//! thread of its own. What it returns never blocks: a [`Stream`] is for `poll` and [`Progress`].
//!
//! ```text
//! Endpoint + Route + TlsOptions -> Connector -- connect --> Stream (clear or TLS)
//!                                  ` -- start_tls: clear Stream -> TLS Stream, after STLS
//! ```
//!
//! Certificates are always verified, by authority, fingerprint or both, and nothing older than TLS 1.2
//! is spoken.

mod alert;
mod certificate_fault;
mod channel_binding;
mod client_certificate;
mod connector;
mod deadline;
mod endpoint;
mod error;
mod fingerprint;
mod launcher;
mod patience;
mod program;
mod reach;
mod roots;
mod route;
mod socket;
mod socks;
mod stream;
mod tls;

#[cfg(test)]
mod test_server;

pub use alert::Alert;
pub use certificate_fault::CertificateFault;
pub use channel_binding::ChannelBinding;
pub use client_certificate::ClientCertificate;
pub use connector::Connector;
pub use endpoint::{Endpoint, Security};
pub use error::{NetError, Step};
pub use fingerprint::Fingerprint;
pub use launcher::Launcher;
pub use roots::directories_of_authorities;
pub use route::{Proxy, ProxyLogin, Route};
pub use socks::ProxyFault;
pub use stream::{Progress, Stream};
pub use tls::{TlsOptions, TlsVersion};
