//! A POP3 server for tests and demonstrations.
