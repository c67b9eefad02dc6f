//! Words and descriptors between two processes.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg,
    sendmsg, socketpair,
};
use zeroize::Zeroizing;

/// The longest message, in octets: a token can be 8192 long.
const LONGEST: usize = 16 * 1024;

/// One end of a socket that keeps messages apart.
#[derive(Debug)]
pub struct Channel(OwnedFd);

/// What comes over it.
#[derive(Debug)]
pub struct Message {
    /// The words; wiped when they are dropped, for they may be a secret.
    pub octets: Zeroizing<Vec<u8>>,
    /// What was sent with them.
    pub descriptor: Option<OwnedFd>,
}

impl Channel {
    /// Two ends of one channel.
    ///
    /// # Errors
    ///
    /// The system has no descriptor left.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_CLOEXEC,
        )?;
        Ok((Self(one), Self(other)))
    }

    /// Sends at least one octet, and a descriptor, which is closed here.
    ///
    /// # Errors
    ///
    /// Nobody receives any more, or it is too long.
    pub fn send(&self, octets: &[u8], descriptor: Option<OwnedFd>) -> io::Result<()> {
        let rights = descriptor
            .as_ref()
            .map(|descriptor| [descriptor.as_raw_fd()]);
        let control = rights
            .as_ref()
            .map(|rights| ControlMessage::ScmRights(rights));
        sendmsg::<()>(
            self.0.as_raw_fd(),
            &[IoSlice::new(octets)],
            control.as_slice(),
            MsgFlags::MSG_NOSIGNAL,
            None,
        )?;
        Ok(())
    }

    /// Waits for a message; nothing if nobody sends any more.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn receive(&self) -> io::Result<Option<Message>> {
        let mut octets = Zeroizing::new(vec![0; LONGEST]);
        let (length, descriptor) = loop {
            match self.receive_into(&mut octets) {
                Err(Errno::EINTR) => {}
                received => break received?,
            }
        };
        octets.truncate(length);
        Ok((length > 0).then_some(Message { octets, descriptor }))
    }

    /// Waits until nobody has the other end any more, and receives nothing.
    ///
    /// # Errors
    ///
    /// The system cannot wait.
    pub fn wait_for_end(&self) -> io::Result<()> {
        // Its end is told unasked.
        let mut end = [PollFd::new(self.0.as_fd(), PollFlags::empty())];
        loop {
            match poll(&mut end, PollTimeout::NONE) {
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn receive_into(&self, octets: &mut [u8]) -> nix::Result<(usize, Option<OwnedFd>)> {
        let mut space = nix::cmsg_space!(RawFd);
        let mut slices = [IoSliceMut::new(octets)];
        let received = recvmsg::<()>(
            self.0.as_raw_fd(),
            &mut slices,
            Some(&mut space),
            MsgFlags::MSG_CMSG_CLOEXEC,
        )?;
        let rights = received.cmsgs()?.flat_map(|message| match message {
            ControlMessageOwned::ScmRights(descriptors) => descriptors,
            _ => Vec::new(),
        });
        // SAFETY: the kernel has just made these descriptors for us; nobody else knows of them.
        let mut owned = rights.map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) });
        let first = owned.next();
        owned.for_each(drop);
        Ok((received.bytes, first))
    }
}

impl From<OwnedFd> for Channel {
    fn from(socket: OwnedFd) -> Self {
        Self(socket)
    }
}

impl From<Channel> for OwnedFd {
    fn from(channel: Channel) -> Self {
        channel.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read, Write};

    #[test]
    fn messages_are_kept_apart_and_have_an_end() {
        let (one, other) = Channel::pair().unwrap();
        one.send(b"first", None).unwrap();
        one.send(b"second", None).unwrap();
        drop(one);
        let received = || other.receive().unwrap().map(|message| message.octets);
        assert_eq!(received().unwrap().as_slice(), b"first");
        assert_eq!(received().unwrap().as_slice(), b"second");
        assert_eq!(received(), None);
    }

    #[test]
    fn a_descriptor_goes_over() {
        let (one, other) = Channel::pair().unwrap();
        let (mut reader, mut writer) = io::pipe().unwrap();
        one.send(b"x", Some(writer.try_clone().unwrap().into()))
            .unwrap();
        let sent = other.receive().unwrap().unwrap().descriptor.unwrap();
        File::from(sent).write_all(b"through it").unwrap();
        writer.write_all(b".").unwrap();
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through it.");
    }

    #[test]
    fn what_nobody_receives_is_an_error_and_no_signal() {
        let (one, other) = Channel::pair().unwrap();
        drop(other);
        assert!(one.send(b"x", None).is_err());
    }
}
