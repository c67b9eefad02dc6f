//! What the tests are written with.

pub mod account;
pub mod authority;
pub mod corpus;
pub mod dovecot;
pub mod mount;
pub mod process;
pub mod skip;
