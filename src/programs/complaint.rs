//! What a program says on its standard error.

use std::convert::Infallible;
use std::fmt;
use std::io::{self, BufRead, BufReader, IsTerminal, PipeReader, Read};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The longest line that is taken in, in octets. Of a longer one nothing is shown: it could not be
/// told what is in the rest.
const LONGEST_LINE: u64 = 4096;

/// What stands for a longer one.
const TOO_LONG: &[u8] = b"(a line that is too long to be shown)";

/// The standard error of a program: the terminal where there is one, so that people can be asked;
/// else a pipe, so that nothing is lost.
pub struct Complaint(Option<Piped>);

struct Piped {
    last: Arc<Mutex<Vec<u8>>>,
    /// Nothing comes from it but its end.
    ended: Receiver<Infallible>,
}

impl Complaint {
    /// Where a program is to complain, and what it says there. `hear` is given each line as it comes,
    /// without blanks around it, on a thread of its own: the program, or one that it has left
    /// behind, may never end.
    ///
    /// # Errors
    ///
    /// The system has no descriptor or no thread left.
    pub fn channel(hear: impl Fn(&[u8]) + Send + 'static) -> io::Result<(Stdio, Self)> {
        if io::stderr().is_terminal() {
            return Ok((Stdio::inherit(), Self(None)));
        }
        let (reader, writer) = io::pipe()?;
        Ok((writer.into(), Self(Some(Piped::start(reader, hear)?))))
    }

    /// The last line, which is the one that tells why a program ended; empty if it was seen on the
    /// terminal. What a program has said that has ended is in the pipe already, and here before
    /// `bound` has passed.
    pub fn last(&self, bound: Duration) -> Vec<u8> {
        let Some(piped) = &self.0 else {
            return Vec::new();
        };
        let _ = piped.ended.recv_timeout(bound);
        locked(&piped.last).clone()
    }
}

impl Piped {
    fn start(pipe: PipeReader, hear: impl Fn(&[u8]) + Send + 'static) -> io::Result<Self> {
        let (end, ended) = channel();
        let last = Arc::<Mutex<Vec<u8>>>::default();
        let noted = Arc::clone(&last);
        let note = move |line: &[u8]| {
            *locked(&noted) = line.to_owned();
            hear(line);
        };
        thread::Builder::new()
            .name("complaint".to_owned())
            .spawn(move || listen(pipe, note, end))?;
        Ok(Self { last, ended })
    }
}

/// To the end, as the program must not die of a pipe that is full or closed.
fn listen(pipe: PipeReader, note: impl Fn(&[u8]), _end: Sender<Infallible>) {
    let mut pipe = BufReader::new(pipe);
    while let Ok(Some(line)) = next_line(&mut pipe) {
        let line = line.trim_ascii();
        if !line.is_empty() {
            note(line);
        }
    }
}

fn next_line(pipe: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let length = pipe
        .by_ref()
        .take(LONGEST_LINE)
        .read_until(b'\n', &mut line)?;
    if length as u64 == LONGEST_LINE && !line.ends_with(b"\n") {
        pipe.skip_until(b'\n')?;
        line = TOO_LONG.to_owned();
    }
    Ok((length > 0).then_some(line))
}

/// No panic leaves half a change behind here.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Without the words, which may have a secret in them.
impl fmt::Debug for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Complaint")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{PipeWriter, Write};

    const AMPLE: Duration = Duration::from_secs(60);

    fn piped() -> (PipeWriter, Complaint, Receiver<Vec<u8>>) {
        let (reader, writer) = io::pipe().unwrap();
        let (heard, lines) = channel();
        let hear = move |line: &[u8]| drop(heard.send(line.to_owned()));
        let piped = Piped::start(reader, hear).unwrap();
        (writer, Complaint(Some(piped)), lines)
    }

    #[test]
    fn the_last_line_that_says_something_counts() {
        let (mut writer, complaint, lines) = piped();
        writer.write_all(b"warning: old\n no key \r\n\n").unwrap();
        drop(writer);
        assert_eq!(complaint.last(AMPLE), b"no key");
        assert_eq!(
            lines.iter().collect::<Vec<_>>(),
            [&b"warning: old"[..], b"no key"]
        );
        assert_eq!(Complaint(None).last(AMPLE), b"");
    }

    #[test]
    fn however_much_is_said_before_it() {
        let (mut writer, complaint, _lines) = piped();
        writer.write_all(&b"warning: old\n".repeat(10_000)).unwrap();
        writer.write_all(b"no key").unwrap();
        drop(writer);
        assert_eq!(complaint.last(AMPLE), b"no key");
    }

    #[test]
    fn of_a_line_that_is_too_long_nothing_is_shown() {
        let (mut writer, complaint, lines) = piped();
        writer.write_all(&[b'x'; 10_000]).unwrap();
        writer.write_all(b"sesame\nno key\n").unwrap();
        drop(writer);
        assert_eq!(complaint.last(AMPLE), b"no key");
        assert_eq!(lines.iter().collect::<Vec<_>>(), [TOO_LONG, b"no key"]);
    }

    #[test]
    fn one_that_was_left_behind_does_not_take_the_words_with_it() {
        let (mut writer, complaint, lines) = piped();
        writer.write_all(b"no key\n").unwrap();
        lines.recv().unwrap();
        let by_another = writer;
        assert_eq!(complaint.last(Duration::ZERO), b"no key");
        drop(by_another);
    }
}
