//! A POP3 server for tests, benchmarks and demonstrations, which behaves and misbehaves on command.
//!
//! It knows nothing of pop3fs: a second reading of the RFCs is the point.
//!
//! ```text
//! Server -- listener thread -- one thread a connection:  Link -> Session -> Transaction
//!    |                                                     ^         |
//!    |                                                     '- steps -'  Script::plan: the reply, and what the
//!    '-- Shared: Store, Script, Record, Occupancy                        faults in force make of it
//! ```
//!
//! A [`session`] turns command lines into replies and does no I/O; the [`script`] makes of each reply a [`plan`],
//! steps such as send, wait, stand before a gate, cut; the [`connection`] takes them.
//!
//! A [`relay`] stands between a client and any server, this one or another: far away, or on a link that breaks.

#![allow(rustdoc::private_intra_doc_links)]

mod apop;
mod builder;
mod capabilities;
mod command;
mod connection;
mod conversation;
mod fault;
mod gate;
mod guarded;
mod identity;
mod link;
mod listener;
mod message;
mod occupancy;
mod plan;
mod record;
mod relay;
mod reply;
mod samples;
mod sasl;
mod script;
mod server;
mod session;
mod shared;
mod store;
mod transaction;

pub use builder::{Builder, Commit};
pub use conversation::Conversation;
pub use fault::{Expunged, Fault, Listed, Order, When, Which};
pub use gate::Gate;
pub use identity::Identity;
pub use message::Message;
pub use relay::{Distance, Fate, Hold, Mishap, Relay};
pub use samples::samples;
pub use server::Server;
