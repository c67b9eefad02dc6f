//! Programs that read and list, and hold what they get against the truth.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use nix::errno::Errno;

use super::arena::Arena;
use super::ledger::{Sighting, Standing};
use super::tally::Count;

/// The longest pieces that are read at once.
const PIECE: usize = 1 << 17;

/// Reads, lists and compares until the end.
pub fn read(arena: &Arena, mut rng: Rng) {
    arena.work(|| {
        match rng.u32(..10) {
            0 => list(arena),
            1 | 2 => part(arena, &mut rng),
            3 | 4 => beginning(arena, &mut rng),
            _ => whole(arena, &mut rng),
        }
        thread::sleep(Duration::from_millis(rng.u64(..10)));
    });
}

fn whole(arena: &Arena, rng: &mut Rng) {
    let piece = rng.usize(1..=PIECE);
    attempt(arena, rng, Count::Whole, |message, file, path| {
        let mut buffer = vec![0; piece];
        let mut offset = 0;
        loop {
            let read = arena.call(path, || (&*file).read(&mut buffer))?;
            compare(arena, message, offset, &buffer[..read], piece);
            offset += read;
            if read == 0 {
                return Ok(());
            }
        }
    });
}

fn beginning(arena: &Arena, rng: &mut Rng) {
    let length = rng.usize(1..=4096);
    attempt(arena, rng, Count::Beginning, |message, file, path| {
        piece(arena, message, file, path, 0, length)
    });
}

fn part(arena: &Arena, rng: &mut Rng) {
    let (place, length) = (rng.f64(), rng.usize(1..=PIECE));
    attempt(arena, rng, Count::Part, |message, file, path| {
        let offset = (place * message.octets.len() as f64) as usize;
        piece(arena, message, file, path, offset, length)
    });
}

fn piece(
    arena: &Arena,
    message: &Sighting,
    file: &File,
    path: &Path,
    offset: usize,
    length: usize,
) -> io::Result<()> {
    let mut buffer = vec![0; length];
    let read = arena.call(path, || file.read_at(&mut buffer, offset as u64))?;
    compare(arena, message, offset, &buffer[..read], length);
    Ok(())
}

/// Opens some message and goes on with it. One that must be there is there.
fn attempt(
    arena: &Arena,
    rng: &mut Rng,
    count: Count,
    go_on: impl FnOnce(&Sighting, &File, &Path) -> io::Result<()>,
) {
    let standing = match rng.u32(..8) {
        0 => Standing::Marked,
        _ => Standing::Present,
    };
    let Some(message) = arena.ledger.pick(standing, rng) else {
        return;
    };
    let path = arena.path(&message);
    let opened = arena.call(&path, || File::open(&path));
    match opened.and_then(|file| go_on(&message, &file, &path)) {
        Ok(()) => arena.tally.add(count, 1),
        Err(error) => excuse(arena, &message, &error),
    }
}

/// A message that has neither been removed nor brought back is not gone.
fn excuse(arena: &Arena, message: &Sighting, error: &io::Error) {
    let errno = error.raw_os_error().map(Errno::from_raw);
    let is_gone = matches!(errno, Some(Errno::ENOENT | Errno::ESTALE));
    if is_gone && message.standing == Standing::Present && arena.ledger.is_unchanged(message) {
        arena.found(format!("{} is gone for its reader: {error}", message.name));
    }
}

/// What was read at an offset, where so much was asked for.
fn compare(arena: &Arena, message: &Sighting, offset: usize, read: &[u8], asked: usize) {
    let rest = message.octets.get(offset..).unwrap_or_default();
    let is_cut = read.is_empty() && asked > 0 && !rest.is_empty();
    if is_cut || !rest.starts_with(read) {
        let (name, length) = (&message.name, read.len());
        arena.found(format!("{name}: {length} wrong octets at {offset}"));
    }
    arena.tally.add(Count::Octets, read.len() as u64);
}

/// Lists the mailbox: everything that must be there is, and nothing that must not.
fn list(arena: &Arena) {
    let before = arena.ledger.all();
    let directory = &arena.mountpoint;
    let Ok(entries) = arena.call(directory, || fs::read_dir(directory)?.collect()) else {
        return;
    };
    let entries: Vec<fs::DirEntry> = entries;
    let names: BTreeSet<String> = entries
        .iter()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    if names.len() < entries.len() {
        arena.found("a name is listed twice".to_owned());
    }
    for name in names
        .iter()
        .filter(|name| arena.ledger.find(name).is_none())
    {
        arena.found(format!("{name} is listed, and nobody has sent it"));
    }
    for message in before {
        let is_missing = message.standing == Standing::Present && message.shown;
        let is_stray = matches!(message.standing, Standing::Marked | Standing::Gone);
        let is_listed = names.contains(&message.name);
        let is_wrong = is_missing && !is_listed || is_stray && is_listed;
        if is_wrong && arena.ledger.is_unchanged(&message) {
            let (name, standing) = (&message.name, message.standing);
            arena.found(format!("{name} is {standing:?}, listed: {is_listed}"));
        }
    }
    arena.ledger.show(&names);
    arena.tally.add(Count::Listed, 1);
}
