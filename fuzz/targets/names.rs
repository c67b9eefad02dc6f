//! Unique-ids as file names, by way of a whole listing, and as words of the journal.

use std::collections::{BTreeMap, BTreeSet};

use pop3fs::maildrop::{HeaderDigest, Mark, Place, Record, Standing};

use super::rig::{self, Rig};

/// The longest listing that is looked at: what is beyond tells nothing new.
const LONGEST: usize = 64;

/// The octets are unique-ids, a line each, of an honest server's maildrop. Whatever they are:
///
/// - each message has a name, a legal one, and no two have the same;
/// - the message is found by it;
/// - a unique-id that only one message has gives the same name whatever else is listed;
/// - the journal's form of it can be read back, and is the only one that can.
pub fn run(data: &[u8]) {
    let mut unique_ids: Vec<&[u8]> = data
        .split(|octet| *octet == b'\n')
        .map(<[u8]>::trim_ascii)
        .take(LONGEST)
        .collect();
    let names = names_of(&unique_ids);
    unique_ids.reverse();
    let mut reversed = names_of(&unique_ids);
    unique_ids.reverse();
    reversed.reverse();
    let mut times: BTreeMap<&[u8], usize> = BTreeMap::new();
    unique_ids
        .iter()
        .for_each(|id| *times.entry(*id).or_default() += 1);
    for ((unique_id, name), again) in unique_ids.iter().zip(&names).zip(&reversed) {
        assert!(times[unique_id] > 1 || name == again);
        written_down(unique_id);
    }
    for line in String::from_utf8_lossy(data).lines() {
        if let Ok(record) = line.parse::<Record>() {
            assert_eq!(record.to_string(), line);
        }
    }
}

/// The names of the messages that have these unique-ids, in their order.
fn names_of(unique_ids: &[&[u8]]) -> Vec<String> {
    let mut rig = Rig::new(rig::settings());
    rig.maildrop
        .connect(Box::new(|listed| listed.expect("an honest server")));
    rig.settle();
    rig.hear(b"+OK\r\n");
    while !rig.written.is_empty() {
        let commands = String::from_utf8(std::mem::take(&mut rig.written)).expect("ASCII");
        commands
            .lines()
            .for_each(|command| rig.hear(&reply(command, unique_ids)));
    }
    let entries = rig.entries(Place::Root);
    let names: BTreeSet<&str> = entries.iter().map(|entry| &*entry.name).collect();
    assert_eq!(
        (names.len(), entries.len()),
        (unique_ids.len(), unique_ids.len())
    );
    for entry in &entries {
        assert_legal(&entry.name);
        let found = rig.maildrop.find(Place::Root, &entry.name);
        assert_eq!(found.map(|found| found.id), Some(entry.id));
    }
    entries.iter().map(|entry| entry.name.to_string()).collect()
}

fn reply(command: &str, unique_ids: &[&[u8]]) -> Vec<u8> {
    let mut lines = b"+OK\r\n".to_vec();
    match command {
        "CAPA" => lines.extend(b"USER\r\nUIDL\r\n.\r\n"),
        "STAT" => lines = format!("+OK {} 700\r\n", unique_ids.len()).into_bytes(),
        "UIDL" => {
            for (index, unique_id) in unique_ids.iter().enumerate() {
                lines.extend(format!("{} ", index + 1).bytes());
                lines.extend(*unique_id);
                lines.extend(b"\r\n");
            }
            lines.extend(b".\r\n");
        }
        "LIST" => {
            let size = |index| format!("{} 7\r\n", index + 1).into_bytes();
            lines.extend((0..unique_ids.len()).flat_map(size));
            lines.extend(b".\r\n");
        }
        _ => {}
    }
    lines
}

/// A name that any Linux file system takes, and no terminal minds.
pub fn assert_legal(name: &str) {
    assert!(!name.is_empty() && name.len() <= 255, "{name:?}");
    let is_legal = |octet: u8| matches!(octet, b' '..=b'~') && octet != b'/';
    assert!(name.bytes().all(is_legal), "{name:?}");
    assert!(!matches!(name, "." | ".." | ".pop3fs"), "{name:?}");
}

fn written_down(unique_id: &[u8]) {
    let mark = Mark {
        unique_id: unique_id.into(),
        standing: Standing::ALONE,
        size: 7,
        header: HeaderDigest::of(unique_id),
    };
    let text = mark.to_string();
    assert!(
        text.bytes().all(|octet| matches!(octet, b' '..=b'~')),
        "{text:?}"
    );
    assert_eq!(text.parse(), Ok(mark));
}
