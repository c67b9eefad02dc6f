//! The lines of a log. Once a mount is served they are written by a thread of their own, so that
//! nobody who has something to say waits for a disk that hangs, or for a terminal that was stopped.

use std::io::{self, Write};
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// So many octets may wait to be written; what is said beyond that is lost, and that is told.
const BACKLOG_MAX: usize = 8 << 20;

/// How long the process may take to say its last words.
const FAREWELL: Duration = Duration::from_secs(1);

/// Where lines go; all clones are the same.
#[derive(Clone)]
pub(super) struct Lines(Arc<Mutex<Way>>);

/// How they get there.
enum Way {
    /// On the thread that has something to say.
    Direct(Box<dyn Write + Send>),
    /// By way of a thread that may wait.
    Queue(Queue),
}

struct Queue {
    sender: Sender<Item>,
    backlog: Arc<Backlog>,
}

enum Item {
    Line(Vec<u8>),
    /// Whoever waits for all that was said before.
    Flush(Sender<()>),
}

/// What has still to be written.
#[derive(Default)]
struct Backlog {
    octets: AtomicUsize,
    lost_lines: AtomicUsize,
}

impl Lines {
    /// Lines that are written at once, as long as there is nobody to serve.
    pub fn to(target: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Way::Direct(Box::new(target)))))
    }

    /// From now on nobody waits until a line is written.
    ///
    /// # Errors
    /// No thread could be made; no more lines are written.
    pub fn write_aside(&self) -> io::Result<()> {
        let mut way = locked(&self.0);
        let Way::Direct(target) = &mut *way else {
            return Ok(());
        };
        let target = mem::replace(target, Box::new(io::sink()));
        let (sender, items) = channel();
        let backlog = Arc::<Backlog>::default();
        let left = backlog.clone();
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(target, &items, &left))?;
        *way = Way::Queue(Queue { sender, backlog });
        Ok(())
    }

    /// Waits until all is written that was said, but not for long.
    pub fn flush(&self) {
        let flushed = match &*locked(&self.0) {
            Way::Direct(_) => return,
            Way::Queue(queue) => queue.flush(),
        };
        let _ = flushed.recv_timeout(FAREWELL);
    }
}

impl Write for Lines {
    /// Takes a whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match &mut *locked(&self.0) {
            Way::Direct(target) => target.write_all(line)?,
            Way::Queue(queue) => queue.add(line),
        }
        Ok(line.len())
    }

    /// Lines are whole when they are written: there is nothing that could be held back.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Queue {
    fn add(&self, line: &[u8]) {
        let Backlog { octets, lost_lines } = &*self.backlog;
        if octets.load(Ordering::Relaxed) > BACKLOG_MAX {
            lost_lines.fetch_add(1, Ordering::Relaxed);
            return;
        }
        octets.fetch_add(line.len(), Ordering::Relaxed);
        self.send(Item::Line(line.to_owned()));
    }

    /// What comes to its end when all is written that was said before.
    fn flush(&self) -> Receiver<()> {
        let (sender, flushed) = channel();
        self.send(Item::Flush(sender));
        flushed
    }

    fn send(&self, item: Item) {
        // The thread goes on until the process ends.
        let _ = self.sender.send(item);
    }
}

/// Writes what is said, to the end of the process.
fn write(mut target: Box<dyn Write + Send>, items: &Receiver<Item>, backlog: &Backlog) {
    for item in items {
        match item {
            // There is nobody to tell where the log cannot be written.
            Item::Line(line) => {
                let _ = target.write_all(&line);
                backlog.octets.fetch_sub(line.len(), Ordering::Relaxed);
                let _ = confess(&mut target, backlog.lost_lines.swap(0, Ordering::Relaxed));
            }
            Item::Flush(waiting) => drop(waiting),
        }
    }
}

/// Says how much was lost behind what has just been written.
fn confess(target: &mut impl Write, lines: usize) -> io::Result<()> {
    match lines {
        0 => Ok(()),
        lines => target.write_all(
            format!("pop3fs: this could not be written for so long that {lines} lines were lost\n")
                .as_bytes(),
        ),
    }
}

/// Nothing can be half done inside.
fn locked(way: &Mutex<Way>) -> MutexGuard<'_, Way> {
    way.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{SyncSender, sync_channel};

    use super::*;

    /// A disk that takes a line when it is let.
    struct Slow {
        written: Sender<String>,
        turn: Receiver<()>,
    }

    impl Write for Slow {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.turn.recv().map_err(io::Error::other)?;
            let text = String::from_utf8_lossy(line).into_owned();
            self.written.send(text).map_err(io::Error::other)?;
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (Lines, SyncSender<()>, Receiver<String>) {
        let (written, lines) = channel();
        let (let_go, turn) = sync_channel(100);
        (Lines::to(Slow { written, turn }), let_go, lines)
    }

    #[test]
    fn a_line_is_written_at_once_as_long_as_there_is_nobody_to_serve() {
        let (mut lines, let_go, written) = slow();
        let_go.send(()).unwrap();
        lines.write_all(b"one\n").unwrap();
        assert_eq!(written.try_recv().unwrap(), "one\n");
    }

    #[test]
    fn who_has_something_to_say_does_not_wait_for_a_disk_that_hangs() {
        let (mut lines, let_go, written) = slow();
        lines.write_aside().unwrap();
        for line in ["one\n", "two\n"] {
            lines.write_all(line.as_bytes()).unwrap();
        }
        assert!(written.try_recv().is_err());
        (0..2).for_each(|_| let_go.send(()).unwrap());
        lines.flush();
        assert_eq!(written.try_iter().collect::<String>(), "one\ntwo\n");
    }

    #[test]
    fn what_is_lost_is_told() {
        let (mut lines, let_go, written) = slow();
        lines.write_aside().unwrap();
        lines.write_all(&vec![b'a'; BACKLOG_MAX + 1]).unwrap();
        for line in ["lost\n", "lost, too\n"] {
            lines.write_all(line.as_bytes()).unwrap();
        }
        (0..3).for_each(|_| let_go.send(()).unwrap());
        lines.flush();
        lines.write_all(b"found\n").unwrap();
        lines.flush();
        let after: Vec<String> = written.try_iter().skip(1).collect();
        assert!(after[0].contains("2 lines were lost"), "{after:?}");
        assert_eq!(after[1..], ["found\n"]);
    }

    #[test]
    fn last_words_are_not_waited_for_for_ever() {
        let (mut lines, _let_go, written) = slow();
        lines.write_aside().unwrap();
        lines.write_all(b"one\n").unwrap();
        lines.flush();
        assert!(written.try_recv().is_err());
    }
}
