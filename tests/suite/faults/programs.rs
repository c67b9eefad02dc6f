//! Programs that everybody has, at work on the mailbox.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use nix::sys::signal::Signal;

use crate::support::mount::{files_under, pop3fs};
use crate::support::process::{Outcome, start};

use super::arena::Arena;
use super::ledger::{Sighting, Standing};
use super::tally::Count;

/// How long a program is let run.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often to look whether it has ended.
const GLANCE: Duration = Duration::from_millis(5);

/// Runs one after the other until the end.
pub fn run_all(arena: &Arena, mut rng: Rng) {
    arena.work(|| match rng.u32(..8) {
        0 => tar(arena),
        1 => ls(arena),
        2 | 3 => with_message(arena, &mut rng, cmp),
        4 | 5 => with_message(arena, &mut rng, head),
        _ => with_message(arena, &mut rng, cat),
    });
}

/// Runs `pop3fs VERB MOUNTPOINT ARGUMENTS...`.
pub fn verb(arena: &Arena, verb: &str, arguments: &[&str], patience: Duration) -> Outcome {
    let mut command = pop3fs();
    command.arg(verb).arg(&arena.mountpoint).args(arguments);
    run(&mut command, patience)
}

/// Runs a program, and tells it to end when it takes longer.
fn run(command: &mut Command, patience: Duration) -> Outcome {
    let begun = Instant::now();
    let mut program = start(command);
    while !program.has_ended() {
        if begun.elapsed() > patience {
            program.signal(Signal::SIGTERM);
            break;
        }
        thread::sleep(GLANCE);
    }
    program.finish()
}

fn with_message(arena: &Arena, rng: &mut Rng, look: fn(&Arena, &Sighting)) {
    if let Some(message) = arena.ledger.pick(Standing::Present, rng) {
        look(arena, &message);
    }
}

fn cmp(arena: &Arena, message: &Sighting) {
    let truth = arena.truth.join(&message.name);
    let mut command = Command::new("cmp");
    let cmp = run(command.arg(arena.path(message)).arg(truth), PATIENCE);
    match cmp.code() {
        Some(0) => arena.tally.add(Count::Whole, 1),
        Some(1) => arena.found(format!("cmp: {}", cmp.text())),
        _ => {}
    }
}

fn cat(arena: &Arena, message: &Sighting) {
    let cat = run(Command::new("cat").arg(arena.path(message)), PATIENCE);
    let is_whole = cat.stdout == *message.octets;
    arena.tally.add(Count::Whole, u64::from(is_whole));
    let is_right = match cat.code() {
        Some(0) => is_whole,
        _ => message.octets.starts_with(&cat.stdout),
    };
    if !is_right {
        arena.found(format!(
            "cat {}: {} wrong octets",
            message.name,
            cat.stdout.len()
        ));
    }
}

fn head(arena: &Arena, message: &Sighting) {
    let mut command = Command::new("head");
    let head = run(command.arg("-c1000").arg(arena.path(message)), PATIENCE);
    let beginning = &message.octets[..message.octets.len().min(1000)];
    let is_whole = head.stdout == beginning;
    arena.tally.add(Count::Beginning, u64::from(is_whole));
    if head.code() == Some(0) && !is_whole || !beginning.starts_with(&head.stdout) {
        arena.found(format!("head {}: {}", message.name, head.text()));
    }
}

/// No size is shown that no server could list.
fn ls(arena: &Arena) {
    let mut command = Command::new("ls");
    let ls = run(command.args(["-l", "-G"]).arg(&arena.mountpoint), PATIENCE);
    for line in ls.text().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(name), Some(size)) = (words.last(), words.get(3)) else {
            continue;
        };
        let (Some(message), Ok(size)) = (arena.ledger.find(name), size.parse::<usize>()) else {
            continue;
        };
        // Many servers do not count the line end that they add to an unfinished last line.
        let is_gone = message.standing == Standing::Gone;
        if !is_gone && ![0, 2].contains(&message.octets.len().wrapping_sub(size)) {
            arena.found(format!("ls: {line}: {} octets", message.octets.len()));
        }
    }
    arena
        .tally
        .add(Count::Listed, u64::from(ls.code() == Some(0)));
}

/// What tar could read is right. What it could not it names, and fills up.
fn tar(arena: &Arena) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (archive, copy) = (directory.path().join("tar"), directory.path().join("copy"));
    let mut command = Command::new("tar");
    command
        .arg("-cf")
        .arg(&archive)
        .arg("-C")
        .arg(&arena.mountpoint)
        .arg(".");
    let packed = run(&mut command, PATIENCE);
    if packed.code().is_none() {
        return;
    }
    fs::create_dir(&copy).expect("a directory to create");
    let mut command = Command::new("tar");
    run(
        command.arg("-xf").arg(&archive).arg("-C").arg(&copy),
        PATIENCE,
    );
    for path in files_under(&copy) {
        let name = path.file_name().expect("a name").to_string_lossy();
        let is_named = packed.stderr.contains(&*name);
        let octets = fs::read(&path).expect("a file to read");
        let is_right = match arena.ledger.find(&name) {
            Some(message) if message.standing == Standing::Gone => true,
            Some(message) => *message.octets == octets,
            None => false,
        };
        if !is_named && !is_right {
            arena.found(format!("tar {name}: {}", packed.stderr));
        }
        arena.tally.add(Count::Whole, u64::from(!is_named));
    }
    arena.tally.add(Count::Packed, 1);
}
