//! The server over a real loopback socket.

mod binary;
mod client;
mod faults;
mod protocol;
mod relay;
mod stores;
