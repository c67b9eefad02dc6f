//! POP3 (RFC 1939 and its extensions) as a client speaks it: no sockets, no threads, no clock.
//!
//! # The protocol in words
//!
//! The server greets. Then the client sends commands, a line each, and the server replies to each
//! in turn: `+OK` or `-ERR` with some words, and, behind the `+OK` of some commands, lines up to
//! one that holds nothing but a dot. Lines that start with a dot get another one before it
//! ("stuffed") so that none of them is taken for the last.
//!
//! ```text
//!  greeting       CAPA STLS UTF8 LANG      AUTH, APOP, or USER and PASS
//! ---------->  AUTHORIZATION  ---------------------------------->  TRANSACTION
//!                                              CAPA STAT UIDL LIST RETR TOP DELE RSET NOOP
//!                                                                       |
//!                                                                       | QUIT
//!                                                                       v
//!                                                      UPDATE: what is marked is removed
//! ```
//!
//! A session that ends without QUIT removes nothing. Message-numbers hold for one session, so
//! [`MessageNumber`] can be made only by reading a listing.
//!
//! # How it is used
//!
//! A [`Connection`] takes [`Command`]s and gives the octets to write; it takes the octets that
//! were read and gives [`Event`]s. Many commands may be in flight, except behind those that change
//! the state (the greeting, STLS, AUTH, APOP, PASS, QUIT): there [`Connection::send`] refuses until the
//! reply is complete.
//!
//! Everything the server sends is hostile until proven otherwise: lines and listings are bounded,
//! nothing is allocated from a number of the server's, text is made [printable](text::printable)
//! on its way in, and after the first [`ProtocolError`] the connection says nothing more.

mod apop;
mod capability;
mod command;
mod confidential;
mod connection;
mod conversation;
mod error;
mod exchange;
mod lines;
pub mod listing;
mod message_number;
mod outgoing;
#[cfg(test)]
mod play;
mod reply;
mod response_code;
pub mod sasl;
mod secret;
pub mod text;
mod transcript;
mod unstuff;
mod wire;

pub use capability::Capabilities;
pub use command::{Command, Shape};
pub use connection::{Connection, Event};
pub use error::{CommandError, ProtocolError};
pub use message_number::MessageNumber;
pub use reply::Reply;
pub use response_code::ResponseCode;
pub use secret::Secret;
pub use unstuff::Dots;
