//! One message, asked for while nothing else goes on.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::reading::read;
use super::{BARE, POP3FS, TMPFS, disorder, walk};
use crate::bare::Bare;
use crate::mailbox::Mailbox;
use crate::measure::{self, Entrant, timed};
use crate::mount::Mount;
use crate::process::succeed;
use crate::race::Race;
use crate::stage::Stage;

/// A single message takes so little time that it is fetched often.
const REPETITIONS: usize = 100;

/// Long enough for everybody to fall idle.
const PAUSE: Duration = Duration::from_millis(3);

/// Reads messages nobody has read before, on a session or mount that has been there for a while.
pub fn race(stage: &Stage) -> io::Result<Vec<Race>> {
    let mut bare = Bare::connect(&stage.account)?;
    bare.list()?;
    let mount = Mount::of(&stage.account)?;
    let files = mount.files()?;
    stage.mailbox.expect_count(files.len())?;
    let scratch = walk::in_memory()?;
    let local = scratch.path().join("message");
    fs::write(&local, [b'x'; 8_192])?;

    let unread = Unread::of(stage.mailbox);
    let mut scores = measure::race(
        REPETITIONS,
        vec![
            Entrant::new(BARE, || {
                let number = unread.next()? + 1;
                timed(|| bare.retrieve([number])).map(|(time, _)| time)
            }),
            Entrant::new(&format!("{POP3FS}: open, read, close"), || {
                let file = &files[unread.next()?];
                timed(|| read(file)).map(|(time, _)| time)
            }),
            Entrant::new(POP3FS, || {
                let file = &files[unread.next()?];
                timed(|| cat(file)).map(|(time, ())| time)
            }),
            Entrant::new(TMPFS, || {
                thread::sleep(PAUSE);
                timed(|| cat(&local)).map(|(time, ())| time)
            }),
        ],
    );
    bare.quit()?;
    mount.umount()?;
    let programs = scores.split_off(2);
    Ok(vec![
        Race::against_the_first("cold `cat` of one message of 8 KB", scores),
        Race::side_by_side("the same by cat(1), whose start counts", programs),
    ])
}

/// Messages that nobody has read, each once: what one entrant has had the server's machine read from the
/// disk would be at hand for the next.
struct Unread {
    places: RefCell<Vec<usize>>,
}

impl Unread {
    fn of(mailbox: Mailbox) -> Unread {
        Unread {
            places: RefCell::new(disorder::places(mailbox.count)),
        }
    }

    /// The place of one, after everybody has fallen idle.
    fn next(&self) -> io::Result<usize> {
        thread::sleep(PAUSE);
        let place = self.places.borrow_mut().pop();
        place.ok_or_else(|| io::Error::other("all messages have been read"))
    }
}

fn cat(file: &Path) -> io::Result<()> {
    succeed(Command::new("cat").arg(file).stdout(Stdio::null()))
}
