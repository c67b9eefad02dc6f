//! An mbox: all messages in one file, each behind a line that starts with `From `.

use super::{Held, Store};
use crate::message::Message;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An mbox. A message's unique-id is a hash of it and its `From ` line, without the blank lines at its
/// end: one of them may be added when the next message comes.
pub(crate) struct Mbox {
    path: PathBuf,
    known: Vec<(u64, Arc<Held>)>,
    /// Unique-ids given so far: none is ever given twice, though identical messages have one hash.
    given: HashSet<String>,
}

impl Mbox {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut mbox = Self {
            path: path.to_owned(),
            known: Vec::new(),
            given: HashSet::new(),
        };
        mbox.messages()?;
        Ok(mbox)
    }

    /// Takes what the file holds now as the truth; a message that is known already stays the same one.
    fn reconcile(&mut self, file: &[u8]) {
        let mut known: HashMap<u64, VecDeque<Arc<Held>>> = HashMap::new();
        for (hash, held) in self.known.drain(..) {
            known.entry(hash).or_default().push_back(held);
        }
        for stored in split(file) {
            let hash = fnv_1a(stored.trim_ascii_end());
            let held = known.get_mut(&hash).and_then(VecDeque::pop_front);
            let held = held.unwrap_or_else(|| Held::new(self.message(hash, stored)));
            self.known.push((hash, held));
        }
        known.values().flatten().for_each(|held| held.remove());
    }

    fn message(&mut self, hash: u64, stored: &[u8]) -> Message {
        let mut unique_id = format!("{hash:016x}");
        let mut copy = 1;
        while !self.given.insert(unique_id.clone()) {
            copy += 1;
            unique_id = format!("{hash:016x}-{copy}");
        }
        Message::new(unique_id, text(stored))
    }

    /// Through a temporary file, so that a crash leaves the old mbox or the new one.
    fn rewrite(&self, octets: &[u8]) -> io::Result<()> {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".rewritten");
        let temporary = self.path.with_file_name(name);
        let mut file = fs::File::create(&temporary)?;
        file.write_all(octets)?;
        file.sync_all()?;
        fs::rename(temporary, &self.path)
    }
}

impl Store for Mbox {
    fn messages(&mut self) -> io::Result<Vec<Arc<Held>>> {
        let file = fs::read(&self.path)?;
        self.reconcile(&file);
        Ok(self
            .known
            .iter()
            .map(|(_, held)| Arc::clone(held))
            .collect())
    }

    fn deliver(&mut self, message: Message) -> io::Result<()> {
        let mut file = fs::read(&self.path)?;
        finish(&mut file);
        file.extend_from_slice(b"From sender@example.org Thu Jan  1 00:00:00 2026\n");
        file.extend_from_slice(&message.octets);
        file.extend_from_slice(b"\n");
        self.rewrite(&file)?;
        self.reconcile(&file);
        Ok(())
    }

    fn remove(&mut self, messages: &[Arc<Held>]) -> io::Result<()> {
        // What was delivered since the last look must not be lost.
        let file = fs::read(&self.path)?;
        self.reconcile(&file);
        messages.iter().for_each(|held| held.remove());
        let stored = split(&file).into_iter().zip(&self.known);
        let left: Vec<&[u8]> = stored
            .filter(|(_, (_, held))| !held.is_gone())
            .map(|(stored, _)| stored)
            .collect();
        self.rewrite(&left.concat())?;
        self.known.retain(|(_, held)| !held.is_gone());
        Ok(())
    }
}

/// Ends the file with a blank line, so that a `From ` line can follow.
fn finish(file: &mut Vec<u8>) {
    if !(file.is_empty() || file.ends_with(b"\n")) {
        file.push(b'\n');
    }
    if !(file.is_empty() || file.ends_with(b"\n\n") || file.ends_with(b"\n\r\n")) {
        file.push(b'\n');
    }
}

/// The messages, each with its `From ` line and the blank line behind it.
///
/// A `From ` line starts a message at the start of the file or after a blank line; all else is
/// left as it is, so nothing is unquoted.
fn split(file: &[u8]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    let (mut start, mut at, mut after_blank) = (0, 0, true);
    for line in file.split_inclusive(|&octet| octet == b'\n') {
        if after_blank && line.starts_with(b"From ") && at > start {
            messages.push(&file[start..at]);
            start = at;
        }
        after_blank = matches!(line, b"\n" | b"\r\n");
        at += line.len();
    }
    if at > start {
        messages.push(&file[start..at]);
    }
    messages
}

/// A stored message without its `From ` line and the blank line behind it.
fn text(stored: &[u8]) -> &[u8] {
    let start = stored
        .iter()
        .position(|&octet| octet == b'\n')
        .map_or(stored.len(), |end| end + 1);
    let text = &stored[start..];
    match text {
        b"\n" | b"\r\n" => b"",
        [.., b'\n', b'\r', b'\n'] => &text[..text.len() - 2],
        [.., b'\n', b'\n'] => &text[..text.len() - 1],
        unseparated => unseparated,
    }
}

/// Any hash does that stays the same from run to run; this is FNV-1a.
fn fnv_1a(octets: &[u8]) -> u64 {
    octets.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_lines_after_blank_lines_start_messages() {
        let file = b"From a\nA: 1\n\nFrom here on\n\nFrom b\nB: 1\n\nx\n>From y\nFrom z\n";
        let texts: Vec<&[u8]> = split(file).into_iter().map(text).collect();
        assert_eq!(
            texts,
            [&b"A: 1\n"[..], b"", b"B: 1\n\nx\n>From y\nFrom z\n"],
            "as every reader of mbox has it, an unquoted From line after a blank line splits"
        );
    }

    #[test]
    fn an_empty_file_has_no_messages() {
        assert!(split(b"").is_empty());
    }

    #[test]
    fn the_parts_together_are_the_file() {
        let file = b"From a\nA: 1\n\nx\n\nFrom b\n\ny";
        assert_eq!(split(file).concat(), file);
    }
}
