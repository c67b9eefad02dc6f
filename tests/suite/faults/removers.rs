//! Programs that remove and bring back.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use nix::errno::Errno;

use super::arena::{Arena, GRACE, TIMEOUT};
use super::ledger::{Sighting, Standing};
use super::programs::verb;
use super::tally::Count;

/// How many messages may be marked before no more are.
const MARKED: usize = 30;

/// Removes and brings back until the end.
pub fn remove(arena: &Arena, mut rng: Rng) {
    arena.work(|| {
        match rng.u32(..8) {
            0 => undelete(arena, &mut rng),
            1 | 2 => bring_back(arena, &mut rng),
            _ => take_away(arena, &mut rng),
        }
        thread::sleep(Duration::from_millis(rng.u64(..400)));
    });
}

/// As long as there is something left to be read.
fn take_away(arena: &Arena, rng: &mut Rng) {
    if arena.ledger.standing(Standing::Marked).len() > MARKED {
        return;
    }
    let change = (Standing::Present, Standing::Removing, Standing::Marked);
    try_change(arena, rng, change, Count::Removed, |path, _| {
        fs::remove_file(path)
    });
}

fn bring_back(arena: &Arena, rng: &mut Rng) {
    let change = (Standing::Marked, Standing::Restoring, Standing::Present);
    try_change(arena, rng, change, Count::Restored, |path, message| {
        fs::rename(path, arena.mountpoint.join(&message.name))
    });
}

/// Changes a message's standing by a system call, by way of a standing in which all is possible.
fn try_change(
    arena: &Arena,
    rng: &mut Rng,
    (from, by_way_of, to): (Standing, Standing, Standing),
    count: Count,
    call: impl FnOnce(&Path, &Sighting) -> io::Result<()>,
) {
    let Some(message) = arena.ledger.pick(from, rng) else {
        return;
    };
    let path = arena.path(&message);
    if !arena.ledger.claim(&message, by_way_of) {
        return;
    }
    let result = arena.call(&path, || call(&path, &message));
    let errno = result.as_ref().err().and_then(io::Error::raw_os_error);
    let standing = match errno.map(Errno::from_raw) {
        None => to,
        // What is marked may have been deleted on the server; and it cannot be had while it is.
        Some(Errno::ENOENT | Errno::EBUSY) => from,
        Some(_) => Standing::Unclear,
    };
    if from == Standing::Present && errno == Some(libc::ENOENT) {
        arena.found(format!("{} is gone for who removes it", message.name));
    }
    arena.tally.add(count, u64::from(result.is_ok()));
    arena.ledger.settle(&message.name, standing);
}

/// The same by the verb, which takes the marks of deleted messages off as well: a commit whose daemon was killed may
/// have deleted it.
fn undelete(arena: &Arena, rng: &mut Rng) {
    let Some(message) = arena.ledger.pick(Standing::Marked, rng) else {
        return;
    };
    if !arena.ledger.claim(&message, Standing::Restoring) {
        return;
    }
    let undelete = verb(arena, "undelete", &[&message.name], TIMEOUT + GRACE);
    let is_back = undelete.status.success() && arena.mountpoint.join(&message.name).exists();
    let standing = match is_back {
        true => Standing::Present,
        false => Standing::Unclear,
    };
    arena.ledger.settle(&message.name, standing);
    arena
        .tally
        .add(Count::Restored, u64::from(standing == Standing::Present));
}
