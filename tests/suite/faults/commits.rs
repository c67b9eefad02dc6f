//! Commits, one after the other.

use std::thread;
use std::time::Duration;

use super::arena::Arena;
use super::ledger::{Sighting, Standing};
use super::programs::verb;
use super::tally::Count;

/// How long a commit is waited for; it goes on by itself then.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two of them.
const PAUSE: Duration = Duration::from_secs(1);

/// Commits until the end.
pub fn commit(arena: &Arena) {
    while !arena.is_over() {
        thread::sleep(PAUSE);
        arena.inside(|| commit_once(arena));
    }
}

/// After a commit that says so, what was marked before it is gone.
fn commit_once(arena: &Arena) {
    let marked: Vec<Sighting> = arena.ledger.all();
    arena.set_committing(true);
    let commit = verb(arena, "commit", &[], PATIENCE);
    arena.set_committing(false);
    match commit.code() {
        Some(0) => arena.tally.add(Count::Complete, 1),
        Some(_) => return arena.tally.add(Count::Incomplete, 1),
        None => return arena.tally.add(Count::Unawaited, 1),
    }
    let held = arena.held();
    for message in marked.iter().filter(|it| it.standing == Standing::Marked) {
        if held.contains(&message.name) && arena.ledger.is_unchanged(message) {
            let (name, said) = (&message.name, commit.text());
            arena.found(format!(
                "{name} is there after its commit, which said: {said}"
            ));
        }
    }
}
