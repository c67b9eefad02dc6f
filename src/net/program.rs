//! A program whose standard input and output are the way to the server: in the keeper, which alone may
//! run one.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use super::Endpoint;
use crate::pop3::text;
use crate::programs::{CommandLine, Complaint};

/// How long a program that has closed its output may take to end.
const END_BOUND: Duration = Duration::from_millis(500);

/// How often it is asked whether it has.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A program at work, ended when it is dropped.
#[derive(Debug)]
pub(super) struct Running {
    name: String,
    child: Child,
    complaint: Complaint,
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
    let complaining = name.clone();
    let hear = move |line: &[u8]| log::info!("{complaining}: {}", text::printable(line));
    let (stderr, complaint) = Complaint::channel(hear)?;
    let child = command
        .to_command()
        .stdin(theirs.try_clone()?)
        .stdout(theirs)
        .stderr(stderr)
        .spawn()?;
    let running = Running {
        name,
        child,
        complaint,
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

impl Running {
    /// How it has ended, if that was not well. May take half a second.
    pub(super) fn last_words(&mut self) -> Option<String> {
        let until = Instant::now() + END_BOUND;
        let status = self.status(until).filter(|status| !status.success())?;
        let left = until.saturating_duration_since(Instant::now());
        let failed = format!("the connect command {} failed: {status}", self.name);
        match text::printable(&self.complaint.last(left)).as_str() {
            "" => Some(failed),
            said => Some(format!("{failed}: {said}")),
        }
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

#[cfg(test)]
mod tests {
    use super::super::Security;
    use super::*;
    use std::io::{IsTerminal, Read, Write};

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
