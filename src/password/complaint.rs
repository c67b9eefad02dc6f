//! What a program says on its standard error.

use std::io::{self, IsTerminal, PipeReader, Read};
use std::process::Stdio;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use memchr::memmem;

use crate::pop3::text;

/// The most that is kept, in octets; of that, a line or two are shown.
const LONGEST: u64 = 4096;

/// How long to wait for the last words of a program that has ended: they are in the pipe already.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The standard error of a program: the terminal where there is one, so that people can be asked;
/// else a pipe, so that nothing is lost.
pub(super) enum Complaint {
    Terminal,
    Piped(Receiver<Vec<u8>>),
}

impl Complaint {
    /// Where the program is to complain, and where to read it.
    pub(super) fn channel() -> io::Result<(Stdio, Self)> {
        if io::stderr().is_terminal() {
            return Ok((Stdio::inherit(), Self::Terminal));
        }
        let (reader, writer) = io::pipe()?;
        Ok((writer.into(), Self::Piped(read_aside(reader)?)))
    }

    /// What it said, printable; nothing if it was seen on the terminal. Nothing of it if it
    /// repeats a line of what the program gave, which may be the secret.
    pub(super) fn words(&self, output: &[u8]) -> String {
        let Self::Piped(said) = self else {
            return String::new();
        };
        let said = said.recv_timeout(LAST_WORDS).unwrap_or_default();
        let lines = output
            .split(|octet| *octet == b'\n')
            .map(<[u8]>::trim_ascii);
        let mut secrets = lines.filter(|line| !line.is_empty());
        if secrets.any(|line| memmem::find(&said, line).is_some()) {
            return "(left out: it repeats what it gave)".to_owned();
        }
        last_line(&said)
    }
}

/// The last line is the one that tells why it ended.
fn last_line(said: &[u8]) -> String {
    let mut lines = said.split(|octet| *octet == b'\n').map(<[u8]>::trim_ascii);
    let last = lines.rfind(|line| !line.is_empty());
    text::printable(last.unwrap_or_default())
}

/// Reads on a thread of its own: the program, or one that it has left behind, may never end.
fn read_aside(mut pipe: PipeReader) -> io::Result<Receiver<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    let read_and_send = move || {
        let mut said = Vec::new();
        let read = pipe.by_ref().take(LONGEST).read_to_end(&mut said);
        // Nobody receives where the program did well.
        let _ = sender.send(said);
        // It must not die of a pipe that is full or closed.
        let _ = read.and_then(|_| io::copy(&mut pipe, &mut io::sink()));
    };
    thread::Builder::new()
        .name("complaint".to_owned())
        .spawn(read_and_send)?;
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn said(words: &[u8]) -> Complaint {
        let (mut reader, mut writer) = io::pipe().unwrap();
        writer.write_all(words).unwrap();
        drop(writer);
        let mut words = Vec::new();
        reader.read_to_end(&mut words).unwrap();
        let (sender, receiver) = mpsc::channel();
        sender.send(words).unwrap();
        Complaint::Piped(receiver)
    }

    #[test]
    fn the_last_line_counts_and_is_made_printable() {
        let words = said(b"warning: old\ngpg: decryption failed\x1b[0m\n\n").words(b"");
        assert_eq!(words, r"gpg: decryption failed\u{1b}[0m");
        assert_eq!(said(b"").words(b"x"), "");
        assert_eq!(Complaint::Terminal.words(b""), "");
    }

    #[test]
    fn what_repeats_the_secret_is_left_out() {
        let words = said(b"+ echo sesame\nfailed\n").words(b"sesame\nlogin: ann\n");
        assert!(!words.contains("sesame") && words.contains("left out"));
    }
}
