//! A program for each connection, as inetd(8) has it.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Gives each connection to a program of its own as standard input and output. Stops, and kills the
/// programs, when it is dropped.
pub struct Inetd {
    port: u16,
    /// Dropped to stop it.
    running: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl Inetd {
    /// Runs this for each connection; what it writes to standard error goes to a file.
    pub fn start(command: Command, errors: &Path) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound address").port();
        let errors = File::create(errors).expect("a file to write");
        let (running, stop) = UnixStream::pair().expect("a pair of sockets");
        Self {
            port,
            running: Some(running),
            thread: Some(thread::spawn(move || {
                serve(command, &errors, &listener, &stop);
            })),
        }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Inetd {
    fn drop(&mut self) {
        drop(self.running.take());
        if let Some(thread) = self.thread.take() {
            // A panic has been reported already.
            let _ = thread.join();
        }
    }
}

fn serve(mut command: Command, errors: &File, listener: &TcpListener, stop: &UnixStream) {
    let mut children: Vec<Child> = Vec::new();
    while comes_before(listener, stop) {
        let (stream, _) = listener.accept().expect("a connection");
        children.push(spawn(&mut command, errors, stream));
        children.retain_mut(|child| !matches!(child.try_wait(), Ok(Some(_))));
    }
    for mut child in children {
        // Fails where it has ended, which is as good.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Waits for a connection; false if it is to stop.
fn comes_before(listener: &TcpListener, stop: &UnixStream) -> bool {
    let mut both = [listener.as_fd(), stop.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
    poll(&mut both, PollTimeout::NONE).expect("something to wait for");
    !both[1].any().unwrap_or(true)
}

fn spawn(command: &mut Command, errors: &File, stream: TcpStream) -> Child {
    let output = stream.try_clone().expect("a second descriptor");
    let errors = errors.try_clone().expect("a second descriptor");
    let child = command
        .stdin(Stdio::from(OwnedFd::from(stream)))
        .stdout(Stdio::from(OwnedFd::from(output)))
        .stderr(errors)
        .spawn()
        .expect("a program to start");
    // Else the connection would stay open here.
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    child
}
