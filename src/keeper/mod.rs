//! A process beside ours that keeps the rights which ours gives up.
//!
//! ```text
//! entrust, entrust, ... begin ── our process: gives up its rights, and has errands run
//!                           `─── the keeper:  runs each errand that it was entrusted with, on a
//!                                             thread of its own, until our process is gone
//! ```
//!
//! What an errand does is fixed before the processes part; later only words go over, and
//! descriptors. So whoever gets hold of our process can have the keeper do nothing but what the
//! mount is for.

mod answer;
mod channel;
mod vigil;

use std::ffi::CStr;
use std::fmt;
use std::io;
use std::process;
use std::sync::{Arc, OnceLock};
use std::thread;

use nix::sys::prctl;
use nix::unistd::{ForkResult, fork};

pub use answer::Answer;
pub use channel::{Channel, Message};
pub use vigil::Vigil;

/// What the keeper's process is called, so that it can be told from ours.
pub const NAME: &CStr = c"pop3fs-keeper";

/// What the keeper does when it is asked: with the words of whoever asks, and the channel to them.
type Task = Box<dyn Fn(&[u8], Channel) + Send + Sync>;

/// The keeper, as long as it is being told what it will have to do.
#[derive(Default)]
pub struct Keeper {
    tasks: Vec<Task>,
    /// The way to the keeper, once there is one.
    way: Arc<OnceLock<Channel>>,
}

/// Something that the keeper can be asked to do.
#[derive(Clone)]
pub struct Errand {
    number: usize,
    way: Arc<OnceLock<Channel>>,
}

/// An errand that is being run.
#[must_use = "nobody else learns what has come of it"]
pub struct Begun(Channel);

impl Keeper {
    /// Entrusts it with an errand, which speaks with whoever has it run.
    pub fn entrust(&mut self, task: impl Fn(&[u8], Channel) + Send + Sync + 'static) -> Errand {
        self.tasks.push(Box::new(task));
        Errand {
            number: self.tasks.len() - 1,
            way: Arc::clone(&self.way),
        }
    }

    /// Forks. The keeper never returns from here; our process keeps nothing of the errands, nor of
    /// the secrets in them.
    ///
    /// No other thread may exist yet.
    ///
    /// # Errors
    ///
    /// The system has no descriptor or no process left.
    pub fn begin(self) -> io::Result<Vigil> {
        let (ours, theirs) = Channel::pair()?;
        // SAFETY: there is one thread, so the child has all of what it needs and no lock in it is
        // held by a thread that does not exist there.
        match unsafe { fork() }? {
            ForkResult::Child => {
                drop(ours);
                // It is only a name.
                let _ = prctl::set_name(NAME);
                serve(self.tasks, &theirs);
                // Nothing that this process holds has an end to be run: all of it is our process's.
                process::exit(0)
            }
            ForkResult::Parent { .. } => {
                // It cannot be set already: the keeper is used up by this.
                let _ = self.way.set(ours);
                Ok(Vigil(self.way))
            }
        }
    }

    /// The same on a thread, for tests, which have others already.
    #[cfg(test)]
    pub fn begin_here(self) {
        let (ours, theirs) = Channel::pair().unwrap();
        thread::spawn(move || serve(self.tasks, &theirs));
        let _ = self.way.set(ours);
    }
}

/// Runs errands until nobody is left to ask for any.
fn serve(tasks: Vec<Task>, channel: &Channel) {
    let tasks = Arc::new(tasks);
    while let Ok(Some(message)) = channel.receive() {
        let tasks = Arc::clone(&tasks);
        let run = move || run(&tasks, message);
        // Whoever asked learns it from a channel that is closed.
        if let Err(error) = thread::Builder::new().name("errand".to_owned()).spawn(run) {
            log::error!("the keeper cannot start a thread: {error}");
        }
    }
}

fn run(tasks: &[Task], message: Message) {
    let Message { octets, descriptor } = message;
    let Some((number, words)) = octets.split_first() else {
        return;
    };
    if let (Some(task), Some(descriptor)) = (tasks.get(usize::from(*number)), descriptor) {
        task(words, descriptor.into());
    }
}

impl Errand {
    /// Has it run; its first answer, and the channel to go on speaking with it. Blocks as long as
    /// the errand takes to answer.
    ///
    /// # Errors
    ///
    /// What went wrong with the errand, or the keeper is gone.
    pub fn run(&self, words: &[u8]) -> io::Result<(Answer, Channel)> {
        self.begin(words)?.answer()
    }

    /// Has it run, and does not wait for its answer.
    ///
    /// # Errors
    ///
    /// The system has no descriptor left, or the keeper is gone.
    pub fn begin(&self, words: &[u8]) -> io::Result<Begun> {
        let way = self.way.get().ok_or(io::ErrorKind::NotConnected)?;
        let (ours, theirs) = Channel::pair()?;
        // There are a handful of errands.
        let number = u8::try_from(self.number).map_err(io::Error::other)?;
        let asked = way.send(&[&[number], words].concat(), Some(theirs.into()));
        asked.map_err(or_gone)?;
        Ok(Begun(ours))
    }
}

impl Begun {
    /// Waits for its first answer; see [`Errand::run`].
    ///
    /// # Errors
    ///
    /// What went wrong with the errand, or the keeper is gone.
    pub fn answer(self) -> io::Result<(Answer, Channel)> {
        let answer = Answer::receive(&self.0).map_err(or_gone)?;
        Ok((answer, self.0))
    }
}

/// A channel that breaks off is what is left of a keeper that was killed.
fn or_gone(error: io::Error) -> io::Error {
    match error.kind() {
        kind @ (io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {
            io::Error::new(kind, "the keeper is gone; unmount, and mount again")
        }
        _ => error,
    }
}

impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errand")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn an_errand_is_run_with_the_words_of_who_asks() {
        let mut keeper = Keeper::default();
        let twice = keeper.entrust(|words, channel| {
            let _ = Answer::from([words, words].concat()).send(&channel);
        });
        let refusal = keeper.entrust(|_, channel| {
            let error = io::Error::new(io::ErrorKind::NotFound, "not here");
            let _ = Answer::refuse(&error, &channel);
        });
        keeper.begin_here();
        let (answer, _) = twice.run(b"so").unwrap();
        assert_eq!(answer.octets(), b"soso");
        let error = refusal.run(b"").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(error.to_string(), "not here");
    }

    #[test]
    fn an_errand_that_gives_no_answer_is_an_error() {
        let mut keeper = Keeper::default();
        let silent = keeper.entrust(|_, channel| drop(channel));
        assert!(silent.run(b"").is_err(), "the keeper has not begun");
        keeper.begin_here();
        assert!(silent.run(b"").is_err());
    }

    #[test]
    fn a_keeper_that_is_gone_is_told_by_name() {
        let mut keeper = Keeper::default();
        let errand = keeper.entrust(|_, channel| drop(channel));
        let (ours, theirs) = Channel::pair().unwrap();
        keeper.way.set(ours).unwrap();
        drop(theirs);
        let error = errand.run(b"").unwrap_err();
        assert!(error.to_string().contains("the keeper is gone"), "{error}");
    }

    #[test]
    fn that_the_keeper_is_gone_is_told_at_once_and_not_before() {
        let keeper = Keeper::default();
        let (ours, theirs) = Channel::pair().unwrap();
        keeper.way.set(ours).unwrap();
        let (gone, told) = mpsc::channel();
        Vigil(keeper.way)
            .start(move || gone.send("gone").unwrap())
            .unwrap();
        assert_eq!(told.try_recv(), Err(mpsc::TryRecvError::Empty));
        drop(theirs);
        assert_eq!(told.recv(), Ok("gone"));
    }

    #[test]
    fn an_errand_can_go_on_speaking() {
        let mut keeper = Keeper::default();
        let echo = keeper.entrust(|_, channel| {
            let _ = Answer::default().send(&channel);
            while let Ok(Some(message)) = channel.receive() {
                let _ = Answer::from(message.octets.to_vec()).send(&channel);
            }
        });
        keeper.begin_here();
        let (_, channel) = echo.run(b"").unwrap();
        for words in [&b"one"[..], b"two"] {
            channel.send(words, None).unwrap();
            assert_eq!(Answer::receive(&channel).unwrap().octets(), words);
        }
    }
}
