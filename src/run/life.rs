//! The life of a mount, from when it is there to the end of its process.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::cli::{ExitStatus, MountRequest};
use crate::fs::Events;
use crate::fuse::{self, Ended, Mounted, Notifier, Rights};
use crate::maildrop::{self, CommitReport, Maildrop, Terms};
use crate::signals::Signal;

use super::compose::{self, Mailbox};
use super::failure::Failure;

/// How long a commit at the end may take while the server shows life: it deletes one message in a
/// round trip where it pipelines nothing.
const COMMIT_PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a session without marks may take to be left.
const LEAVE_PATIENCE: Duration = Duration::from_secs(5);

/// How long files that are open, and copies of the mount in other namespaces, are served on after
/// the mount has gone and the commit is done: enough to read a message to its end, and not so long
/// that whoever has unmounted wonders why the process is still there.
const LINGER: Duration = Duration::from_secs(5);

/// What can happen to a mount.
pub(super) enum Event {
    Signal(Signal),
    Ended(Ended),
    Committed(Result<Arc<CommitReport>, maildrop::Error>),
    /// Whether somebody may just be being asked, on the terminal, what to log in with.
    Asking(bool),
    Listed(Result<(), Failure>),
}

impl From<Signal> for Event {
    fn from(signal: Signal) -> Self {
        Self::Signal(signal)
    }
}

/// What is to be done before the end.
enum Farewell {
    Commit,
    None,
}

impl Farewell {
    fn to(signal: Signal) -> Self {
        match signal {
            Signal::Quit => Self::None,
            Signal::Terminate | Signal::Interrupt | Signal::HangUp => Self::Commit,
        }
    }
}

/// Somebody would not wait for the commit's end.
struct Interrupted;

/// A mount that is being served.
pub(super) struct Life {
    maildrop: Maildrop,
    mounted: Mounted,
    sender: Sender<Event>,
    events: Receiver<Event>,
    /// What those who read `.pop3fs/events` are told.
    happenings: Events,
    telling: Notifier,
    destroyed: bool,
}

impl Life {
    /// Mounts what has been listed.
    pub fn begin(
        request: &MountRequest,
        mailbox: Mailbox,
        rights: Rights,
        sender: Sender<Event>,
        events: Receiver<Event>,
    ) -> Result<Self, Failure> {
        let Mailbox {
            maildrop,
            tree,
            notifier,
            events: happenings,
        } = mailbox;
        let options = compose::mount_options(request);
        let ended = sender.clone();
        let tell = Arc::new(move |end| drop(ended.send(Event::Ended(end))));
        let telling = notifier.clone();
        let mounted = fuse::mount(tree, notifier, rights, &options, tell)?;
        Ok(Self {
            maildrop,
            mounted,
            sender,
            events,
            happenings,
            telling,
            destroyed: false,
        })
    }

    /// Waits for the end, and commits.
    pub fn serve(mut self) -> ExitStatus {
        let status = match self.wait_for_end() {
            Farewell::Commit => self.end_well(),
            Farewell::None => self.end_at_once(),
        };
        log::info!("unmounted");
        status
    }

    fn end_well(&mut self) -> ExitStatus {
        match self.commit_and_linger() {
            Ok(status) => {
                self.leave();
                status
            }
            // Without a farewell, for QUIT would carry out what is not to be done.
            Err(Interrupted) => {
                log::error!(
                    "commit: interrupted; the marks are kept in the journal, and the next mount \
                     finds out whether any of it was done"
                );
                ExitStatus::TempFail
            }
        }
    }

    fn commit_and_linger(&mut self) -> Result<ExitStatus, Interrupted> {
        let mut status = match self.maildrop.final_commit() {
            Some(report) => status_of(&report),
            None => self.commit()?,
        };
        let happenings = self.happenings.clone();
        self.telling.then(move || happenings.end());
        self.linger();
        // A container that holds a copy of the mount may have removed more meanwhile.
        if status == ExitStatus::Ok && self.maildrop.status().marked > 0 {
            status = self.commit()?;
        }
        Ok(status)
    }

    /// The server takes the link's end for what it is.
    fn end_at_once(&self) -> ExitStatus {
        match self.maildrop.status().marked {
            0 => ExitStatus::Ok,
            marked => {
                log::warn!(
                    "no commit, as it was asked for; {marked} marked messages stay in the journal"
                );
                ExitStatus::TempFail
            }
        }
    }

    fn wait_for_end(&mut self) -> Farewell {
        loop {
            match self.events.recv() {
                Ok(Event::Signal(Signal::HangUp)) => self.refresh(),
                Ok(Event::Signal(signal)) => {
                    log::info!("{signal}: unmounting");
                    self.detach();
                    return Farewell::to(signal);
                }
                Ok(Event::Ended(end)) => {
                    self.note(end);
                    return Farewell::Commit;
                }
                Ok(Event::Committed(_) | Event::Asking(_) | Event::Listed(_)) => {}
                Err(_) => return Farewell::Commit,
            }
        }
    }

    fn refresh(&self) {
        self.maildrop.refresh(Box::new(|refreshed| {
            if let Err(error) = refreshed {
                log::warn!("cannot look for new mail: {error}");
            }
        }));
    }

    fn detach(&self) {
        if let Err(error) = self.mounted.detach() {
            log::warn!("cannot unmount: {error}");
        }
    }

    fn note(&mut self, end: Ended) {
        self.destroyed |= end == Ended::Destroyed;
    }

    /// Waits for the commit's end; a signal ends the wait.
    fn commit(&mut self) -> Result<ExitStatus, Interrupted> {
        let sender = self.sender.clone();
        self.maildrop.commit_within(
            COMMIT_PATIENCE,
            Terms::default(),
            Box::new(move |result| drop(sender.send(Event::Committed(result)))),
        );
        loop {
            match self.events.recv() {
                Ok(Event::Committed(Ok(report))) => return Ok(status_of(&report)),
                Err(_) => return Ok(ExitStatus::TempFail),
                Ok(Event::Committed(Err(error))) => {
                    log::error!("commit: {error}; the marks are kept in the journal");
                    return Ok(ExitStatus::TempFail);
                }
                Ok(Event::Signal(Signal::Terminate | Signal::Interrupt | Signal::Quit)) => {
                    return Err(Interrupted);
                }
                Ok(Event::Ended(end)) => self.note(end),
                Ok(Event::Signal(Signal::HangUp) | Event::Asking(_) | Event::Listed(_)) => {}
            }
        }
    }

    fn linger(&mut self) {
        let until = Instant::now() + LINGER;
        while !self.destroyed {
            match self
                .events
                .recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                Ok(Event::Ended(end)) => self.note(end),
                Ok(Event::Signal(Signal::Terminate | Signal::Interrupt | Signal::Quit)) => return,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
                Ok(_) => {}
            }
        }
    }

    fn leave(&self) {
        let (sender, left) = channel();
        self.maildrop.leave(
            LEAVE_PATIENCE,
            Box::new(move |result| drop(sender.send(result))),
        );
        if left
            .recv_timeout(LEAVE_PATIENCE + Duration::from_secs(1))
            .is_err()
        {
            log::debug!("left without a farewell");
        }
    }
}

fn status_of(report: &CommitReport) -> ExitStatus {
    if report.complete {
        ExitStatus::Ok
    } else {
        ExitStatus::TempFail
    }
}
