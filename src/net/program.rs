//! A program whose standard input and output are the way to the server: in the keeper, which alone may
//! run one.

use std::io::{self, BufRead, BufReader, IsTerminal, PipeReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Endpoint;
use crate::pop3::text;
use crate::programs::CommandLine;

/// The longest line that a program may say at once, in octets.
const LONGEST_LINE: u64 = 1024;

/// How long a program that has closed its output may take to end.
const END_BOUND: Duration = Duration::from_millis(500);

/// How often it is asked whether it has.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A program at work, ended when it is dropped.
#[derive(Debug)]
pub(super) struct Running {
    name: String,
    child: Child,
    complaints: Option<Complaints>,
}

/// What a program says on its standard error, on its way to the log.
#[derive(Debug)]
struct Complaints {
    passing_on: JoinHandle<()>,
    last: Arc<Mutex<String>>,
}

/// Starts the command for a server: in its arguments, `%h` is the host and `%p` the port. Also the
/// socket to its standard input and output, which does not block.
///
/// What it says on its standard error goes to the terminal where there is one, else to the log.
///
/// # Errors
///
/// There is no such program, or the system has no process left.
pub(super) fn start(
    command: &CommandLine,
    endpoint: &Endpoint,
) -> io::Result<(UnixStream, Running)> {
    let command = command.clone();
    let command = command.with_arguments(|word| substituted(&word, endpoint));
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let theirs = OwnedFd::from(theirs);
    let name = command.program().to_owned();
    let (stderr, complaints) = complaints(&name)?;
    let child = command
        .to_command()
        .stdin(theirs.try_clone()?)
        .stdout(theirs)
        .stderr(stderr)
        .spawn()?;
    let running = Running {
        name,
        child,
        complaints,
    };
    Ok((ours, running))
}

/// `%h`, `%p`, and `%%` for a percent sign; anything else stays as it is.
fn substituted(word: &str, endpoint: &Endpoint) -> String {
    let mut parts = word.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    let mut is_escaped = false;
    for part in parts {
        let mut characters = part.chars();
        match characters.next() {
            _ if is_escaped => text.push_str(part),
            Some('h') => text.push_str(&(endpoint.host.clone() + characters.as_str())),
            Some('p') => text.push_str(&(endpoint.port.to_string() + characters.as_str())),
            _ => text.push_str(&format!("%{part}")),
        }
        is_escaped = !is_escaped && part.is_empty();
    }
    text
}

/// Where the program is to complain.
fn complaints(name: &str) -> io::Result<(Stdio, Option<Complaints>)> {
    if io::stderr().is_terminal() {
        return Ok((Stdio::inherit(), None));
    }
    let (reader, writer) = io::pipe()?;
    let last = Arc::new(Mutex::new(String::new()));
    let (name, noted) = (name.to_owned(), Arc::clone(&last));
    let passing_on = thread::Builder::new()
        .name("complaints".to_owned())
        .spawn(move || pass_on(&name, reader, &noted))?;
    Ok((writer.into(), Some(Complaints { passing_on, last })))
}

fn pass_on(name: &str, pipe: PipeReader, last: &Mutex<String>) {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    while let Ok(1..) = pipe
        .by_ref()
        .take(LONGEST_LINE)
        .read_until(b'\n', &mut line)
    {
        let words = text::printable(line.trim_ascii_end());
        log::info!("{name}: {words}");
        *locked(last) = words;
        line.clear();
    }
}

impl Complaints {
    /// The last line; that of a program that has ended is in the pipe already, and soon here.
    fn last(&self, until: Instant) -> String {
        while !self.passing_on.is_finished() && Instant::now() < until {
            thread::sleep(POLL_INTERVAL);
        }
        locked(&self.last).clone()
    }
}

impl Running {
    /// How it has ended, if that was not well. May take half a second.
    pub(super) fn last_words(&mut self) -> Option<String> {
        let until = Instant::now() + END_BOUND;
        let status = self.status(until).filter(|status| !status.success())?;
        let said = self.complaints.as_ref().map(|them| them.last(until));
        let said = said.filter(|words| !words.is_empty());
        let said = said.map(|words| format!(": {words}")).unwrap_or_default();
        Some(format!(
            "the connect command {} failed: {status}{said}",
            self.name
        ))
    }

    fn status(&mut self, until: Instant) -> Option<ExitStatus> {
        loop {
            match self.child.try_wait() {
                Ok(None) if Instant::now() < until => thread::sleep(POLL_INTERVAL),
                status => return status.ok().flatten(),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Neither can fail but for a child that has ended and was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// No panic leaves half a change behind here.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::Security;
    use super::*;
    use std::io::Write;

    fn endpoint() -> Endpoint {
        Endpoint {
            host: "pop.example.org".into(),
            port: 995,
            security: Security::Cleartext,
        }
    }

    fn started(command: &str) -> io::Result<(UnixStream, Running)> {
        let (socket, running) = start(&CommandLine::split(command).unwrap(), &endpoint())?;
        socket.set_nonblocking(false)?;
        Ok((socket, running))
    }

    fn heard(socket: &mut UnixStream) -> String {
        let mut text = String::new();
        socket.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn host_and_port_are_put_in() {
        for (word, expected) in [
            ("-W", "-W"),
            ("%h:%p", "pop.example.org:995"),
            ("%%h%", "%h%"),
            ("%%%h%x%", "%pop.example.org%x%"),
            ("%%%%", "%%"),
        ] {
            assert_eq!(substituted(word, &endpoint()), expected, "{word}");
        }
    }

    #[test]
    fn octets_go_through_the_program() {
        let (mut socket, mut running) =
            started("sh -c 'echo $0 $1; read line; echo $line' %h %p").unwrap();
        socket.write_all(b"hello\n").unwrap();
        assert_eq!(heard(&mut socket), "pop.example.org 995\nhello\n");
        assert_eq!(running.last_words(), None);
    }

    #[test]
    fn a_program_that_fails_says_so() {
        let (mut socket, mut running) = started("sh -c 'exit 3'").unwrap();
        assert_eq!(heard(&mut socket), "");
        let words = "the connect command sh failed: exit status: 3";
        assert_eq!(running.last_words().as_deref(), Some(words));
        let (mut socket, mut running) =
            started("sh -c 'echo so >&2; echo no way >&2; exit 3'").unwrap();
        heard(&mut socket);
        let words = running.last_words().unwrap();
        // On a terminal it was seen.
        assert!(
            words.ends_with(": no way") || io::stderr().is_terminal(),
            "{words}"
        );
    }

    #[test]
    fn a_program_ends_when_nobody_holds_it() {
        let (_socket, running) = started("sleep 1000").unwrap();
        let process = format!("/proc/{}", running.child.id());
        drop(running);
        assert!(!std::path::Path::new(&process).exists());
    }
}
