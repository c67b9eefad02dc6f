//! What pop3fs promises of octets that others have made, held against any octets at all.
//!
//! Each target takes octets and fails if a promise is broken.

pub mod body;
pub mod connection;
pub mod journal;
pub mod listing;
pub mod mount;
pub mod names;
pub mod netrc;
pub mod options;
mod pieces;
mod printable;
mod rig;
pub mod sasl;
