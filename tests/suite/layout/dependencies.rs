//! What other people's code there is.

use std::collections::{BTreeMap, BTreeSet};
use std::env::consts::ARCH;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::paths::paths;
use crate::support::mount::files_under;
use crate::support::process::run;

/// Licences that let the program be given on under its own.
const PERMISSIVE: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-3-Clause",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

/// Macros are in the middle of a change of its version; it is in no program.
const TWICE: &str = "syn";

/// The one whose library has another name.
const RENAMED: (&str, &str) = ("md-5", "md5");

/// Each dependency is used.
#[test]
fn each_dependency_is_used() {
    let in_program = named_in(&["src"]);
    let in_tests = named_in(&["src", "tests/suite", "tests/model", "benches"]);
    for (section, named) in [("dependencies", in_program), ("dev-dependencies", in_tests)] {
        let declared = declared(section);
        assert!(declared.len() > 3, "{declared:?}");
        let unused: Vec<&String> = declared.difference(&named).collect();
        assert!(unused.is_empty(), "{section}: {unused:?}");
    }
}

/// No crate is there in two versions, and each may be given on with the program.
#[test]
fn crates_are_there_once_and_may_be_given_on() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages() {
        let text = |field: &str| package[field].as_str().unwrap_or_default().to_owned();
        assert!(is_permissive(&text("license")), "{}", text("id"));
        versions
            .entry(text("name"))
            .or_default()
            .insert(text("version"));
    }
    versions.retain(|name, versions| name != TWICE && versions.len() > 1);
    assert!(versions.is_empty(), "{versions:?}");
}

/// The rule above would notice.
#[test]
fn a_licence_with_conditions_is_noticed() {
    assert!(is_permissive("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(is_permissive("MIT/Apache-2.0"));
    assert!(is_permissive("LGPL-2.1-or-later OR MIT"));
    assert!(!is_permissive("GPL-3.0-only"));
    assert!(!is_permissive("MIT AND GPL-3.0-only"));
    assert!(!is_permissive(""));
}

/// All that is in the program, its tests or its build, on Linux.
fn packages() -> Vec<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version=1", "--offline", "--locked"]);
    // Without it, they need not be on this machine.
    if cfg!(feature = "keyring") {
        cargo.arg("--all-features");
    }
    cargo.arg(format!("--filter-platform={ARCH}-unknown-linux-gnu"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    let metadata: Value = serde_json::from_str(&run(&mut cargo).succeeded().text()).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages.clone()
}

/// Of alternatives one is enough. There are none within none.
fn is_permissive(license: &str) -> bool {
    license.split(" AND ").all(|part| {
        let part = part.trim_matches(['(', ')']).replace('/', " OR ");
        part.split(" OR ").any(|name| PERMISSIVE.contains(&name))
    })
}

/// The crates of a section of Cargo.toml, as Rust names them.
fn declared(section: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let text = fs::read_to_string(path).expect("a file to read");
    let heading = format!("\n[{section}]\n");
    let (_, below) = text.split_once(&heading).expect("a section");
    let lines = below.lines().take_while(|line| !line.starts_with('['));
    lines
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some(line.split_once(" = ")?.0))
        .map(|name| if name == RENAMED.0 { RENAMED.1 } else { name })
        .map(|name| name.replace('-', "_"))
        .collect()
}

/// The crates that the sources below some directories name.
fn named_in(directories: &[&str]) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    directories
        .iter()
        .flat_map(|directory| files_under(&root.join(directory)))
        .filter(|file| file.extension().is_some_and(|ending| ending == "rs"))
        .flat_map(|file| paths(&fs::read_to_string(file).expect("a file to read")))
        .filter_map(|path| path.into_iter().next())
        .collect()
}
