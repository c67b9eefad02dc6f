//! The terminal's settings, to be put back where a question is cut short.

use std::fs::File;

use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp};

/// The terminal that the process belongs to, wherever its standard streams lead.
pub(super) const DEVICE: &str = "/dev/tty";

/// The terminal that the process belongs to, and how it was set.
#[derive(Debug)]
pub struct Terminal {
    device: File,
    settings: Termios,
}

impl Terminal {
    /// As it is now; none where the process has no terminal.
    pub fn as_it_is() -> Option<Self> {
        let device = File::open(DEVICE).ok()?;
        let settings = tcgetattr(&device).ok()?;
        Some(Self { device, settings })
    }

    /// Sets it as it was, unless it is for others to set by now.
    pub fn restore(&self) {
        if tcgetpgrp(&self.device) == Ok(getpgrp()) {
            // A terminal that is gone needs no settings.
            let _ = tcsetattr(&self.device, SetArg::TCSANOW, &self.settings);
        }
    }
}
