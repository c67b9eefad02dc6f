//! How a secret looks wherever it could be found.

use std::fs;
use std::io::ErrorKind;

use nix::unistd::{Pid, geteuid};

/// Whether there is a secret among octets, in clear or in base 64.
pub fn gives_away(octets: &[u8], secret: &str) -> bool {
    forms_of(secret).iter().any(|form| holds(octets, form))
}

/// Whether octets are among others.
pub fn holds(octets: &[u8], needle: &[u8]) -> bool {
    octets.windows(needle.len()).any(|window| window == needle)
}

/// A secret in clear, and what base 64 makes of it wherever it begins in a group of three octets:
/// without the characters that octets before or behind it have a part in.
fn forms_of(secret: &str) -> Vec<Vec<u8>> {
    let aligned = (0..3).map(|skipped| {
        let inner = &secret.as_bytes()[skipped..];
        base64(&inner[..inner.len() / 3 * 3]).into_bytes()
    });
    aligned.chain([secret.as_bytes().to_vec()]).collect()
}

/// RFC 4648 section 4, for whole groups; an unfinished one is left out.
fn base64(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (groups, _) = octets.as_chunks();
    groups
        .iter()
        .map(|&[first, second, third]| u32::from_be_bytes([0, first, second, third]))
        .flat_map(|group| [18, 12, 6, 0].map(|shift| group >> shift & 0x3f))
        .map(|index| char::from(ALPHABET[index as usize]))
        .collect()
}

/// The search for a secret finds it, in whatever form.
#[test]
fn every_form_of_a_secret_is_found() {
    let secret = "correct horse battery staple";
    assert!(gives_away(format!("({secret})").as_bytes(), secret));
    for before in ["", "\0", "\0a", "\0an", "\0ann\0"] {
        let encoded = base64(format!("{before}{secret} and more").as_bytes());
        assert!(gives_away(encoded.as_bytes(), secret), "{encoded}");
    }
    assert!(!gives_away(b"correct horse battery", secret));
}

/// What the system shows of a process in one of its files: nothing, where the process is closed to us.
#[track_caller]
pub fn shown(process: Pid, file: &str) -> Vec<u8> {
    match fs::read(format!("/proc/{process}/{file}")) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied && !geteuid().is_root() => {
            Vec::new()
        }
        read => read.expect("a file to read"),
    }
}
