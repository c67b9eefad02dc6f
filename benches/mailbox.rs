//! Generated mail, the same on every machine and in every run: a Maildir, made once and kept
//! under the target directory. Real mail beside it, where a directory of it is named.

mod delivery;
mod real;
mod text;

use std::fmt;
use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use delivery::Delivery;
use tempfile::TempDir;
use text::{Chance, Text};

/// Changes whenever what is generated does, so that a kept mailbox is not mistaken for it.
const EDITION: u32 = 3;

/// How many different texts notes have: enough that sizes differ, and few enough to be written
/// fast; a file system may allow 65,000 links to each.
const TEXTS: usize = 64;

/// What kind of mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Small messages, all about 4 KB: a mailbox of conversations.
    Letters,
    /// Median 8 KB and mean 60 KB: few large messages are most of the mail, as in life.
    Mixed,
    /// Messages of 8 KB, to look at one by one.
    Single,
    /// About 2 KB, for listings only: few different texts, each the message of many.
    Notes,
    /// Messages of 25 MB.
    Huge,
    /// Messages of 1 GiB.
    Giant,
    /// What people wrote, as it was named on the command line.
    Real,
}

/// A mailbox to be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mailbox {
    pub kind: Kind,
    pub count: usize,
}

impl Mailbox {
    /// So many messages of a kind.
    pub const fn new(kind: Kind, count: usize) -> Mailbox {
        Mailbox { kind, count }
    }

    /// A copy of the messages in and below a directory, one in each file.
    pub fn real(directory: &Path) -> io::Result<Mailbox> {
        let messages = real::messages(directory)?;
        let mailbox = Mailbox::new(Kind::Real, messages.len());
        mailbox.keep(|maildir| real::copy(&messages, maildir))?;
        Ok(mailbox)
    }

    /// The message-numbers a server gives its messages.
    pub fn numbers(self) -> RangeInclusive<usize> {
        1..=self.count
    }

    /// The Maildir, made if it is not there yet.
    pub fn maildir(self) -> io::Result<PathBuf> {
        if !self.kept().exists() {
            self.keep(|maildir| self.write(maildir))?;
        }
        Ok(self.kept())
    }

    /// Where the Maildir is, once it is made.
    fn kept(self) -> PathBuf {
        let name = format!("{:?}-{}-{EDITION}", self.kind, self.count).to_lowercase();
        Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("mail")
            .join(name)
    }

    /// Makes the Maildir, in place of one that is there; only a finished one gets the name.
    fn keep(self, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        let making = self.kept().with_extension(std::process::id().to_string());
        write(&making)?;
        if self.kept().exists() {
            fs::remove_dir_all(self.kept())?;
        }
        fs::rename(&making, self.kept())
    }

    /// A copy to delete from.
    pub fn spare(self) -> io::Result<TempDir> {
        let messages = self.maildir()?.join("cur");
        let spare = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        Delivery::to(spare.path())?;
        for message in fs::read_dir(messages)? {
            let message = message?;
            fs::hard_link(
                message.path(),
                spare.path().join("cur").join(message.file_name()),
            )?;
        }
        Ok(spare)
    }

    /// Fails unless something was done with every message.
    pub fn expect_count(self, count: usize) -> io::Result<()> {
        expect("messages", self.count as u64, count as u64)
    }

    /// The octets of all messages.
    pub fn octets(self) -> io::Result<u64> {
        fs::read_dir(self.maildir()?.join("cur"))?
            .map(|message| delivery::octets_of(&message?.path()))
            .sum()
    }

    /// Fails unless the messages have so many octets together.
    pub fn expect_octets(self, octets: u64) -> io::Result<()> {
        expect("octets", self.octets()?, octets)
    }

    /// A word that is in some lines of every message.
    pub fn word(self) -> &'static str {
        match self.kind {
            Kind::Real => "Subject:",
            _ => "yesterday",
        }
    }

    /// Whether its messages are ever read.
    pub fn is_read(self) -> bool {
        self.kind != Kind::Notes
    }

    fn message(self, number: usize) -> io::Result<Text> {
        let mut chance = Chance::new(number);
        let octets = self.kind.octets(&mut chance)?;
        Ok(Text::message(number, octets, &mut chance))
    }

    fn write(self, maildir: &Path) -> io::Result<()> {
        let delivery = Delivery::to(maildir)?;
        let few = match self.kind {
            Kind::Notes => TEXTS,
            _ => self.count,
        };
        let mut texts = Vec::new();
        for number in self.numbers().take(few) {
            let text = self.message(number)?;
            let file = delivery.deliver(number, text.bytes(), text.sizes())?;
            texts.push((text.sizes(), file));
        }
        for (number, (sizes, file)) in self.numbers().zip(texts.iter().cycle()).skip(few) {
            delivery.link(number, *sizes, file)?;
        }
        Ok(())
    }
}

/// How many, and of what size.
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = match self.kind {
            Kind::Letters => "of 4 KB",
            Kind::Mixed => "with a mean of 60 KB",
            Kind::Single => "of 8 KB",
            Kind::Notes => "of 2 KB",
            Kind::Huge => "of 25 MB",
            Kind::Giant => "of 1 GiB",
            Kind::Real => "that people wrote",
        };
        write!(f, "{} messages {size}", self.count)
    }
}

impl Kind {
    /// The size a message of this kind should have.
    fn octets(self, chance: &mut Chance) -> io::Result<usize> {
        Ok(match self {
            Kind::Letters => chance.between(3_000, 5_300),
            Kind::Mixed => (8_192.0 * (2.05 * chance.normal()).exp()) as usize,
            Kind::Single => chance.between(7_900, 8_300),
            Kind::Notes => chance.between(1_500, 2_500),
            Kind::Huge => 25_000_000,
            Kind::Giant => 1 << 30,
            Kind::Real => return Err(io::Error::other("real mail cannot be made")),
        })
    }
}

fn expect(what: &str, expected: u64, found: u64) -> io::Result<()> {
    if found == expected {
        Ok(())
    } else {
        Err(io::Error::other(format!(
            "{found} {what} instead of {expected}"
        )))
    }
}
