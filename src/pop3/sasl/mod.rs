//! SASL (RFC 4422), as POP3 carries it (RFC 5034).
//!
//! ```text
//! C: AUTH SCRAM-SHA-256 biws...     the first response, where the client speaks first and it fits
//! S: + cj1meWtv...                  a challenge
//! C: Yz1iaXdz...                    a response; "*" gives up
//! S: +OK  or  -ERR
//! ```
//!
//! A [mechanism](Mechanism) is a `Client`: challenges in, responses out. The
//! `Dialogue` brings them to the wire, in base 64 and within the line's limit.

mod authentication;
mod client;
mod cram_md5;
mod dialogue;
mod external;
mod hash;
mod login;
mod mechanism;
mod oauth;
mod plain;
mod sasl_error;
mod scram;
mod server_first;

pub use authentication::{Account, Authentication, ChannelBinding};
pub use hash::Hash;
pub use mechanism::Mechanism;
pub use sasl_error::SaslError;

pub(super) use client::Work;
pub(super) use dialogue::{Dialogue, Turn};
