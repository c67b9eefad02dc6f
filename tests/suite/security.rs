//! SECURITY.md and the code say the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::mount::files_under;

/// Each threat in SECURITY.md names the tests that show what comes of it, and they exist.
#[test]
fn each_threat_is_covered_by_tests() {
    let tests = tests();
    let threats = rows("Threats");
    assert!(threats.len() > 30, "{}", threats.len());
    for threat in threats {
        let named = quoted(&threat);
        assert!(!named.is_empty(), "no test: {threat}");
        let missing: Vec<&&str> = named
            .iter()
            .filter(|name| !tests.contains(**name))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}

/// Each limit in SECURITY.md is a constant.
#[test]
fn each_limit_is_a_constant() {
    let source = sources(&["src"]).join("\n");
    let limits = rows("Limits");
    assert!(limits.len() > 10, "{}", limits.len());
    for limit in limits {
        let named = quoted(&limit);
        assert!(!named.is_empty(), "no constant: {limit}");
        for name in named {
            assert!(source.contains(&format!("const {name}: ")), "{name}");
        }
    }
}

/// The rules above would notice.
#[test]
fn only_a_test_covers_a_threat() {
    let source =
        "#[test]\nfn one() {}\nfn two() {}\n#[test]\n#[cfg(any())]\n    fn three(x: u8) {}\n";
    assert_eq!(tests_in(source), ["one"]);
    assert_eq!(quoted("| `a` | b | `c` `d` |"), ["c", "d"]);
}

/// The rows of the tables in a section, without their heads.
fn rows(section: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("SECURITY.md");
    let text = fs::read_to_string(path).expect("a file to read");
    let sections = text.split("\n## ");
    let section = sections
        .filter_map(|part| part.strip_prefix(section))
        .next()
        .expect("a section");
    let lines: Vec<&str> = section.lines().collect();
    let is_row = |index: usize| {
        let below = lines.get(index + 1).copied().unwrap_or_default();
        lines[index].starts_with("| ") && !below.starts_with("|--")
    };
    (0..lines.len())
        .filter(|&index| is_row(index))
        .map(|index| lines[index].to_owned())
        .collect()
}

/// What stands in backticks in the last cell of a row.
fn quoted(row: &str) -> Vec<&str> {
    let cells = row.trim().trim_end_matches('|');
    let last = cells.rsplit('|').next().unwrap_or_default();
    last.split('`').skip(1).step_by(2).collect()
}

fn tests() -> BTreeSet<String> {
    sources(&["src", "tests/suite", "tests/model"])
        .iter()
        .flat_map(|source| tests_in(source))
        .collect()
}

fn sources(parts: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files: Vec<PathBuf> = parts
        .iter()
        .flat_map(|part| files_under(&root.join(part)))
        .filter(|file| file.extension().is_some_and(|ending| ending == "rs"))
        .collect();
    files
        .iter()
        .map(|file| fs::read_to_string(file).expect("a file to read"))
        .collect()
}

/// The functions right below `#[test]`.
fn tests_in(source: &str) -> Vec<String> {
    let lines = source.lines().map(str::trim);
    let pairs = lines.clone().zip(lines.skip(1));
    pairs
        .filter(|(above, _)| *above == "#[test]")
        .filter_map(|(_, below)| below.strip_prefix("fn ")?.split('(').next())
        .map(str::to_owned)
        .collect()
}
