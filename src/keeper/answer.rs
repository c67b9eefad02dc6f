//! What comes of an errand.

use std::io;
use std::os::fd::OwnedFd;

use zeroize::Zeroizing;

use super::channel::Channel;

/// The first octet of an answer that is none.
const REFUSED: u8 = 0;

/// The first octet of an answer.
const DONE: u8 = 1;

/// The kinds of errors that are told apart on the other side.
const KINDS: [io::ErrorKind; 7] = [
    io::ErrorKind::Other,
    io::ErrorKind::NotFound,
    io::ErrorKind::PermissionDenied,
    io::ErrorKind::ResourceBusy,
    io::ErrorKind::StorageFull,
    io::ErrorKind::QuotaExceeded,
    io::ErrorKind::Interrupted,
];

/// What comes of an errand that went well: an octet before the words says so.
#[derive(Debug)]
pub struct Answer {
    octets: Zeroizing<Vec<u8>>,
    descriptor: Option<OwnedFd>,
}

impl Answer {
    /// The same with a descriptor.
    pub fn with(self, descriptor: OwnedFd) -> Self {
        Self {
            descriptor: Some(descriptor),
            ..self
        }
    }

    /// The words.
    pub fn octets(&self) -> &[u8] {
        self.octets.get(1..).unwrap_or_default()
    }

    /// The descriptor.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn into_descriptor(self) -> io::Result<OwnedFd> {
        self.descriptor
            .ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Gives it to whoever asked.
    ///
    /// # Errors
    ///
    /// Nobody waits for it any more.
    pub fn send(self, channel: &Channel) -> io::Result<()> {
        channel.send(&self.octets, self.descriptor)
    }

    /// Gives it, or an error in its place, to whoever asked.
    ///
    /// # Errors
    ///
    /// Nobody waits for it any more.
    pub fn send_result(result: io::Result<Self>, channel: &Channel) -> io::Result<()> {
        match result {
            Ok(answer) => answer.send(channel),
            Err(error) => Self::refuse(&error, channel),
        }
    }

    /// Says why there is no answer.
    ///
    /// # Errors
    ///
    /// Nobody waits for it any more.
    pub fn refuse(error: &io::Error, channel: &Channel) -> io::Result<()> {
        let kind = KINDS.iter().position(|kind| *kind == error.kind());
        let kind = kind.and_then(|kind| u8::try_from(kind).ok()).unwrap_or(0);
        let words = error.to_string();
        channel.send(&[&[REFUSED, kind], words.as_bytes()].concat(), None)
    }

    /// Waits for an answer.
    ///
    /// # Errors
    ///
    /// The errand's own, or whoever ran it is gone.
    pub fn receive(channel: &Channel) -> io::Result<Self> {
        let message = channel.receive()?.ok_or(io::ErrorKind::BrokenPipe)?;
        match &**message.octets {
            [DONE, ..] => Ok(Self {
                octets: message.octets,
                descriptor: message.descriptor,
            }),
            [REFUSED, kind, words @ ..] => {
                let kind = KINDS.get(usize::from(*kind)).copied();
                let words = String::from_utf8_lossy(words).into_owned();
                Err(io::Error::new(kind.unwrap_or(io::ErrorKind::Other), words))
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Without words.
impl Default for Answer {
    fn default() -> Self {
        Self::from([])
    }
}

impl<T: AsRef<[u8]>> From<T> for Answer {
    fn from(words: T) -> Self {
        Self {
            octets: Zeroizing::new([&[DONE], words.as_ref()].concat()),
            descriptor: None,
        }
    }
}
