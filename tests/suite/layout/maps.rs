//! The maps at the head of rooms that have many files.

use std::fs;
use std::path::Path;

/// Rooms whose documentation says what is where.
const MAPPED: &[&str] = &["src/maildrop/mod.rs"];

/// A map names each module of its room.
#[test]
fn a_map_leaves_nothing_off() {
    for room in MAPPED {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(room);
        let source = fs::read_to_string(path).expect("a room's own file");
        let map: String = source
            .lines()
            .filter(|line| line.starts_with("//! |"))
            .collect();
        let modules = source
            .lines()
            .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
        let missing: Vec<&str> = modules
            .filter(|module| !map.contains(&format!("`{module}`")))
            .collect();
        assert!(missing.is_empty() && !map.is_empty(), "{room}: {missing:?}");
    }
}
