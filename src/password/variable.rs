//! Environment variables that may hold passwords.

use std::env;
use std::ffi::{CStr, OsStr};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use nix::libc;
use zeroize::Zeroizing;

/// The value of a variable, wiped when it is dropped, and never shown.
pub(super) struct Value(Zeroizing<Vec<u8>>);

impl Value {
    pub(super) fn new(octets: &[u8]) -> Self {
        Self(Zeroizing::new(octets.to_vec()))
    }

    pub(super) fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(..)")
    }
}

/// Takes the value out of the environment and wipes it there, so that neither children nor
/// `/proc/PID/environ` have it. Nothing, if it is not there or empty.
///
/// # Safety
///
/// No other thread may exist: it could be reading the environment.
pub(super) unsafe fn take(name: &CStr) -> Option<Value> {
    // SAFETY: the name ends in NUL, and nobody changes the environment meanwhile.
    let value = unsafe { libc::getenv(name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: a value of the environment ends in NUL, and stays where it is as long as nobody
    // changes the environment.
    let octets = Value::new(unsafe { CStr::from_ptr(value) }.to_bytes());
    for offset in 0..octets.octets().len() {
        // SAFETY: the octet is one of the value, which is memory of the process like any other;
        // nobody reads it meanwhile.
        unsafe { ptr::write_volatile(value.add(offset), 0) };
    }
    // SAFETY: there is one thread.
    unsafe { env::remove_var(OsStr::from_bytes(name.to_bytes())) };
    (!octets.octets().is_empty()).then_some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::{self, Command};

    const ALONE: &str = "POP3FS_TEST_ALONE";
    const TEST: &str = "password::variable::tests::what_was_taken_is_nowhere_left";

    /// In a process of its own: this test, started again.
    #[test]
    fn what_was_taken_is_nowhere_left() {
        if env::var_os(ALONE).is_some() {
            // SAFETY: the harness waits for this thread in the only other one.
            let value = unsafe { take(c"POP3FS_PASSWORD") };
            assert_eq!(value.unwrap().octets(), b"open sesame");
            let environment = fs::read("/proc/self/environ").unwrap();
            assert!(!environment.windows(6).any(|window| window == b"sesame"));
            assert_eq!(env::var_os("POP3FS_PASSWORD"), None);
            // SAFETY: as above.
            assert!(unsafe { take(c"POP3FS_PASSWORD") }.is_none());
            process::exit(23);
        }
        let again = Command::new(env::current_exe().unwrap())
            .args(["--exact", TEST, "--test-threads=1", "--nocapture"])
            .env(ALONE, "")
            .env("POP3FS_PASSWORD", "open sesame")
            .output()
            .unwrap();
        assert_eq!(again.status.code(), Some(23), "{again:?}");
    }
}
