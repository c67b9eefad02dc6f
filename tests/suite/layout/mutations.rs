//! The ways in which `make mutations` breaks the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::mount::files_under;
use crate::support::process::run;
use crate::support::skip::{Need, lacking};

/// Each still applies to the program as it is: one that does not breaks nothing, and would be missed
/// only when all of them are tried, which takes long.
#[test]
fn each_way_to_break_the_program_still_applies() {
    if lacking(&[Need::Program("patch")]) {
        return;
    }
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutations");
    let patches: Vec<PathBuf> = files_under(&directory)
        .into_iter()
        .filter(|file| file.extension().is_some_and(|ending| ending == "patch"))
        .collect();
    assert!(patches.len() >= 10, "{patches:#?}");
    let stale: Vec<&PathBuf> = patches.iter().filter(|patch| !applies(patch)).collect();
    assert!(stale.is_empty(), "no longer apply: {stale:#?}");
}

/// The rule above would notice.
#[test]
fn one_that_changes_what_is_not_there_is_noticed() {
    if lacking(&[Need::Program("patch")]) {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let patch = directory.path().join("stale.patch");
    let text = "--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1 +1 @@\n-not there\n+anything\n";
    fs::write(&patch, text).expect("a file to write");
    assert!(!applies(&patch));
}

/// Whether `tests/mutations/run` could apply it; nothing is changed.
fn applies(patch: &Path) -> bool {
    let mut command = Command::new("patch");
    command.args(["--dry-run", "--force", "--quiet", "--strip=1", "--fuzz=0"]);
    command.arg("--input").arg(patch);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    run(&mut command).code() == Some(0)
}
