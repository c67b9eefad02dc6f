//! Puts messages into a Maildir.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::unistd::User;

use super::text::Sizes;
use crate::dovecot::{mail_user, own};

/// A Maildir that can be delivered to.
pub struct Delivery {
    messages: PathBuf,
    owner: User,
}

impl Delivery {
    /// Makes the directories of a Maildir.
    pub fn to(maildir: &Path) -> io::Result<Delivery> {
        let owner = mail_user()?;
        for part in ["", "new", "tmp", "cur"] {
            fs::create_dir_all(maildir.join(part))?;
            own(&maildir.join(part), &owner)?;
        }
        Ok(Delivery {
            messages: maildir.join("cur"),
            owner,
        })
    }

    /// Writes a message, and tells where.
    pub fn deliver(&self, number: usize, bytes: &[u8], sizes: Sizes) -> io::Result<PathBuf> {
        let file = self.file(number, sizes);
        fs::write(&file, bytes)?;
        own(&file, &self.owner)?;
        Ok(file)
    }

    /// Gives a message of these sizes that is there one more name and number.
    pub fn link(&self, number: usize, sizes: Sizes, message: &Path) -> io::Result<()> {
        fs::hard_link(message, self.file(number, sizes))
    }

    /// The name tells the sizes and that the message was read, so that the server has nothing to
    /// find out and nothing to write when it is measured.
    fn file(&self, number: usize, sizes: Sizes) -> PathBuf {
        let time = 1_000_000_000 + number;
        let Sizes {
            stored,
            on_the_wire,
        } = sizes;
        let name = format!("{time}.M1P1.bench,S={stored},W={on_the_wire}:2,S");
        self.messages.join(name)
    }
}

/// The octets of a delivered message with CRLF line ends.
pub fn octets_of(message: &Path) -> io::Result<u64> {
    let name = message.to_string_lossy();
    let told = name.split_once(",W=").and_then(|(_, told)| {
        let (octets, _) = told.split_once(':')?;
        octets.parse().ok()
    });
    told.ok_or_else(|| io::Error::other(format!("{name} tells no size")))
}
