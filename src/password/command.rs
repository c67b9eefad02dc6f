//! The password or token as the first line that a program prints.

use std::io::{self, PipeReader, Read};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use memchr::memmem;
use zeroize::Zeroizing;

use super::{CommandFault, Origin, PasswordError, Wanted, line};
use crate::pop3::{Secret, text};
use crate::programs::{CommandLine, Complaint};

/// How long a program may take: it may have to ask a person for a passphrase first.
const BOUND: Duration = Duration::from_secs(60);

/// How long to wait for the last words of a program that has ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How often a program that has printed all is asked whether it has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Runs a command and takes the first line of its output. It is split into words as a shell would
/// and run without one; its program is looked for in PATH. It has our terminal, so that it can
/// ask; what it says on its standard error is passed on.
///
/// # Errors
///
/// [`PasswordError::Command`], [`PasswordError::Unusable`].
pub(super) fn run(command: &str, wanted: Wanted) -> Result<Secret, PasswordError> {
    run_within(command, wanted, BOUND)
}

fn run_within(command: &str, wanted: Wanted, bound: Duration) -> Result<Secret, PasswordError> {
    let output = output_within(command, bound);
    let output = output.map_err(|fault| PasswordError::Command { wanted, fault })?;
    line::first(&output, &Origin::Command(wanted))
}

fn output_within(command: &str, bound: Duration) -> Result<Zeroizing<Vec<u8>>, CommandFault> {
    let command = CommandLine::split(command).ok_or(CommandFault::Words)?;
    let mut running = Running::start(&command, bound)?;
    let output = running.output()?;
    running.end(&output)?;
    Ok(output)
}

/// A program at work, killed when it is dropped.
struct Running {
    program: String,
    child: Child,
    output: Receiver<io::Result<Zeroizing<Vec<u8>>>>,
    complaint: Complaint,
    start: Instant,
    bound: Duration,
}

impl Running {
    fn start(command: &CommandLine, bound: Duration) -> Result<Self, CommandFault> {
        let start = Instant::now();
        let failure = |source| CommandFault::Start {
            program: command.program().to_owned(),
            source,
        };
        // Of what it says, only the last is told, and that only if it fails.
        let (stderr, complaint) = Complaint::channel(|_| {}).map_err(failure)?;
        let (child, pipe) = spawn(command, stderr).map_err(failure)?;
        Ok(Self {
            program: command.program().to_owned(),
            child,
            output: read_aside(pipe).map_err(failure)?,
            complaint,
            start,
            bound,
        })
    }

    /// What it prints, once it has printed all of it.
    fn output(&self) -> Result<Zeroizing<Vec<u8>>, CommandFault> {
        let left = self.bound.saturating_sub(self.start.elapsed());
        match self.output.recv_timeout(left) {
            Ok(output) => output.map_err(|source| self.failure(source)),
            Err(_) => Err(self.timed_out()),
        }
    }

    /// Waits for its end, which must be a good one.
    fn end(&mut self, output: &[u8]) -> Result<(), CommandFault> {
        loop {
            let ended = self.child.try_wait();
            match ended.map_err(|source| self.failure(source))? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => {
                    return Err(CommandFault::Failed {
                        program: self.program.clone(),
                        status,
                        said: quoted(&self.complaint.last(LAST_WORDS), output),
                    });
                }
                None if self.start.elapsed() >= self.bound => return Err(self.timed_out()),
                None => thread::sleep(POLL_INTERVAL),
            }
        }
    }

    fn failure(&self, source: io::Error) -> CommandFault {
        CommandFault::Start {
            program: self.program.clone(),
            source,
        }
    }

    fn timed_out(&self) -> CommandFault {
        CommandFault::TimedOut {
            program: self.program.clone(),
            bound: self.bound,
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

/// What a program said, printable; nothing of it if it repeats a line of what the program gave, which
/// may be the secret.
fn quoted(said: &[u8], output: &[u8]) -> String {
    let lines = output
        .split(|octet| *octet == b'\n')
        .map(<[u8]>::trim_ascii);
    let mut secrets = lines.filter(|line| !line.is_empty());
    if secrets.any(|line| memmem::find(said, line).is_some()) {
        return "(left out: it repeats what it gave)".to_owned();
    }
    text::printable(said)
}

fn spawn(command: &CommandLine, stderr: Stdio) -> io::Result<(Child, PipeReader)> {
    let (reader, writer) = io::pipe()?;
    let mut command = command.to_command();
    command
        .stdin(Stdio::inherit())
        .stdout(writer)
        .stderr(stderr);
    Ok((command.spawn()?, reader))
}

/// Reads on a thread of its own, which can be left behind if it takes too long.
fn read_aside(pipe: PipeReader) -> io::Result<Receiver<io::Result<Zeroizing<Vec<u8>>>>> {
    let (sender, receiver) = mpsc::channel();
    let read_and_send = move || {
        // Nobody receives any more after the time-out.
        let _ = sender.send(read_all(pipe));
    };
    thread::Builder::new()
        .name("password".to_owned())
        .spawn(read_and_send)?;
    Ok(receiver)
}

/// Keeps the beginning and drains the rest, so that the program does not die of a closed pipe.
fn read_all(mut pipe: PipeReader) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut output = Zeroizing::new(Vec::with_capacity(line::LONGEST));
    let limit = u64::try_from(line::LONGEST).unwrap_or(u64::MAX);
    pipe.by_ref().take(limit).read_to_end(&mut output)?;
    io::copy(&mut pipe, &mut io::sink())?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::Fault;
    use std::io::IsTerminal;

    fn fault(command: &str, bound: Duration) -> CommandFault {
        output_within(command, bound).unwrap_err()
    }

    fn password(command: &str) -> String {
        let secret = run(command, Wanted::Password).unwrap();
        secret.expose().to_owned()
    }

    #[test]
    fn the_first_line_of_the_output_is_the_password() {
        assert_eq!(
            password("printf 'open sesame\\nlogin: ann\\n'"),
            "open sesame"
        );
    }

    #[test]
    fn no_shell_runs_a_command_that_does_not_name_one() {
        assert_eq!(password("printf %s $HOME;id"), "$HOME;id");
        assert_eq!(password("sh -c 'printf one; printf two'"), "onetwo");
    }

    #[test]
    fn what_cannot_be_split_is_an_error() {
        for command in ["", "  ", "echo 'a"] {
            let fault = fault(command, BOUND);
            assert!(matches!(fault, CommandFault::Words), "{command}");
        }
    }

    #[test]
    fn a_program_that_does_not_exist_is_named_without_its_arguments() {
        let fault = fault("/does/not/exist sesame", BOUND);
        assert!(matches!(fault, CommandFault::Start { .. }));
        let text = fault.to_string();
        assert!(text.contains("/does/not/exist") && !text.contains("sesame"));
    }

    #[test]
    fn a_program_that_fails_gives_no_password() {
        let error = run("sh -c 'echo sesame; exit 3'", Wanted::Token).unwrap_err();
        let words = "the token command sh failed: exit status: 3";
        assert_eq!(error.to_string(), words);
    }

    #[test]
    fn what_a_failed_program_said_last_is_told() {
        let said = |script: &str| fault(&format!("sh -c '{script}'"), BOUND).to_string();
        let words = said("echo dull >&2; echo no key >&2; exit 1");
        // On a terminal it was seen.
        if !io::stderr().is_terminal() {
            assert_eq!(words, "sh failed: exit status: 1: no key");
        }
        let words = said("echo sesame; echo it is sesame >&2; exit 1");
        assert!(!words.contains("sesame"));
    }

    #[test]
    fn what_repeats_the_secret_is_left_out() {
        let output = b"sesame\nlogin: ann\n";
        assert!(quoted(b"it is sesame", output).contains("left out"));
        assert_eq!(quoted(b"no key\x1b[0m", output), r"no key\u{1b}[0m");
        assert_eq!(quoted(b"", output), "");
    }

    #[test]
    fn a_program_that_complains_without_end_and_does_well_is_believed() {
        assert_eq!(
            password("sh -c 'head -c 1000000 /dev/zero >&2; echo x'"),
            "x"
        );
    }

    #[test]
    fn a_program_that_never_ends_is_given_up() {
        let bound = Duration::from_millis(50);
        for command in [
            "sleep 1000",
            "sh -c 'echo sesame; exec >&-; exec sleep 1000'",
        ] {
            let fault = fault(command, bound);
            assert!(matches!(fault, CommandFault::TimedOut { .. }), "{command}");
        }
    }

    #[test]
    fn only_the_beginning_of_endless_output_is_kept() {
        let error = run("head -c 1000000 /dev/zero", Wanted::Password).unwrap_err();
        let too_long = Fault::TooLong;
        assert!(matches!(error, PasswordError::Unusable { fault, .. } if fault == too_long));
    }
}
