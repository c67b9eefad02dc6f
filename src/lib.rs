//! pop3fs mounts a POP3 mailbox as a directory.

pub mod cli;
pub mod daemon;
pub mod fs;
pub mod fuse;
pub mod maildrop;
pub mod net;
pub mod password;
pub mod pop3;
pub mod run;
pub mod signals;
