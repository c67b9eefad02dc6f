//! Mail to test with: 3,000 real messages where they are at hand, else some made for it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::process::run;
use super::skip::{program, say};

/// Names the archive of real messages.
const VARIABLE: &str = "POP3FS_CORPUS";

/// Where the archive is looked for otherwise: beside the checkout.
const BESIDE: &str = "../shared/corpus/spamassassin-3000.tar.xz";

/// How many messages are made where there is no archive.
const MADE: usize = 300;

/// How many shapes the made-up messages have.
const SHAPES: usize = 10;

/// A message as it lies in a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its file name.
    pub name: String,
    /// Its octets; most servers keep bare LF line ends.
    pub octets: Vec<u8>,
}

impl Letter {
    /// The message as POP3 carries it, dot-stuffing aside: line ends are CRLF, the last one too
    /// (RFC 1939 section 3).
    pub fn as_sent(&self) -> Vec<u8> {
        let mut sent = Vec::with_capacity(self.octets.len() + self.octets.len() / 32);
        for &octet in &self.octets {
            if octet == b'\n' && sent.last() != Some(&b'\r') {
                sent.push(b'\r');
            }
            sent.push(octet);
        }
        if !sent.ends_with(b"\r\n") {
            sent.extend_from_slice(b"\r\n");
        }
        sent
    }
}

/// All the messages, in order of name.
pub fn letters() -> &'static [Letter] {
    static LETTERS: OnceLock<Vec<Letter>> = OnceLock::new();
    LETTERS.get_or_init(|| match archive() {
        Some(archive) => unpacked(&archive),
        None => {
            say(&format!("no {BESIDE}, and {VARIABLE} names none: {MADE} made-up messages stand in for 3,000 real ones"));
            (0..MADE).map(made).collect()
        }
    })
}

/// Made-up messages, one of each shape that real mail seldom has: no last line end, lone dots, CRLF
/// among LF, long lines.
pub fn odd_letters() -> Vec<Letter> {
    (0..SHAPES)
        .map(|index| Letter {
            name: format!("{index}.odd.eml"),
            ..made(index)
        })
        .collect()
}

/// Writes messages into a directory, as they are sent.
pub fn write_as_sent(letters: &[Letter], directory: &Path) {
    for letter in letters {
        fs::write(directory.join(&letter.name), letter.as_sent()).expect("a file to write");
    }
}

fn archive() -> Option<PathBuf> {
    program("xz")?;
    let path = match env::var_os(VARIABLE) {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join(BESIDE),
    };
    path.is_file().then_some(path)
}

fn unpacked(archive: &Path) -> Vec<Letter> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    run(Command::new("tar")
        .arg("-xJf")
        .arg(archive)
        .arg("-C")
        .arg(directory.path()))
    .succeeded();
    let mut letters = Vec::new();
    collect(directory.path(), &mut letters);
    letters.sort_by(|a, b| a.name.cmp(&b.name));
    letters
}

fn collect(directory: &Path, letters: &mut Vec<Letter>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("a directory entry").path();
        if path.is_dir() {
            collect(&path, letters);
        } else {
            letters.push(Letter {
                name: path
                    .file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned(),
                octets: fs::read(&path).expect("a file to read"),
            });
        }
    }
}

/// Made-up messages of all shapes: no last line end, none at all, dots, CRLF, 8-bit, long lines.
fn made(index: usize) -> Letter {
    let head = format!("From: ann@example.org\nSubject: number {index}\n\n");
    let body: Vec<u8> = match index % SHAPES {
        0 => b"no newline at the end".to_vec(),
        1 => Vec::new(),
        2 => b".\n..\n.leading dots\n".to_vec(),
        3 => b"CRLF\r\nand LF\nmixed\r\n".to_vec(),
        4 => (0..=255).filter(|octet| !b"\0\r".contains(octet)).collect(),
        5 => [vec![b'x'; 10_000], b"\n".to_vec()].concat(),
        6 => b"a line of some length, many times over\n".repeat(1 + index * 20),
        7 => b"\n\n\n\n".to_vec(),
        8 => format!("line {index}\n").repeat(index).into_bytes(),
        _ => b"an ordinary short message\n".to_vec(),
    };
    Letter {
        name: format!("{index:05}.made.eml"),
        octets: [head.into_bytes(), body].concat(),
    }
}
