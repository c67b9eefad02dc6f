//! Room: pop3.
