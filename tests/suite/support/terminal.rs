//! Somebody at a terminal, who types a password when asked for it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;
use std::thread::{self, JoinHandle};

use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{LocalFlags, tcgetattr};

use super::process::eventually;

/// A terminal that nothing runs in yet.
pub struct Terminal {
    keyboard: PtyMaster,
    name: String,
    device: File,
}

impl Terminal {
    /// A new one.
    pub fn new() -> Self {
        // Those who are started meanwhile must not have it open.
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let keyboard = posix_openpt(flags).expect("a terminal");
        grantpt(&keyboard).expect("our own terminal");
        unlockpt(&keyboard).expect("our own terminal");
        let name = ptsname_r(&keyboard).expect("a terminal with a name");
        let mut device = OpenOptions::new();
        device.read(true).custom_flags(OFlag::O_NOCTTY.bits());
        Self {
            device: device.open(&name).expect("our own terminal"),
            keyboard,
            name,
        }
    }

    /// The same command, run in it.
    pub fn running(&self, command: &Command) -> Command {
        let mut within = Command::new("sh");
        within
            .args(["-c", "exec setsid --ctty --wait \"$@\" <\"$0\""])
            .arg(&self.name)
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => within.env(name, value),
                None => within.env_remove(name),
            };
        }
        within
    }

    /// Has the words typed as soon as what is typed is not shown; all that is shown until nothing has the
    /// terminal open any more.
    pub fn typing(self, words: &str) -> JoinHandle<Vec<u8>> {
        let words = format!("{words}\n");
        thread::spawn(move || {
            let Self {
                mut keyboard,
                device,
                ..
            } = self;
            eventually("a question", || {
                let settings = tcgetattr(&device).expect("a terminal");
                !settings.local_flags.contains(LocalFlags::ECHO)
            });
            keyboard.write_all(words.as_bytes()).expect("a terminal");
            drop(device);
            let mut shown = Vec::new();
            // It ends with an error, when nothing has it open.
            let _ = keyboard.read_to_end(&mut shown);
            shown
        })
    }
}
