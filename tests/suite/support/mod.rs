//! What the tests are written with.

pub mod account;
pub mod authority;
pub mod corpus;
pub mod dovecot;
pub mod exit_status;
pub mod giving;
pub mod introspection;
#[cfg(feature = "keyring")]
pub mod keyring;
pub mod log;
pub mod mailbox;
pub mod memory;
pub mod mount;
pub mod namespace;
pub mod package;
pub mod packaged;
pub mod port;
pub mod process;
pub mod proxy;
pub mod secret;
pub mod skip;
pub mod stage;
pub mod terminal;
pub mod unmounted;
