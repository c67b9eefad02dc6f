//! The tasks, and what they have in common.

pub mod cat;
pub mod copy;
pub mod demand;
pub mod directory;
pub mod download;
pub mod grep;
pub mod head;
pub mod list;
pub mod lockstep;
pub mod peek;
pub mod processors;
pub mod random;
pub mod remove;
pub mod search;
pub mod size;
pub mod stream;
pub mod wait;

mod disorder;
mod reading;
mod walk;

use std::io;

use crate::mailbox::{Kind, Mailbox};
use crate::options::Options;
use crate::race::Race;
use crate::server::Software;
use crate::setting::Setting;
use crate::stage::Stage;

/// The yardstick's name.
const BARE: &str = "bare client";

/// Our name.
const POP3FS: &str = "pop3fs";

/// Where files are that cost nothing but the kernel's work.
const TMPFS: &str = "tmpfs";

/// Something to do with a mailbox.
pub struct Task {
    /// Its name on the command line.
    pub name: &'static str,
    /// None where it is the one that was named on the command line.
    mailbox: Option<Mailbox>,
    software: Software,
    race: fn(&Stage) -> io::Result<Vec<Race>>,
}

impl Task {
    /// A task that Dovecot serves.
    pub const fn new(
        name: &'static str,
        mailbox: Mailbox,
        race: fn(&Stage) -> io::Result<Vec<Race>>,
    ) -> Task {
        Task {
            mailbox: Some(mailbox),
            ..Task::of_real_mail(name, race)
        }
    }

    /// The same with real mail.
    pub const fn of_real_mail(
        name: &'static str,
        race: fn(&Stage) -> io::Result<Vec<Race>>,
    ) -> Task {
        Task {
            name,
            mailbox: None,
            software: Software::Dovecot,
            race,
        }
    }

    /// The same, served by another program.
    pub const fn served_by(self, software: Software) -> Task {
        Task { software, ..self }
    }

    /// Whether it is done with real mail.
    pub fn wants_real_mail(&self) -> bool {
        self.mailbox.is_none()
    }

    /// Does it in a setting.
    pub fn run(&self, setting: &Setting, options: &Options) -> io::Result<Vec<Race>> {
        let mailbox = match (self.mailbox, &options.mail) {
            (Some(mailbox), _) => part_of(mailbox, setting, options),
            (None, Some(directory)) => Mailbox::real(directory)?,
            (None, None) => return Err(io::Error::other("no real mail was named")),
        };
        let stage = Stage::set(self.software, mailbox, setting.distance, options)?;
        (self.race)(&stage)
    }
}

/// As much of a generated mailbox as was asked for.
fn part_of(mailbox: Mailbox, setting: &Setting, options: &Options) -> Mailbox {
    let count = match mailbox.kind {
        Kind::Single | Kind::Huge | Kind::Giant => mailbox.count,
        _ => options.part_of(mailbox.count),
    };
    Mailbox::new(mailbox.kind, setting.count.unwrap_or(count))
}
