//! The mailbox as messages.

mod error;
mod message;

pub use error::Error;
pub use message::{Body, Correction, Entry, MessageId, Octets, OpenMessage, Place, Size};
