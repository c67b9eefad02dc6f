//! `.pop3fs/events`, from outside.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::Deserialize;

/// What is read at once: some dozens of events.
const PIECE: usize = 4096;

/// The events of a mount, from the opening on.
#[derive(Debug)]
pub(super) struct Events {
    file: File,
    /// What was read and not told yet.
    text: Vec<u8>,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A line of JSON.
    Line(String),
    /// The time is over.
    TooLate,
    /// Nothing: the mailbox was unmounted.
    End,
}

/// What a line tells, as far as it matters here.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    /// What happened.
    pub event: String,
    /// To which message.
    pub name: Option<String>,
}

impl Events {
    pub(super) fn new(file: File) -> Self {
        let text = Vec::new();
        Self { file, text }
    }

    /// The next line, as soon as there is one; a signal ends the wait as it ends the program.
    ///
    /// # Errors
    ///
    /// What the mount answered.
    pub(super) fn next(&mut self, until: Option<Instant>) -> io::Result<Next> {
        loop {
            if let Some(end) = self.text.iter().position(|&octet| octet == b'\n') {
                let line: Vec<u8> = self.text.drain(..=end).collect();
                return Ok(Next::Line(String::from_utf8_lossy(&line).into_owned()));
            }
            if !self.is_ready(until)? {
                return Ok(Next::TooLate);
            }
            if self.read()? == 0 {
                return Ok(Next::End);
            }
        }
    }

    fn read(&mut self) -> io::Result<usize> {
        let mut piece = [0; PIECE];
        let length = self.file.read(&mut piece)?;
        self.text.extend(piece.iter().take(length));
        Ok(length)
    }

    fn is_ready(&self, until: Option<Instant>) -> io::Result<bool> {
        loop {
            let mut awaited = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
            match poll(&mut awaited, remaining(until)) {
                // It may be that the time cannot be told to poll(2) at once.
                Ok(0) if until.is_none_or(|until| Instant::now() < until) => {}
                Ok(ready) => return Ok(ready > 0),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

/// The time until then, in whole milliseconds and rather too long than too short.
fn remaining(until: Option<Instant>) -> PollTimeout {
    until.map_or(PollTimeout::NONE, |until| {
        let time = until.saturating_duration_since(Instant::now());
        let milliseconds = time.as_micros().div_ceil(1000);
        PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    fn events() -> (Events, File) {
        let (reader, writer) = nix::unistd::pipe().unwrap();
        let file = |end: OwnedFd| File::from(end);
        (Events::new(file(reader)), file(writer))
    }

    fn line(text: &str) -> Next {
        Next::Line(text.to_owned())
    }

    #[test]
    fn lines_come_whole_however_they_are_read() {
        let (mut events, mut writer) = events();
        writer.write_all(b"one\ntw").unwrap();
        assert_eq!(events.next(None).unwrap(), line("one\n"));
        writer.write_all(b"o\n").unwrap();
        assert_eq!(events.next(None).unwrap(), line("two\n"));
    }

    #[test]
    fn nothing_is_waited_for_longer_than_that() {
        let (mut events, mut writer) = events();
        writer.write_all(b"half").unwrap();
        let until = Instant::now() + Duration::from_millis(1);
        assert_eq!(events.next(Some(until)).unwrap(), Next::TooLate);
        assert!(Instant::now() >= until);
    }

    #[test]
    fn the_end_is_the_end() {
        let (mut events, writer) = events();
        drop(writer);
        assert_eq!(events.next(None).unwrap(), Next::End);
    }
}
