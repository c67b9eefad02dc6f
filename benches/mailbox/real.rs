//! Mail that people wrote.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::delivery::Delivery;
use super::text::Sizes;

/// The messages in and below a directory, one in each file, in order of name.
pub fn messages(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut messages = Vec::new();
    collect(directory, &mut messages)
        .map_err(|error| io::Error::other(format!("{}: {error}", directory.display())))?;
    messages.sort();
    Ok(messages)
}

/// Copies messages into a Maildir. A message without a last line end gets one: how long it is without
/// is told differently by servers.
pub fn copy(messages: &[PathBuf], maildir: &Path) -> io::Result<()> {
    let delivery = Delivery::to(maildir)?;
    for (number, message) in (1..).zip(messages) {
        let mut bytes = fs::read(message)?;
        if !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        delivery.deliver(number, &bytes, sizes(&bytes))?;
    }
    Ok(())
}

fn collect(directory: &Path, messages: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, messages)?;
        } else {
            messages.push(path);
        }
    }
    Ok(())
}

fn sizes(bytes: &[u8]) -> Sizes {
    let line_ends = bytes.iter().filter(|&&byte| byte == b'\n').count();
    let whole = bytes.windows(2).filter(|pair| pair == b"\r\n").count();
    Sizes {
        stored: bytes.len(),
        on_the_wire: bytes.len() + line_ends - whole,
    }
}
