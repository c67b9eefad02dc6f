//! Reading files as programs do, without the start of a program.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// What cat(1) reads at once.
const PORTION: usize = 128 * 1024;

/// Opens, reads to the end, and closes, like cat(1); tells how much there was.
pub fn read(path: &Path) -> io::Result<u64> {
    let mut buffer = vec![0; PORTION];
    let mut file = File::open(path)?;
    let mut octets = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(octets),
            length => octets += length as u64,
        }
    }
}
