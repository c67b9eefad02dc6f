//! pop3fs on a real mount, used by ordinary programs, against a real Dovecot and against a server
//! that misbehaves on command.
//!
//! The doc comment of a test is the behaviour it proves. A test that cannot run here says why and
//! passes; where CI is set in the environment it fails instead.

mod acceptance;
mod access;
mod attacks;
mod certificates;
mod commits;
mod deleting;
mod errors;
mod events;
mod faults;
mod forgetting;
mod installation;
mod keeper;
#[cfg(feature = "keyring")]
mod keyring;
mod layout;
mod lifecycle;
mod limits;
mod listing;
mod logins;
mod mount_command;
mod mount_point;
mod other_servers;
mod passwords;
mod quirks;
mod readers;
mod routes;
mod sandbox;
mod secrets;
mod security;
mod semantics;
mod sessions;
mod silence;
mod support;
mod tools;
mod tree;
mod unmounting;
mod walking;
mod watching;
