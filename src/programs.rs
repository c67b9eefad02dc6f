//! Other programs, run without a shell.

mod complaint;

use std::fmt;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::signal::SigSet;

pub use complaint::Complaint;

/// A program and its arguments. The program is looked for in PATH.
#[derive(Clone, PartialEq, Eq)]
pub struct CommandLine {
    program: String,
    arguments: Vec<String>,
}

impl CommandLine {
    /// Splits a command into words as a shell would; nothing, if it is empty or a quote in it has
    /// no end.
    pub fn split(command: &str) -> Option<Self> {
        let mut words = shlex::split(command)?.into_iter();
        Some(Self {
            program: words.next()?,
            arguments: words.collect(),
        })
    }

    /// The program, for messages: its arguments may be secrets.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// The same with other arguments.
    pub fn with_arguments(self, change: impl FnMut(String) -> String) -> Self {
        Self {
            arguments: self.arguments.into_iter().map(change).collect(),
            ..self
        }
    }

    /// What starts it. The signals that we have blocked for ourselves would make it deaf to Ctrl-C,
    /// so it gets them.
    pub fn to_command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        // SAFETY: between fork and exec this only calls sigprocmask, which is async-signal-safe, and
        // makes an error out of a number, which allocates nothing.
        unsafe { command.pre_exec(unblock_signals) };
        command
    }
}

fn unblock_signals() -> io::Result<()> {
    Ok(SigSet::all().thread_unblock()?)
}

/// Without the arguments.
impl fmt::Debug for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandLine")
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::Signal;

    fn output(command: CommandLine) -> String {
        let output = command.to_command().output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn words_are_split_as_a_shell_does_and_no_shell_is_run() {
        let command = CommandLine::split(r#"echo 'a  b' "$HOME" c\ d; exit 1"#).unwrap();
        assert_eq!(output(command), "a  b $HOME c d; exit 1\n");
        for command in ["", "  ", "echo 'a"] {
            assert_eq!(CommandLine::split(command), None);
        }
    }

    #[test]
    fn arguments_can_be_changed_and_are_not_shown() {
        let command = CommandLine::split("echo sesame").unwrap();
        assert!(!format!("{command:?}").contains("sesame"));
        let other = command.with_arguments(|word| word.to_uppercase());
        assert_eq!(
            (other.program(), &*output(other.clone())),
            ("echo", "SESAME\n")
        );
    }

    #[test]
    fn our_blocked_signals_are_not_handed_down() {
        let blocked: SigSet = [Signal::SIGTERM, Signal::SIGINT].into_iter().collect();
        blocked.thread_block().unwrap();
        let command = "sed -n 's/SigBlk:[[:space:]]*//p' /proc/self/status";
        let mask = output(CommandLine::split(command).unwrap());
        assert_eq!(mask.trim(), "0000000000000000");
    }
}
