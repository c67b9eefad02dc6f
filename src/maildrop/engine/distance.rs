//! Programs that walk the mailbox, and others, where the server is some way away: how long they wait.

use std::time::Duration;

use super::super::settings::Settings;
use super::rig::{Line, Rig, settings};
use super::script::Script;

const COUNT: usize = 400;

/// Round trips in milliseconds, and rates in Mbit/s.
const LINES: [(u64, f64); 9] = [
    (0, 1.0),
    (0, 10.0),
    (20, 1.0),
    (20, 10.0),
    (20, 100.0),
    (100, 1.0),
    (100, 10.0),
    (100, 100.0),
    (100, 1000.0),
];

/// Most messages are short and a few are most of the mail, as in life: one in three is four times as
/// long as the others, and one in three of those again.
fn octets(number: usize) -> usize {
    let rarity = (1..6).take_while(|&power| number.is_multiple_of(3_usize.pow(power)));
    1000 + number + 500 * 4_usize.pow(rarity.count() as u32)
}

fn is_short(number: &usize) -> bool {
    octets(*number) < 2000
}

fn name(number: usize) -> String {
    format!("{number:03}")
}

fn text(number: usize) -> String {
    format!("{}\r\n", "x".repeat(octets(number) - 2))
}

fn mailbox(line: Line) -> Rig {
    let messages: Vec<_> = (1..=COUNT).map(|it| (name(it), text(it))).collect();
    let messages: Vec<_> = messages
        .iter()
        .map(|(name, text)| (&**name, &**text))
        .collect();
    let settings = Settings {
        cache_size: 1 << 26,
        read_ahead: 1 << 25,
        ..settings()
    };
    let script = Script::of(&messages).announcing(&["PIPELINING"]);
    let mut rig = Rig::with(settings, script, Vec::new());
    rig.connect().unwrap();
    rig.move_away(line);
    rig
}

fn lines() -> impl Iterator<Item = Line> {
    LINES
        .into_iter()
        .map(|(round_trip, rate)| Line::new(Duration::from_millis(round_trip), rate * 1e6 / 8.0))
}

/// Opens a message; how long that takes.
fn wait(rig: &mut Rig, number: usize) -> Duration {
    let before = rig.now();
    let open = rig.open(&name(number));
    rig.wait_for(&open);
    rig.now() - before
}

/// Lines are told by their length and width where something is wrong.
fn told(line: &Line) -> String {
    format!("{:?}, {} octets/s", line.round_trip, line.rate)
}

#[test]
fn a_walk_takes_little_more_than_the_line() {
    for line in lines() {
        let (told, round_trip, rate) = (told(&line), line.round_trip, line.rate);
        let mut rig = mailbox(line);
        let walk: Duration = (1..=COUNT).map(|number| wait(&mut rig, number)).sum();
        let carried = (1..=COUNT).map(octets).sum::<usize>() as f64 / rate;
        let most = Duration::from_secs_f64(carried * 1.05) + round_trip * 7;
        assert!(walk <= most, "{told}: {walk:?}, and {most:?} would do");
    }
}

/// What was guessed before anything was known of the line may keep it busy for half a second.
#[test]
fn who_wants_a_short_message_amidst_a_walk_waits_little_longer_than_without() {
    for line in lines() {
        let (told, round_trip) = (told(&line), line.round_trip);
        let mut rig = mailbox(line);
        let wanted = (COUNT / 2..=COUNT).rev().filter(is_short);
        let steps = (1..COUNT / 2).step_by(3);
        let waits = steps.zip(wanted).map(|(step, wanted)| {
            for number in step..step + 3 {
                wait(&mut rig, number);
            }
            wait(&mut rig, wanted)
        });
        let mut waits: Vec<Duration> = waits.collect();
        waits.sort();
        let (usual, longest) = (waits[waits.len() / 2], waits[waits.len() - 1]);
        assert!(
            longest <= round_trip * 2 + Duration::from_millis(500),
            "{told}: {longest:?}"
        );
        assert!(
            usual <= round_trip + Duration::from_millis(50),
            "{told}: {usual:?}"
        );
    }
}
