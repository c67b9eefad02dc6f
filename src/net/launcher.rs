//! A program on the way to the server, which the [keeper](crate::keeper) runs for us.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use super::program;
use super::socket::Socket;
use super::{Endpoint, NetError};
use crate::keeper::{Answer, Channel, Errand, Keeper};
use crate::programs::CommandLine;

/// Has a program started for each connection.
#[derive(Clone, Debug)]
pub struct Launcher {
    program: String,
    errand: Errand,
}

/// A program at work, ended when nobody holds it any more.
#[derive(Clone, Debug)]
pub(super) struct Program(Arc<Channel>);

impl Launcher {
    /// Entrusts the keeper with a command for a server; `%h` in its arguments is the server's host,
    /// `%p` its port.
    pub fn entrust(keeper: &mut Keeper, command: CommandLine, endpoint: Endpoint) -> Self {
        let program = command.program().to_owned();
        let errand = keeper.entrust(move |_, channel| {
            // Nobody asks any more when the connection is given up.
            let _ = attend(&command, &endpoint, &channel);
        });
        Self { program, errand }
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// [`NetError::Program`]
    pub(super) fn start(&self) -> Result<Socket, NetError> {
        self.try_start().map_err(|error| NetError::Program {
            program: self.program.clone(),
            reason: error.to_string(),
        })
    }

    fn try_start(&self) -> io::Result<Socket> {
        let (answer, channel) = self.errand.run(&[])?;
        let socket = UnixStream::from(answer.into_descriptor()?);
        Ok(Socket::Program(socket, Program(Arc::new(channel))))
    }
}

/// Starts the program, and tells how it has ended as often as it is asked, as long as somebody is
/// there to ask.
fn attend(command: &CommandLine, endpoint: &Endpoint, channel: &Channel) -> io::Result<()> {
    let (socket, mut running) = match program::start(command, endpoint) {
        Ok(started) => started,
        Err(error) => return Answer::refuse(&error, channel),
    };
    Answer::default().with(socket.into()).send(channel)?;
    while channel.receive()?.is_some() {
        let words = running.last_words().unwrap_or_default();
        Answer::from(words).send(channel)?;
    }
    Ok(())
}

impl Program {
    /// How it has ended, if that was not well. May take half a second.
    pub(super) fn last_words(&self) -> Option<String> {
        self.0.send(b"?", None).ok()?;
        let words = Answer::receive(&self.0).ok()?;
        let words = String::from_utf8_lossy(words.octets()).into_owned();
        (!words.is_empty()).then_some(words)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Security;
    use super::super::deadline::Deadline;
    use super::super::test_server::AMPLE;
    use super::*;
    use std::io::{Read, Write};

    fn started(command: &str) -> Result<Socket, NetError> {
        let endpoint = Endpoint {
            host: "pop.example.org".into(),
            port: 995,
            security: Security::Cleartext,
        };
        let mut keeper = Keeper::default();
        let command = CommandLine::split(command).unwrap();
        let launcher = Launcher::entrust(&mut keeper, command, endpoint);
        keeper.begin_here();
        launcher.start()
    }

    fn heard(socket: &mut Socket) -> String {
        let mut text = Vec::new();
        let mut buffer = [0; 100];
        loop {
            assert!(Deadline::after(AMPLE).wait_readable(&*socket).unwrap());
            match socket.read(&mut buffer).unwrap() {
                0 => return String::from_utf8(text).unwrap(),
                count => text.extend_from_slice(&buffer[..count]),
            }
        }
    }

    #[test]
    fn a_program_is_run_by_another_process_and_spoken_with_by_ours() {
        let mut socket = started("sh -c 'echo $0 $1; read line; echo $line' %h %p").unwrap();
        socket.write_all(b"hello\n").unwrap();
        assert_eq!(heard(&mut socket), "pop.example.org 995\nhello\n");
        assert_eq!(socket.program().unwrap().last_words(), None);
    }

    #[test]
    fn how_it_has_ended_is_told() {
        let mut socket = started("sh -c 'exit 3'").unwrap();
        assert_eq!(heard(&mut socket), "");
        let words = "the connect command sh failed: exit status: 3";
        let program = socket.program().unwrap();
        assert_eq!(program.last_words().as_deref(), Some(words));
        let error = started("/does/not/exist sesame").unwrap_err().to_string();
        assert!(error.contains("/does/not/exist") && !error.contains("sesame"));
    }
}
