//! A message that a program has open, and what it may read.

use pop3fs::maildrop::{Correction, OpenMessage};

use crate::mail::{Mail, MailId};

/// A message that is, or was, open.
pub struct Handle {
    /// None once it is closed.
    pub open: Option<OpenMessage>,
    pub mail: MailId,
    /// The versions of the mail that all octets read so far agree with.
    candidates: Vec<Vec<u8>>,
    /// Whether a read was told just now that the server gives other octets.
    is_changing: bool,
    is_changed: bool,
    is_read_whole: bool,
    /// Whether no octet of it had to be there when it was opened, and none has been read.
    is_unbound: bool,
}

impl Handle {
    /// The message has been opened, and its size corrected.
    ///
    /// Promise 2, at open: the size and the last octet are those of the mail.
    pub fn new(open: OpenMessage, correction: Option<Correction>, id: MailId, mail: &Mail) -> Self {
        let mut candidates = mail.versions.clone();
        if let Some(body) = open.body.get() {
            candidates.retain(|version| **version == **body);
        }
        if let Some((offset, octet)) = correction.and_then(|correction| correction.last) {
            candidates.retain(|version| {
                version.len() as u64 == offset + 1 && version.last() == Some(&octet)
            });
        }
        assert!(
            !candidates.is_empty(),
            "mail {id} was opened with other octets, or another size, than it has"
        );
        Self {
            is_unbound: open.listed.is_some() && open.body.get().is_none(),
            open: Some(open),
            mail: id,
            candidates,
            is_changing: false,
            is_changed: false,
            is_read_whole: false,
        }
    }

    /// The mail has these versions now: one who has seen none of it may see any.
    pub fn look_again(&mut self, mail: &Mail) {
        if self.is_unbound {
            self.candidates.clone_from(&mail.versions);
        }
    }

    /// Octets were read.
    ///
    /// Promise 2: they are the message's, all of one version, and fewer than asked for only at the end.
    pub fn read(&mut self, offset: u64, length: usize, octets: &[u8]) {
        assert!(
            octets.is_empty() || !self.is_changed,
            "mail {} was read after it had changed",
            self.mail
        );
        self.is_unbound &= octets.is_empty();
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        self.candidates.retain(|version| {
            let start = start.min(version.len());
            let end = start.saturating_add(length).min(version.len());
            version[start..end] == *octets
        });
        assert!(
            !self.candidates.is_empty(),
            "a read of {length} octets of mail {} at {offset} gave {} octets, and not its own",
            self.mail,
            octets.len()
        );
        self.is_read_whole |= offset == 0 && octets.len() < length;
    }

    /// A read was refused because the program was shown the size that the server lists, and that
    /// is another than the message's.
    pub fn misled(&mut self, listed: u64, exact: u64) {
        self.candidates
            .retain(|version| version.len() as u64 == exact);
        assert!(listed != exact && !self.candidates.is_empty());
    }

    /// Whether all octets of a version have been read.
    pub fn is_read_whole(&self) -> bool {
        self.is_read_whole
    }

    /// A read was told that the server now gives other octets. Answers that came together with this one may
    /// have been given before.
    pub fn changing(&mut self) {
        self.is_changing = true;
    }

    /// From now on it has changed, if a read was told so.
    pub fn changed(&mut self) {
        self.is_changed |= self.is_changing;
    }
}
