//! Running other programs, with an end to it.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Once;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::unistd::Pid;

/// Longer than anything here takes; a program that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often to look whether something has happened.
const GLANCE: Duration = Duration::from_millis(5);

/// What became of a program.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub status: ExitStatus,
    /// Everything it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// Everything it wrote to its standard error.
    pub stderr: String,
}

impl Outcome {
    /// The exit status; none after a signal.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Whether it wrote a word, to its standard output or error.
    pub fn says(&self, word: &str) -> bool {
        self.text().contains(word) || self.stderr.contains(word)
    }

    /// Itself, if the program succeeded.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert!(
            self.status.success(),
            "{}\nstdout: {}\nstderr: {}",
            self.status,
            self.text(),
            self.stderr
        );
        self
    }
}

/// Runs a program to its end, without standard input.
///
/// Its output goes through files, not pipes: a daemon that kept them open would not keep us here.
#[track_caller]
pub fn run(command: &mut Command) -> Outcome {
    start(command).finish()
}

/// Starts a program, without standard input.
#[track_caller]
pub fn start(command: &mut Command) -> Running {
    INTERRUPTIBLE.call_once(become_interruptible);
    let stdout = tempfile::tempfile().expect("a temporary file");
    let stderr = tempfile::tempfile().expect("a temporary file");
    let child = command
        .stdin(Stdio::null())
        .stdout(stdout.try_clone().expect("a second descriptor"))
        .stderr(stderr.try_clone().expect("a second descriptor"))
        .spawn()
        .unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()));
    Running {
        command: format!("{command:?}"),
        child,
        stdout,
        stderr,
    }
}

static INTERRUPTIBLE: Once = Once::new();

/// Shells have what they run in the background ignore SIGINT, and so would what we start.
fn become_interruptible() {
    // SAFETY: no handler is put in place, and none taken away.
    let was = unsafe { signal(Signal::SIGINT, SigHandler::SigDfl) };
    was.expect("a signal to reset");
}

/// A program that was started; killed if it is dropped before its end.
#[derive(Debug)]
pub struct Running {
    command: String,
    child: Child,
    stdout: File,
    stderr: File,
}

impl Running {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.id().try_into().expect("a process id"));
        kill(id, signal).expect("a program to signal");
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("a child to wait for")
            .is_some()
    }

    /// What it has written to its standard output until now.
    pub fn output(&self) -> String {
        let mut octets = vec![0; 1 << 16];
        let length = self.stdout.read_at(&mut octets, 0).expect("a file to read");
        String::from_utf8_lossy(&octets[..length]).into_owned()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn finish(mut self) -> Outcome {
        eventually(&format!("{} ends", self.command), || self.has_ended());
        Outcome {
            status: self.child.wait().expect("a child to wait for"),
            stdout: contents(&mut self.stdout),
            stderr: String::from_utf8_lossy(&contents(&mut self.stderr)).into_owned(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails where the program has ended, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn contents(file: &mut File) -> Vec<u8> {
    let mut octets = Vec::new();
    file.rewind().expect("a file to rewind");
    file.read_to_end(&mut octets).expect("a file to read");
    octets
}

/// Waits until something is so.
///
/// # Panics
///
/// When it takes longer than anything here should.
#[track_caller]
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        thread::sleep(GLANCE);
    }
}
